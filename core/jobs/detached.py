"""Processes that outlive whoever started them: slot workers, and the courier."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from core.errors import StoreError
from core.home import SOURCE, home
from core.jobs.process import outside
from core.jobs.slot_lock import hold_at_once

COURIER = "courier"
"""Its lock and its log are named like a slot's."""


def start(command: Sequence[str], name: str, pass_on: Sequence[int] = ()) -> None:
    """Start a process that belongs to nobody; it prints into `slots/NAME.log`. Raises StoreError.

    Args:
        command: what to start.
        name: of its log.
        pass_on: numbers of open files that it has too.
    """
    try:
        with (home().slots / f"{name}.log").open("ab") as output:
            # the shell is gone at once and its child belongs to init: no zombie stays with a dashboard, and no
            # end of the dashboard's session reaches the process
            subprocess.run(
                ["/bin/sh", "-c", '"$@" &', "sh", *command],
                cwd=SOURCE,
                env=outside(os.environ) | {"LAB_HOME": str(home().root)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=tuple(pass_on),
                check=True,
            )
    except (OSError, subprocess.CalledProcessError) as error:
        raise StoreError(f"No process could be started for {name}: {error}.") from error


def ensure_courier() -> None:
    """Start the courier where there is none. That it can't be started is said on stderr, and is no reason to stop.

    The lock is taken here and passed on: whoever finds it held may rely on a look at the job table after that.
    """
    try:
        if lock := hold_at_once(COURIER):
            with lock:
                start([sys.executable, "-m", "core.jobs.courier", str(lock.fileno())], COURIER, [lock.fileno()])
    except (StoreError, OSError) as error:
        print(error, file=sys.stderr, flush=True)
