"""A process in which torch and the trainer are imported, and that waits to become a run.

A slot's worker has it as its child, like any run's process: its end is seen, its exit code known, and it leads a
session of its own. What is handed to it is what a new process would be started with: arguments, environment, log,
and the slot's lock as an open file. It takes only what it could not tell from a start of its own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from core.home import SOURCE, home
from core.jobs.chosen_slots import chosen_slots
from core.jobs.engines.contract import Slot
from core.jobs.process import OUTSIDE, attempt_environment, inside
from core.jobs.sharing import thread_variables, threads_of
from core.problem_source import kept_source_variable

PROGRAM = (sys.executable, "-m", "core.cli.standby")
HANDED = (OUTSIDE, "CUDA_VISIBLE_DEVICES", *attempt_environment(Path(), 0))
"""Variables that may be set after all imports: torch asks for its GPUs when the first is used, the others are ours."""
ANSWER_S = 30.0
"""Seconds that it has to take an attempt: it may still be importing."""
LARGEST = 1_000_000
"""Bytes of a message."""


def run_environment(slot: Slot, problem_source: Path | None, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a run's process.

    Args:
        slot: where it is.
        problem_source: the run's copy of its problem's file; None, or none there, for a problem of this package.
        variables: further ones of the attempt.
    """
    own = {"LAB_HOME": str(home().root), "PYTHONUNBUFFERED": "1", "CUDA_VISIBLE_DEVICES": slot.visible}
    own |= thread_variables(threads_of(slot, chosen_slots(), os.environ))
    if problem_source is not None:
        own |= kept_source_variable(problem_source, os.environ)
    return inside(own | dict(variables), os.environ)


class Prepared:
    """Such a process, for runs in slots like one of them."""

    def __init__(self, slot: Slot):
        self._environment = run_environment(slot, None, {})
        self._is_run = False
        self._connection, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [*PROGRAM, str(theirs.fileno())],
                cwd=SOURCE,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )

    def fits(self, environment: Mapping[str, str]) -> bool:
        """Whether a run with this environment may begin in it: what imports have read can't be changed any more."""
        return self.process.poll() is None and _at_start(environment) == _at_start(self._environment)

    def begin(self, arguments: Sequence[str], environment: Mapping[str, str], log: IO[bytes], lock: IO[str]) -> bool:
        """Have it become a run; False where it did not take it, and is gone."""
        message = json.dumps({"arguments": list(arguments), "environment": dict(environment)}).encode()
        self._connection.settimeout(ANSWER_S)
        try:
            socket.send_fds(self._connection, [len(message).to_bytes(4, "big")], [log.fileno(), lock.fileno()])
            self._connection.sendall(message)
            taken = self._connection.recv(1) == b"+"
        except OSError:
            taken = False
        self._is_run = taken
        if not taken:
            self.dismiss()
        self._connection.close()
        return taken

    def dismiss(self) -> None:
        """End it, unless it became a run."""
        if not self._is_run:
            self._connection.close()
            self.process.kill()
            self.process.wait()


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in HANDED}


def receive(connection: socket.socket) -> tuple[list[str], dict[str, str], int, int] | None:
    """On its own side: (arguments, environment, log, lock) of the run that it becomes; None when nobody needs it."""
    head, files, _, _ = socket.recv_fds(connection, 4, 2)
    if len(head) < 4 or len(files) != 2:
        return None
    left, message = int.from_bytes(head, "big"), b""
    while left and (part := connection.recv(min(left, LARGEST))):
        message, left = message + part, left - len(part)
    if left:
        return None
    data = json.loads(message)
    connection.sendall(b"+")
    connection.close()
    return data["arguments"], data["environment"], *files
