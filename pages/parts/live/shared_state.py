"""One state of something that many pages show: built once for all of them, in versions, so that each gets what is new.

It is built only while somebody asks, at most once in a while, on a thread of its own. Building may take a fifth of a
core and no more: what takes much work twice is built less often. What only waits, for a disk or for other threads'
turns, is not, nor what took much work once, a collection of garbage perhaps: it would be late for longer than that.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

State = TypeVar("State")

KEPT = 12
"""Versions that news can be told from; a page that comes back from further behind gets everything."""
MOST_ANSWERS = 64
"""Different answers that are remembered of one version."""
SHARE = 5.0
"""Builds are at least so many times as far apart as the processor works at one."""
SERVER = secrets.token_hex(3)
"""Name of this process: a page that was served by the one before knows none of its versions."""


class SharedState(Generic[State]):
    """Something that is built for all who ask.

    Args:
        build: makes the present state; called on a thread, never twice at once.
        differs: whether two states are told apart by those who look.
        every_s: seconds for which a state serves everybody, by what it is.
    """

    def __init__(
        self,
        build: Callable[[], State],
        differs: Callable[[State, State], bool],
        every_s: Callable[[State], float],
    ):
        self._build, self._differs, self._every_s = build, differs, every_s
        self._lock = asyncio.Lock()
        self._versions: deque[tuple[int, State]] = deque(maxlen=KEPT)
        self._due = float("-inf")
        self._worked = float("inf")
        self._answers: dict[tuple, bytes] = {}
        self.asked = time.monotonic()
        """When somebody asked last (monotonic)."""

    async def now(self, fresh: bool = False) -> State:
        """The present state, built at once where it is to be `fresh`.

        Raises what `build` raises, which is tried again with the next question.
        """
        self.asked = time.monotonic()
        async with self._lock:
            if fresh or time.monotonic() >= self._due:
                began = time.monotonic()
                state, worked = await asyncio.to_thread(self._built)
                self._due = began + max(self._every_s(state), SHARE * min(worked, self._worked))
                self._worked = worked
                if not self._versions or self._differs(self._versions[-1][1], state):
                    self._versions.append((self._versions[-1][0] + 1 if self._versions else 0, state))
                    self._answers.clear()
            return self._versions[-1][1]

    def _built(self) -> tuple[State, float]:
        began = time.thread_time()
        return self._build(), time.thread_time() - began

    @property
    def next_s(self) -> float:
        """Seconds until there is something new to ask for."""
        return max(0.0, self._due - time.monotonic())

    @property
    def version(self) -> str:
        """Name of the newest version."""
        return f"{SERVER}.{self._versions[-1][0]}"

    def since(self, version: str) -> State | None:
        """The state of that version; None where it is not known any more, or never was."""
        process, _, number = version.partition(".")
        if process != SERVER:
            return None
        return next((state for known, state in self._versions if str(known) == number), None)

    async def answer(self, about: tuple, make: Callable[[], dict[str, object]]) -> bytes:
        """JSON that `make` gives, made once for all who ask the same; `about` has the version it is told of."""
        if about not in self._answers:
            made = await asyncio.to_thread(lambda: json.dumps(make(), allow_nan=False, separators=(",", ":")).encode())
            if len(self._answers) >= MOST_ANSWERS:
                self._answers.clear()
            self._answers[about] = made
        return self._answers[about]
