"""The steps of a continuation: every value of the parameter that was tried, and how it went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PathStep:
    """A value of the parameter that was tried."""

    path: str
    """Name of the parameter."""
    begins: float
    """Its value in the parent."""
    value: float
    lambda_: float | None
    """Where it ended there; None where the problem has none."""
    rms_residual: float
    """What it left at the step's points; infinite where that was no number."""
    iterations: int
    total: int
    """Iterations of the run up to its end."""
    fault: str = ""
    """Why it failed and was taken back; empty where it did not."""


def along(begins: float, ends: float, share: float, whole: bool = False) -> float:
    """The value at a share of the way: by equal ratios where that is a decade or more, else by equal steps.

    Args:
        begins: value at 0.
        ends: value at 1.
        share: 0 to 1.
        whole: it is a whole number.
    """
    if whole:
        return begins + round(share * (ends - begins))
    if share == 1:
        return ends
    if begins * ends > 0 and abs(math.log10(ends / begins)) > 1 - 1e-9:
        return begins * (ends / begins) ** share
    return begins + share * (ends - begins)


def travelled(steps: Sequence[PathStep]) -> str:
    """The whole path in a few words: from where to where, in how many steps; empty where there is none."""
    if not steps:
        return ""
    taken = [step for step in steps if not step.fault]
    first, last = steps[0], taken[-1].value if taken else steps[0].begins
    back = f", {len(steps) - len(taken)} more taken back" if len(taken) < len(steps) else ""
    count = f"{len(taken)} step" + "s" * (len(taken) != 1)
    return f"{first.path} from {first.begins:g} to {last:g} in {count}{back}"
