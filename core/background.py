"""What takes long, done once for all who want to know it, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from core.errors import LabError
from core.plain_text import fit_to_show

Value = TypeVar("Value")


@dataclass(frozen=True)
class Known(Generic[Value]):
    """What is known of it now."""

    value: Value | None
    """The last answer; None before there is one."""
    at: float
    """Unix time of that answer."""
    error: str
    """Why the last try gave none, in one sentence; empty where it did."""
    busy: bool
    """A try is under way."""
    share: float
    """How much of it is done, from 0 to 1."""
    so_far: Value | None
    """What the try that is under way has found so far, where it tells."""


class Say(Protocol[Value]):
    """Tells how much is done, from 0 to 1, and what is known by then."""

    def __call__(self, share: float, so_far: Value | None = None) -> None:
        """Tell it."""


class Background(Generic[Value]):
    """Work whose answer is kept, and done again when somebody asks for a newer one.

    Args:
        work: does it, and tells the function that it is given how much of it is done.
    """

    def __init__(self, work: Callable[[Say[Value]], Value]):
        self._work = work
        self._lock = threading.Lock()
        self._known: Known[Value] = Known(None, 0.0, "", False, 0.0, None)
        self._tried = float("-inf")

    def ask(self, newer_than_s: float | None = None) -> Known[Value]:
        """What is known now; never waits. Work begins where nothing was tried yet.

        Args:
            newer_than_s: work begins, too, when the last try ended longer ago than this.
        """
        with self._lock:
            age = time.monotonic() - self._tried
            due = age == float("inf") or (newer_than_s is not None and age > newer_than_s)
            if due and not self._known.busy:
                self._known = replace(self._known, busy=True, share=0.0, so_far=None)
                threading.Thread(target=self._try, name="background", daemon=True).start()
            return self._known

    def _try(self) -> None:
        try:
            value, error, at = self._work(self._said), "", time.time()
        except LabError as failure:
            value, error, at = self._known.value, str(failure), self._known.at
        except Exception as failure:  # a thread's error reaches nobody: whoever asks is told
            value, error, at = self._known.value, fit_to_show(f"{type(failure).__name__}: {failure}"), self._known.at
        with self._lock:
            self._tried = time.monotonic()
            self._known = Known(value, at, error, False, 1.0, None)

    def _said(self, share: float, so_far: Value | None = None) -> None:
        with self._lock:
            self._known = replace(self._known, share=min(1.0, max(0.0, share)), so_far=so_far)
