"""`python -m core report`: what runs did, as a file for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.arguments import chosen_run, readable
from core.cli.output import check_writable, note, say
from core.errors import LabError

if TYPE_CHECKING:
    from core.runs import RunFolder

ALL = "html, pdf, ipynb or md"


def report(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN…]", help="Run ids; their first characters are enough.")
    ] = None,
    form: Annotated[str | None, typer.Option("--format", help=f"{ALL}; without it by the file's ending.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="report-RUN.FORMAT where none is named.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="In place of runs, for a meeting: all that ended since 2026-03-02, or in '7 days'."
        ),
    ] = None,
) -> None:
    """Write a report about runs: what was run, how it went, pictures, and how to run it again."""
    from core.reports.making import meeting_report, report_of, write_report
    from core.reports.meeting import since as moment_of

    if bool(runs) == bool(since):
        raise LabError("A report is about runs, by their ids, or about all since a date, by --since: give one.")
    form = chosen_format(form, output)
    begins = moment_of(since) if since else None
    folders = [chosen_run(run) for run in runs or ()]
    path = output or Path(f"report-{_what(folders)}.{form}")
    check_writable(path)
    made = meeting_report(begins) if begins is not None else report_of(folders)
    files = write_report(made, path, form)
    for sentence in made.missing:
        note(f"note: {sentence}")
    beside = f", its pictures in {files[1].parent}" if len(files) > 1 else ""
    say(f"{path}: {made.title}, {path.stat().st_size / 1e6:.2f} MB{beside}")


def chosen_format(form: str | None, output: Path | None) -> str:
    """The format that was asked for, by its name or by a file's ending, else HTML. Raises LabError."""
    from core.reports.asked import FORMATS

    if form is None:
        form = "html" if output is None else output.suffix.lower().removeprefix(".")
        if form not in FORMATS:
            raise LabError(f"{output} does not say its format: end it in .html, .pdf, .ipynb or .md, or use --format.")
    form = form.lower().removeprefix(".")
    if form not in FORMATS:
        raise LabError(f"A report has no format {readable(form, 'The format')!r}; it is {ALL}.")
    return form


def _what(folders: list[RunFolder]) -> str:
    if not folders:
        return "meeting"
    return str(folders[0]) if len(folders) == 1 else f"{len(folders)}-runs"
