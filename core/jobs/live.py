"""What is going on now, read once a second for all who watch it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from core.home import home
from core.jobs import table
from core.jobs.actions import refresh
from core.jobs.job import Job

EVERY_S = 1.0
"""A look serves everybody who asks within so many seconds."""
WAITING = 100
"""Most waiting jobs of a look."""


@dataclass(frozen=True)
class Look:
    """The job table at one moment."""

    moment: float
    """When it was looked at, in seconds of `time.monotonic`."""
    active: tuple[Job, ...]
    """Those that a process is at work on, newest first."""
    waiting: tuple[Job, ...]
    """The first of those that wait, in the order in which they will begin."""
    counts: dict[str, int]
    """State → how many runs are in it; without those that lie in the bin."""
    event: int
    """Id of the newest event of this lab."""

    def job(self, run_id: str) -> tuple[Job, float]:
        """A run's job, and when it was like that (`moment`). Raises RunNotFoundError."""
        found = next((job for job in (*self.active, *self.waiting) if job.run_id == run_id), None)
        return (table.get(run_id), time.monotonic()) if found is None else (found, self.moment)


_lock = threading.Lock()
_newest: dict[Path, Look] = {}
"""By home, of the last home alone."""


def look(every_s: float = EVERY_S) -> Look:
    """What is going on, looked at again once `every_s` seconds are over; workers are started and ends settled then.

    Raises StoreError when the job table can't be read.
    """
    root = home().root
    with _lock:
        known = _newest.get(root)
        if known is None or time.monotonic() - known.moment >= every_s:
            now = time.monotonic()
            refresh()
            seen = table.overview(WAITING, 0)
            known = Look(
                moment=now,
                active=tuple(seen.active),
                waiting=tuple(seen.waiting),
                counts=seen.counts,
                event=seen.event,
            )
            _newest.clear()
            _newest[root] = known
        return known
