"""One try at a server that may hang, drip or lie: a total time, and errors without what the server wrote."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import LabError


class NotTakenError(LabError):
    """A channel did not take a message; a later try may succeed."""


class Limit:
    """A total time for a try. Limits of sockets are for each read alone, and a server that drips never meets them."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    @contextmanager
    def cutting(self, connection: Callable[[], socket.socket | None]) -> Iterator[None]:
        """At the end of the time, cut what is the connection then."""
        timer = threading.Timer(self.left(), _cut, (connection,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _cut(connection: Callable[[], socket.socket | None]) -> None:
    open_now = connection()
    if open_now is not None:
        with contextlib.suppress(OSError):  # it is gone already
            socket.socket.shutdown(open_now, socket.SHUT_RDWR)  # of TLS, too, without its goodbye


def why_not(error: Exception, limit: Limit) -> NotTakenError:
    """An error of the network as one that can be shown."""
    if limit.over or isinstance(error, TimeoutError):
        return NotTakenError(f"No answer within {limit.seconds:.0f} s.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotTakenError(f"Its certificate is not valid: {error.verify_message}.")
    if isinstance(error, ssl.SSLError):
        return NotTakenError("TLS could not be agreed on with it.")
    if isinstance(error, socket.gaierror):
        return NotTakenError("Its host's name is not known here.")
    if isinstance(error, OSError) and error.strerror:
        return NotTakenError(f"It can't be reached: {error.strerror.lower()}.")
    return NotTakenError(f"What it answered can't be understood ({type(error).__name__}).")
