"""A slot's worker that waits, with a prepared process as its child, for the slot in which the next run begins.

`python -m core.jobs.warm PID START`, detached, one a home, started by a server (PID) where somebody may launch a run
soon and a slot is free. Whoever would start a worker hands it the slot; it then is that slot's worker. Nothing depends
on it: where there is none, or it does not answer at once, an ordinary worker is started, and the slot's lock decides
between the two.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import zlib
from pathlib import Path

from core import resources
from core.errors import LabError
from core.home import SOURCE, home
from core.jobs import table
from core.jobs.actions import capacity
from core.jobs.chosen_slots import chosen_slots
from core.jobs.detached import start
from core.jobs.hand_over import WARM, listening, taken
from core.jobs.prepared import Prepared
from core.jobs.process import alive, boot_id, started_at
from core.jobs.slot_lock import busy, hold
from core.jobs.worker import RUN, work
from core.plain_text import keep_secrets_out_of_tracebacks
from core.runs.states import ACTIVE

UNUSED_S = 900.0
"""Seconds after which it ends, and for which a launch is expected after a visit."""
LOOK_S = 3.0
SETTLED_S = 15.0
"""A run that has just begun has the processor for so many seconds before another process is prepared."""

_expected = float("-inf")


def expect_launch() -> None:
    """Somebody looks at this server's pages, and may launch a run soon; costs nothing."""
    global _expected
    _expected = time.monotonic()


def keep_warm() -> None:
    """See to it that a worker waits while a launch is expected, for as long as this process lives: for a server."""
    me, started = os.getpid(), started_at(os.getpid())
    while True:
        try:
            if time.monotonic() - _expected < UNUSED_S and not busy(WARM) and _worthwhile():
                start([sys.executable, "-m", "core.jobs.warm", str(me), str(started)], WARM)
        except (LabError, OSError) as error:  # a run begins a little later without it
            print(error, file=sys.stderr, flush=True)
        time.sleep(LOOK_S)


def _worthwhile() -> bool:
    """Whether a run that is launched now would begin now, and no other one is just beginning."""
    jobs = table.find((*ACTIVE, "queued"))
    beginning = any(job.state == "queued" or time.time() - (job.started or 0) < SETTLED_S for job in jobs)
    free = any(slot.devices and not slot.busy for slot in capacity())
    return free and not beginning and chosen_slots().warm and resources.has_memory_to_wait()


def source_mark() -> int:
    """A number that changes with the program, with a problem from outside, and with the installed packages."""
    files = [path for pattern in ("*.py", "*.c", "*.h") for path in (SOURCE / "core").rglob(pattern)]
    outside = [Path(part) for part in os.environ.get("LAB_PROBLEMS", "").split(os.pathsep) if part]
    files += [path for named in outside for path in (named, *named.glob("*.py"))]
    files += [Path(part) for part in sys.path if part and Path(part) != SOURCE]
    marks = []
    for path in files:
        with contextlib.suppress(OSError):
            marks.append((str(path), path.stat().st_mtime_ns))
    return zlib.crc32(repr(sorted(marks)).encode())


def wait_and_work(server: int, server_started: float) -> None:
    """Wait for a slot and be its worker; end where nobody may need this process any more.

    Args:
        server: pid of the server for whose visitors it waits.
        server_started: `started_at` of it.
    """
    mark, end = source_mark(), time.monotonic() + UNUSED_S
    lock = hold(WARM)
    model = next((slot for slot in capacity() if slot.serves("auto")), None)
    if lock is None or model is None:
        return
    prepared = Prepared(model)

    def sound() -> bool:
        return prepared.process.poll() is None and source_mark() == mark and chosen_slots().warm

    def needed() -> bool:
        here = home().root.is_dir() and alive(server, server_started, boot_id())
        return here and time.monotonic() < end and resources.has_memory_to_wait()

    slot = None
    try:
        with lock, listening() as listener:
            while slot is None and sound() and needed():
                slot = taken(listener, LOOK_S, sound)
        if slot is not None:
            with (home().slots / f"{slot}.log").open("ab") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            work(slot, RUN, prepared)
    finally:
        prepared.dismiss()


def main() -> None:
    """Wait for the server that is named on the command line."""
    keep_secrets_out_of_tracebacks()
    wait_and_work(int(sys.argv[1]), float(sys.argv[2]))


if __name__ == "__main__":
    main()
