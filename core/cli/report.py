"""`python -m core report`: what runs did, as a file for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.arguments import chosen_run
from core.cli.output import check_writable, note, say
from core.errors import LabError

FORMATS = ("html",)


def report(
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Run ids; their first characters are enough.")],
    form: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help=f"{', '.join(FORMATS)}; by the file's ending.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="report-RUN.FORMAT where none is named.")
    ] = None,
) -> None:
    """Write a report about runs, finished or not: what was run, how it went, and how to run it again."""
    from core.reports.making import report_of, write_report

    form = chosen_format(form, output)
    folders = [chosen_run(run) for run in runs]
    path = output or Path(f"report-{folders[0]}.{form}")
    check_writable(path)
    made = report_of(folders)
    write_report(made, path, form)
    for sentence in made.missing:
        note(f"note: {sentence}")
    say(f"{path}: {made.title}, {path.stat().st_size / 1e6:.1f} MB")


def chosen_format(form: str | None, output: Path | None) -> str:
    """The format that was asked for, by its name or by a file's ending, else HTML. Raises LabError."""
    ending = "" if output is None else output.suffix.lower().removeprefix(".")
    if form is None:
        form = ending or FORMATS[0]
        if form not in FORMATS:
            raise LabError(f"A report is no .{form}; name the file with one of {', '.join(FORMATS)}, or use --format.")
    form = form.lower().removeprefix(".")
    if form not in FORMATS:
        raise LabError(f"A report has no format {form!r}; it is one of {', '.join(FORMATS)}.")
    return form
