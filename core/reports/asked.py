"""A report made in a process of its own, so that no page waits for it and none can take the server's memory."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.apart import answering, asked, sparing
from core.background import Background, Known
from core.errors import LabError, sentence
from core.plain_text import traceback_of

FORMATS = {
    "html": "HTML, figures live",
    "pdf": "PDF",
    "ipynb": "Jupyter notebook",
    "md": "Markdown",
}
"""Format → what people call it."""
MOST_RUNS = 200

SECONDS, MEMORY = 600.0, 16 * 2**30
"""What a report may take: torch alone asks for gigabytes of addresses."""
AT_ONCE = threading.Semaphore(2)
"""So many are made at a time for all visitors of a server; the next one waits."""
SOLUTIONS, FIGURES = 0.4 * SECONDS, 0.75 * SECONDS
"""Seconds until which solutions are sampled, and figures are drawn as pictures: what is late goes without, with a word
in its place, so that the report is there at all."""
READING = 0.75
"""Share of the work that is done once the runs are read."""


@dataclass(frozen=True)
class Asked:
    """What a report is to be about."""

    form: str
    """A key of `FORMATS`."""
    runs: tuple[str, ...] = ()
    """Whole run ids; none for a meeting's report."""
    since: str = ""
    """As `core.reports.meeting.since` takes it; empty for a report about runs."""

    @property
    def file_name(self) -> str:
        """What its file is called where nobody says otherwise."""
        what = "meeting" if self.since else self.runs[0][:8] if len(self.runs) == 1 else f"{len(self.runs)}-runs"
        return f"report-{what}.{'zip' if self.form == 'md' else self.form}"


def made_apart(wanted: Asked, told: Callable[[float], None] = lambda share: None) -> bytes:
    """The report's file, made in a child. Raises LabError, its own or that the child took too long or too much.

    Args:
        wanted: what it is about.
        told: hears how much is done, from 0 to 1.
    """
    while not AT_ONCE.acquire(timeout=0.3):
        told(0.0)  # also the moment for whoever no longer wants it
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report"
            arguments = [json.dumps({"form": wanted.form, "runs": wanted.runs, "since": wanted.since}), str(path)]
            asked(__name__, arguments, "The report", SECONDS, MEMORY, told, doing="Making", failed="could not be made")
            return path.read_bytes()
    finally:
        AT_ONCE.release()


class Making:
    """A report that is being made for a page; it can be cancelled, which ends its child."""

    def __init__(self, wanted: Asked):
        self.wanted = wanted
        self._cancelled = threading.Event()
        self._work: Background[bytes] = Background(lambda told: made_apart(wanted, self._watched(told)))
        self._work.ask()

    def known(self) -> Known[bytes]:
        """How far it is, and the file once it is made."""
        return self._work.ask()

    def cancel(self) -> None:
        """End its child, within a second."""
        self._cancelled.set()

    def _watched(self, told: Callable[[float], None]) -> Callable[[float], None]:
        def watched(share: float) -> None:
            if self._cancelled.is_set():
                raise LabError("The report was cancelled.")
            told(share)

        return watched


def main(arguments: Sequence[str]) -> None:
    """The child's side."""
    given, path, memory, seconds = arguments
    with answering("The report", memory, seconds) as say:
        try:
            _make(Asked(**json.loads(given)), Path(path), sparing(say))
        except (OSError, MemoryError):
            raise
        except LabError as error:
            say(error=str(error))
        except Exception as error:  # a defect: in a sentence, its traceback for the server's log
            say(error=sentence(error), trace=traceback_of(error))
        else:
            say(done=True)


def _make(wanted: Asked, path: Path, told: Callable[[float], None]) -> None:
    from core.reports.making import meeting_report, report_bytes, report_of
    from core.reports.meeting import since
    from core.runs import run_folder

    begun = time.monotonic()
    if wanted.since:
        report = meeting_report(since(wanted.since))
    else:
        folders = [run_folder(run) for run in wanted.runs]
        report = report_of(folders, lambda share: told(READING * share), begun + SOLUTIONS)
    seen = lambda share: told(READING + (1 - READING) * share)  # noqa: E731
    data = report_bytes(report, wanted.form, seen, begun + FIGURES)
    path.write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1:])
