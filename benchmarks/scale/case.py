"""What a case of this benchmark is: a function that measures, the figures that it gives, and their bars."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Holds = Literal["at most", "at least", "equal to"]
_HOLDS = {"at most": operator.le, "at least": operator.ge, "equal to": operator.eq}


class NotHereError(Exception):
    """What a case needs can't be had on this machine; the text says what, in one line."""


@dataclass(frozen=True)
class Figure:
    """A figure that a case measured, and its bar where it has one."""

    what: str
    value: float | int | str | bool
    unit: str = ""
    holds: Holds | None = None
    bar: float | int | str | bool | None = None

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None for a figure without one."""
        return None if self.holds is None else bool(_HOLDS[self.holds](self.value, self.bar))


@dataclass(frozen=True)
class Case:
    """A case: `measure` does the work and gives figures, or raises `NotHereError`.

    It is called alone in a fresh process of the benchmark, imports what it needs inside, and leaves nothing running.
    """

    name: str
    what: str
    """One line: what is measured."""
    measure: Callable[[], Sequence[Figure]]
    needs: tuple[str, ...] = field(default=())
    """What it starts besides this program: ray, slurm, postgresql, an S3 server, a browser."""
