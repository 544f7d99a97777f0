"""One at a time, among threads and processes."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

POLL_S = 0.05


@contextmanager
def one_at_a_time(path: Path, limit_s: float | None = None) -> Iterator[None]:
    """Hold the lock file at `path`; the kernel frees it at any death.

    Raises TimeoutError when another still holds it after `limit_s` seconds.
    """
    with path.open("w") as lock:
        if limit_s is None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        else:
            _take_within(lock, limit_s)
        yield


def _take_within(lock: IO[str], limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= end:
                raise TimeoutError(f"another process has held {lock.name} for {limit_s:.0f} s") from None
        time.sleep(POLL_S)
