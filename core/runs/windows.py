"""The time windows of a run: every one that was trained, and how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WindowStep:
    """A window that was trained by all stages."""

    begin: float
    end: float
    iterations: int
    total: int
    """Iterations of the run up to its end."""
    seconds: float
    max_residual: float
    rms_residual: float
    """What its equations left at its last stage's points."""
    halved: bool
    """It left too much: its two halves come after it."""
    ended: str = ""
    """Why its last stage ended, in words."""
    unknowns: Mapping[str, float] = field(default_factory=dict)
    """Unknown numbers by name, as the data up to its end say them."""
    errors: Mapping[str, float] = field(default_factory=dict)
    """Their standard errors likewise; none before there were data."""


def marched(steps: Sequence[WindowStep]) -> str:
    """All windows in a few words: how many, over what time, how many were halved; empty where there are none."""
    taken = [step for step in steps if not step.halved]
    if not taken:
        return ""
    count = f"{len(taken)} window" + "s" * (len(taken) != 1)
    lengths = sorted({round(step.end - step.begin, 12) for step in taken})
    length = f"{lengths[0]:.4g}" if len(lengths) == 1 else f"{lengths[0]:.4g} to {lengths[-1]:.4g}"
    halved = len(steps) - len(taken)
    again = f", {halved} halved" if halved else ""
    return f"{count} of length {length}, from {taken[0].begin:g} to {taken[-1].end:g}{again}"
