"""A slot's lock: held by its worker, and passed on as an open file to the run that is in the slot.

So a slot can't be booked twice while either lives, and the kernel frees it at any death. Needs a local disk and
`fcntl`: Linux or WSL2.
"""

from __future__ import annotations

import fcntl
import re
import time
from typing import IO

from core.home import home

SLOT = re.compile(r"cpu\d+|gpu\d+(\.\d+)?(:\d+)?")
"""Names of slots; other locks beside theirs are the courier's and its like."""


def hold(slot: str) -> IO[str] | None:
    """The slot's lock, or None when another holds it. Tries for a second, since `busy` takes it for a moment."""
    lock = _open(slot)
    for _ in range(20):
        if _take(lock):
            return lock
        time.sleep(0.05)
    lock.close()
    return None


def hold_at_once(slot: str) -> IO[str] | None:
    """The slot's lock, or None when another holds it, and not for a moment only."""
    lock = _open(slot)
    while not _take(lock):
        if _is_held(lock):
            lock.close()
            return None
    return lock


def busy(slot: str) -> bool:
    """Whether a worker or a run holds the slot."""
    with _open(slot) as lock:
        return _is_held(lock)


def lock_names() -> list[str]:
    """The slots that were ever used in this home."""
    return sorted(path.stem for path in home().slots.glob("*.lock") if SLOT.fullmatch(path.stem))


def _open(slot: str) -> IO[str]:
    return (home().ensure().slots / f"{slot}.lock").open("a")


def _take(lock: IO[str], how: int = fcntl.LOCK_EX) -> bool:
    """Whether the lock was free, and is ours now."""
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held(lock: IO[str]) -> bool:
    """Whether another holds the lock; one who only looks, as we do, shares it and is not taken for a holder."""
    return not _take(lock, fcntl.LOCK_SH)
