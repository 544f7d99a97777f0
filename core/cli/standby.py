"""A process that has imported what every run needs and waits to become one: `python -m core.cli.standby SOCKET`.

Started by `core.jobs.prepared`, which hands it a run. It then does what `python -m core work` does, in the same
environment; what it imported before is all that differs.
"""

from __future__ import annotations

import os
import socket
import sys

from core.home import SOURCE
from core.jobs.prepared import receive


def main() -> None:
    """Import, wait, and become the run that is handed over; end when nobody needs it any more."""
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        _import()
        handed = receive(connection)
    if handed is None:
        return
    arguments, environment, log, lock = handed
    os.environ.clear()
    os.environ.update(environment)
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    os.set_inheritable(lock, True)  # as a process that is started with it has it
    os.chdir(SOURCE)
    sys.argv = [str(SOURCE / "core" / "__main__.py"), "work", *arguments]
    from core.cli import main as command_line

    command_line()


def _import() -> None:
    """What a run imports before its first step; and the installed packages, which it notes, are read."""
    import core.cli.training
    import core.execution.execute
    import core.presets  # noqa: F401
    from core.provenance import environment

    environment()


if __name__ == "__main__":
    main()
