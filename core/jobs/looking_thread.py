"""A thread that looks again and again until it is ended, whatever a look meets."""

from __future__ import annotations

import sys
import threading

from core.errors import StoreError
from core.plain_text import traceback_of


class LookingThread(threading.Thread):
    """Calls `look` every so often; what goes wrong is said on stderr where it is news, and the next look tries again.

    Args:
        name: of the thread.
        every_s: seconds between two looks.
    """

    def __init__(self, name: str, every_s: float):
        super().__init__(name=name, daemon=True)
        self._every_s = every_s
        self._ended = threading.Event()
        self._said: dict[str, str] = {}

    def end(self) -> None:
        """Begin no more looks."""
        self._ended.set()

    def run(self) -> None:
        """Look until `end`."""
        while not self._ended.wait(self._every_s):
            try:
                self.look()
            except StoreError as error:  # the table can't be used; it may be soon
                self.say("", str(error))
            except Exception as error:  # a thread's error reaches nobody
                self.say("", traceback_of(error))

    def look(self) -> None:
        """Look once. Raises StoreError."""
        raise NotImplementedError

    def say(self, about: str, line: str) -> None:
        """Say on stderr what is wrong with something, unless that was the last word about it."""
        if self._said.get(about) != line:
            self._said[about] = line
            print(line, file=sys.stderr, flush=True)
