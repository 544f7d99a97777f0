"""Processes that outlive whoever started them: slot workers, and the courier."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from core.errors import StoreError
from core.home import SOURCE, home
from core.jobs.process import outside
from core.jobs.slot_lock import busy

COURIER = "courier"
"""Its lock and its log are named like a slot's."""
EVERY_S = 3.0
"""A process looks at most this often whether there is a courier."""

_looked = float("-inf")


def start(command: Sequence[str], name: str) -> None:
    """Start a process that belongs to nobody; it prints into `slots/NAME.log`. Raises StoreError."""
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
                check=True,
            )
    except (OSError, subprocess.CalledProcessError) as error:
        raise StoreError(f"No process could be started for {name}: {error}.") from error


def ensure_courier() -> None:
    """Start the courier where there is none. That it can't be started is said on stderr, and is no reason to stop."""
    global _looked
    if time.monotonic() - _looked < EVERY_S:
        return
    _looked = time.monotonic()
    try:
        if not busy(COURIER):
            start([sys.executable, "-m", "core.jobs.courier"], COURIER)
    except (StoreError, OSError) as error:
        print(error, file=sys.stderr, flush=True)
