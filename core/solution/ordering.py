"""A sample that somebody waits for: asked of the child on a thread, with its progress, to be cancelled."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.runs import RunFolder
from core.solution import children


def told_apart(function: Callable, folder: RunFolder, arguments: tuple, named: dict[str, Any]) -> str:
    """What tells one request from another."""
    return hashlib.sha256(pickle.dumps((function, folder, arguments, sorted(named.items())))).hexdigest()


class Sampling:
    """One request for a sample. It goes on while nobody looks, and what it makes is kept for whoever asks again."""

    def __init__(self, function: Callable[..., Path], folder: RunFolder, *arguments: Any, **named: Any):
        self.asked = told_apart(function, folder, arguments, named)
        """What tells one request from another."""
        self._order = children.Order()
        self._path: Path | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(function, folder, arguments, named), daemon=True)
        self._thread.start()

    @property
    def share(self) -> float:
        """How much of the points is evaluated."""
        return self._order.share

    @property
    def cancelled(self) -> bool:
        """Whether it was taken back."""
        return self._order.cancelled

    def done(self, within_s: float) -> bool:
        """Whether it is over, however; waits for that for so long."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Take it back; the child is ended if it works at it."""
        if self._thread.is_alive():
            self._order.cancel()

    def path(self) -> Path:
        """The sampled file. Raises what sampling raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._path

    def _run(self, function: Callable, folder: RunFolder, arguments: tuple, named: dict[str, Any]) -> None:
        try:
            self._path = children.sample(function, folder, *arguments, order=self._order, **named)
        except Exception as error:  # whoever waits raises it
            self._error = error
