"""Keeps the processes of sweeps alive: whoever looks after runs starts the one of a sweep that is open and has none.

What a sweep is stands above (`core.sweeps`); here it is a folder with a note that it goes on, a lock, and a command.
"""

from __future__ import annotations

import sys

from core.errors import StoreError
from core.home import home
from core.jobs import events, table
from core.jobs.database import reading, transaction
from core.jobs.detached import start
from core.jobs.job import Job
from core.jobs.notices import SWEEP
from core.jobs.slot_lock import busy, hold_at_once

PROCESS = (sys.executable, "-m", "core.sweeps.process")
"""How a sweep's process is started, without its arguments: its id, and the number of its open lock."""
OPEN = "open"
"""Name of the note."""


def lock_name(sweep_id: str) -> str:
    """Name of a sweep's lock and log among the slots'."""
    return f"sweep-{sweep_id}"


def open_sweeps() -> list[str]:
    """Ids of the sweeps that are to go on."""
    return [note.parent.name for note in home().sweeps.glob(f"*/{OPEN}")] if home().sweeps.is_dir() else []


def ensure_sweeps() -> None:
    """Start the process of each open sweep that has none; that one can't be started is said, and tried again later.

    The lock is taken here and passed on, so that of many who look at once one starts it.
    """
    for sweep_id in open_sweeps():
        try:
            if not busy(lock_name(sweep_id)) and (lock := hold_at_once(lock_name(sweep_id))):
                with lock:
                    command = [*PROCESS, sweep_id, str(lock.fileno())]
                    start(command, lock_name(sweep_id), [lock.fileno()])
        except (StoreError, OSError) as error:
            print(error, file=sys.stderr, flush=True)


def say_end(sweep_id: str, state: str, why: str, since: float) -> None:
    """Note that a sweep has ended, once since it was started or resumed; people are told of it. Raises StoreError.

    Args:
        sweep_id: the sweep.
        state: `finished`, `stopped` or `failed`.
        why: how far it came, in a sentence.
        since: when it was started or resumed last, in Unix seconds.
    """
    with transaction() as connection:
        said = "SELECT 1 FROM events WHERE run_id = ? AND kind = ? AND time >= ?"
        if connection.execute(said, (sweep_id, SWEEP, since)).fetchone() is None:
            events.record(connection, sweep_id, SWEEP, "running", state, why)


def first_trial(sweep_id: str) -> Job | None:
    """The first trial of a sweep that is left, whose batch is called like the sweep; None where there is none."""
    with reading() as connection:
        found = connection.execute("SELECT run_id FROM jobs WHERE sweep = ? ORDER BY submitted LIMIT 1", (sweep_id,))
        row = found.fetchone()
    return next(iter(table.these([row["run_id"]])), None) if row is not None else None
