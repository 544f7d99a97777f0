"""The courier: looks after runs that nobody looks after, and tells the store what waits in their outboxes.

One process a lab home, by its lock; `python -m core.jobs.courier`, detached. A slot's worker starts it with each run,
and again where there is none, as every run's heartbeat does, and every process that has something for the store and has
not imported MLflow. It holds active runs against their rules and tells channels (`core.jobs.watching`), and it alone
asks clusters (`core.jobs.engines.tending`). It ends when no
run is active, none will begin by itself, and nothing waits to be told. So a run that is killed with its worker and its
dashboard is found dead in seconds, the queue goes on and what tries again later does, and no process that trains or
answers a browser ever waits for a store.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence

from core.errors import StoreError
from core.home import home
from core.jobs import announced, events, table
from core.jobs.actions import ensure
from core.jobs.detached import COURIER
from core.jobs.engines.tending import tending
from core.jobs.job import Job
from core.jobs.looking_thread import LookingThread
from core.jobs.notices import DAY_S
from core.jobs.retention import tidy
from core.jobs.sampling import Attendance
from core.jobs.slot_lock import hold
from core.jobs.sweeping import open_sweeps
from core.jobs.sync import settle_announced, tell_store, telling_for
from core.jobs.watching import watching

LOOK_S = 3.0
STUCK_S = 600.0
"""Seconds for one run, with all its files, after which a store's library is taken to hang; the next courier tries."""
PATIENCE_S = 3600.0
"""Without any active run, seconds for which a store that takes nothing is tried."""
NOTICES_S = 2 * DAY_S
"""Likewise for channels, which give up by themselves."""


def carry() -> None:
    """Look until nothing is left to look after, and nobody to be told."""
    settling = Settling()
    settling.start()
    try:
        with watching(), tending():
            _carry()
    finally:
        settling.end()


class Settling(LookingThread):
    """Ends runs whose makers were killed; the store may take its time, and the looks at runs must not wait for it."""

    def __init__(self) -> None:
        super().__init__("settling", LOOK_S)

    def look(self) -> None:
        """Settle what dead makers left. Raises StoreError."""
        if announced.left_behind():
            settle_announced()


def _carry() -> None:
    seen_before: set[str] = set()
    told_at: dict[str, float] = {}
    attendance = Attendance()
    alone_since = time.monotonic()
    while home().root.is_dir():
        told = False
        try:
            ensure()
            tidy()
            jobs, coming = table.unsettled(), table.begins_by_itself()
            attendance.look(jobs)
            waiting = {job.run_id: job for job in jobs if not job.synced or job.folder.outbox.count()}
            told = not table.notices_wait()
            if told and not (jobs or coming or announced.left_behind() or open_sweeps()):
                return
            if coming or open_sweeps() or any(job.active for job in jobs):
                alone_since = time.monotonic()
            # a page or command that looks tells at once, and spares us MLflow
            for run_id in in_turn([waiting[run_id] for run_id in waiting.keys() & seen_before], told_at):
                told_at[run_id] = time.monotonic()
                tell_store(run_id, LOOK_S, leave=False)
                if telling_for():
                    break  # it takes its time: look after the runs meanwhile
            seen_before = set(waiting)
        except StoreError as error:  # the job table can't be used; it may be tomorrow
            print(error, file=sys.stderr, flush=True)
        if telling_for() > STUCK_S:
            os._exit(1)
        if time.monotonic() - alone_since > (PATIENCE_S if told else NOTICES_S):
            return
        time.sleep(LOOK_S)


def in_turn(waiting: Sequence[Job], told_at: Mapping[str, float]) -> list[str]:
    """Runs in the order in which the store is to be told of them: another state first, then who waits the longest.

    A run that trains has something new at each look, and must not come before the others each time.

    Args:
        waiting: their jobs.
        told_at: when each was last told of, on any clock; a run that was not is told of first.
    """
    return [job.run_id for job in sorted(waiting, key=lambda job: (job.synced, told_at.get(job.run_id, float("-inf"))))]


def _left() -> bool:
    """Whether there is something to look after."""
    waits = table.unsettled() or announced.left_behind() or table.notices_wait() or table.begins_by_itself()
    return bool(waits or open_sweeps())


def main() -> None:
    """Carry, unless another one does. The one argument is the number of the open lock, where it was passed on."""
    events.this_process_is("courier")
    lock = os.fdopen(int(sys.argv[1]), "a") if sys.argv[1:] else hold(COURIER)
    while lock:
        with lock:
            carry()
        # what came between the last look and the release found a courier: look once more
        if not home().root.is_dir() or not _left():
            return
        lock = hold(COURIER)


if __name__ == "__main__":
    main()
