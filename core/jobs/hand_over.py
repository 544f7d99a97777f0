"""How a slot is handed to a worker that waits for one (`core.jobs.warm`): by a socket that its owner alone may open."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.home import home
from core.jobs.process import outside

WARM = "warm"
"""The waiting worker's lock, socket and log are named like a slot's."""
ANSWER_S = 1.0
"""Seconds within which it must answer; more would make a launch wait for it."""
LARGEST = 1_000_000
"""Bytes of a message."""
DECISIVE = ("LAB_", "MLFLOW_", "OMP_", "MKL_", "CUDA_", "PYTHON", "TORCH", "PYTORCH")
"""Beginnings of the variables by which a run could differ: the worker serves those alone who have the same."""


def hand_over(slot: str) -> bool:
    """Give a slot to the waiting worker; False where there is none that takes it at once."""
    message = json.dumps({"slot": slot, "variables": decisive_variables()}).encode()
    with socket.socket(socket.AF_UNIX) as connection, _address() as address:
        connection.settimeout(ANSWER_S)
        try:
            connection.connect(address)
            connection.sendall(message + b"\n")
            return connection.recv(1) == b"+"
        except OSError:
            return False


def decisive_variables() -> dict[str, str]:
    """The variables of this process by which a run could differ."""
    own = outside(os.environ) | {"LAB_HOME": str(home().root)}
    return {name: value for name, value in own.items() if name.startswith(DECISIVE)}


@contextmanager
def listening() -> Iterator[socket.socket]:
    """The socket of the process that holds the lock `WARM`. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as listener, _address() as address:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)  # noqa: PTH108 - of one that was killed; the address is no path to resolve
        before = os.umask(0o177)
        try:
            listener.bind(address)
        finally:
            os.umask(before)
        listener.listen()
        try:
            yield listener
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(address)  # noqa: PTH108


def taken(listener: socket.socket, seconds: float, may_take: Callable[[], bool]) -> str | None:
    """The slot that somebody hands over within so many seconds; None where nobody does, or it is not for this worker.

    Args:
        listener: of `listening`.
        seconds: to wait.
        may_take: asked last, before the worker says that it takes it.
    """
    listener.settimeout(seconds)
    try:
        connection, _ = listener.accept()
    except TimeoutError:
        return None
    with connection:
        connection.settimeout(ANSWER_S)
        try:
            if _user(connection) != os.getuid():
                return None
            message = b""
            while not message.endswith(b"\n") and len(message) < LARGEST:
                if not (part := connection.recv(65_536)):
                    return None
                message += part
            asked = json.loads(message)
            if asked["variables"] != decisive_variables() or not may_take():
                return None
            connection.sendall(b"+")
            return asked["slot"]
        except (OSError, ValueError):
            return None


def _user(connection: socket.socket) -> int:
    """Who is at the other end."""
    return struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]


@contextmanager
def _address() -> Iterator[str]:
    """The socket's address, by an open folder: a path of more than 107 bytes is too long for one."""
    folder = os.open(home().ensure().slots, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{WARM}.sock"
    finally:
        os.close(folder)
