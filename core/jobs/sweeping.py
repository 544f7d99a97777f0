"""Keeps the processes of sweeps alive: whoever looks after runs starts the one of a sweep that is open and has none.

What a sweep is stands above (`core.sweeps`); here it is a folder with a note that it goes on, a lock, and a command.
"""

from __future__ import annotations

import sys

from core.errors import StoreError
from core.home import home
from core.jobs.detached import start
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
