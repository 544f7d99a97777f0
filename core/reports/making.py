"""A report, from the runs that it is about to a file."""

from __future__ import annotations

import contextlib
import io
import math
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import core
from core.errors import LabError
from core.files import written_beside
from core.reports.asked import MOST_RUNS
from core.reports.blocks import Report
from core.reports.filed import meant
from core.reports.logo import logo
from core.reports.meeting import meeting_sections
from core.reports.several import run_parts
from core.reports.times import moment
from core.runs import RunFolder
from core.settings import settings

Seen = Callable[[float], None]


def report_of(
    folders: Sequence[RunFolder], seen: Seen = lambda share: None, pictures_until: float = math.inf
) -> Report:
    """A report about runs, in the order given. Raises RunNotFoundError, and LabError for none or too many.

    Args:
        folders: of the runs; that of a sweep stands for all of its runs, the best first.
        seen: hears how much is done, from 0 to 1.
        pictures_until: as `time.monotonic` counts; solutions are not drawn from then on.
    """
    folders, sweep = meant(folders)
    missing = []
    if sweep and len(folders) > MOST_RUNS:
        missing = [f"The sweep has {len(folders):,} runs, and the report is about the best {MOST_RUNS} of them."]
        folders = folders[:MOST_RUNS]
    if not 0 < len(folders) <= MOST_RUNS:
        raise LabError(f"A report is about 1 to {MOST_RUNS} runs, not {len(folders):,}.")
    sections, facts = run_parts(folders, seen, pictures_until)
    missing += [
        f"{known.label}: {sentence}" if len(facts) > 1 else sentence for known in facts for sentence in known.missing
    ]
    if len(facts) == 1:
        known = facts[0]
        problem = "" if known.problem is None else f"{known.problem.title}, "
        title, subtitle = known.name, f"{problem}run {known.run_id}, {known.state}"
    else:
        problems = list(dict.fromkeys(known.problem.title for known in facts if known.problem is not None))
        runs = f"{len(facts)} runs" + (f": {problems[0]}" if len(problems) == 1 else "")
        title = f"{sweep}, {runs}" if sweep else runs
        subtitle = " · ".join(problems) or "of other programs"
    return _headed(title, subtitle, sections, tuple(known.run_id for known in facts), missing)


def meeting_report(begins: float) -> Report:
    """A report of what ended since a moment, in Unix time. Raises StoreError."""
    sections, said = meeting_sections(begins)
    return _headed(f"Runs since {moment(begins)}", said, sections, (), [])


def _headed(title: str, subtitle: str, sections: Sequence, runs: tuple[str, ...], missing: list[str]) -> Report:
    picture = None
    try:
        picture = logo()
    except LabError as error:
        missing = [*missing, str(error)]
    made = f"{moment(time.time())}, Singularity Lab {core.__version__}"
    return Report(title, subtitle, tuple(sections), made, settings().reports.header, picture, runs, tuple(missing))


def report_bytes(report: Report, form: str, seen: Seen = lambda share: None, pictures_until: float = math.inf) -> bytes:
    """A report as one file; Markdown with pictures as a .zip of both. Raises LabError, OSError.

    Args:
        report: what to write.
        form: a key of `FORMATS`.
        seen: hears how much is done, from 0 to 1.
        pictures_until: as `time.monotonic` counts; figures are no pictures from then on.
    """
    if form == "html":
        from core.reports.html import html_bytes

        return html_bytes(report)
    if form == "pdf":
        from core.reports.pdf import pdf_bytes

        return pdf_bytes(report, seen, pictures_until)
    if form == "ipynb":
        from core.reports.notebook import notebook_bytes

        return notebook_bytes(report)
    from core.reports.markdown import markdown

    text, pictures = markdown(report, "report_files", pictures_until)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.md", text.encode("utf-8", "replace"))
        for name, data in pictures.items():
            archive.writestr(name, data)
    return out.getvalue()


def write_report(report: Report, path: Path, form: str) -> list[Path]:
    """Write a report; of Markdown the pictures stand in a folder NAME_files beside it. Returns the files.

    Raises LabError where the disk does not take it: what was at the path stays, and no half file is left.
    """
    try:
        if form != "md":
            _write(path, report_bytes(report, form))
            return [path]
        from core.reports.markdown import markdown

        text, pictures = markdown(report, f"{path.stem}_files")
        return _write_markdown(path, text, pictures)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from None


def _write_markdown(path: Path, text: str, pictures: dict[str, bytes]) -> list[Path]:
    """All of it is on the disk before any of it takes the place of an earlier report's."""
    files = [path.parent / name for name in pictures]
    folders = list(dict.fromkeys(file.parent for file in files))
    made = [folder for folder in folders if not folder.exists()]
    try:
        for folder in made:
            folder.mkdir()
        with contextlib.ExitStack() as whole:
            kept = {path: text.encode("utf-8", "replace")} | dict(zip(files, pictures.values(), strict=True))
            for file, data in kept.items():
                whole.enter_context(written_beside(file)).write_bytes(data)
    except OSError:
        for folder in made:
            with contextlib.suppress(OSError):  # one that somebody has put a file into stays
                folder.rmdir()
        raise
    return [path, *files]


def _write(path: Path, data: bytes) -> None:
    with written_beside(path) as temporary:
        temporary.write_bytes(data)
