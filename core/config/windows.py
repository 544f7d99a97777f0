"""The description of time windows: the time of the problem, cut into pieces that are trained one after the other."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, model_validator

from core.frozen import Frozen

MOST_WINDOWS = 10_000
NO_PARENT = (
    "The parent went through time in windows: its last network holds in the last window alone, and no run can start "
    "from that. Take a parent without windows, or leave parent empty."
)
SLIVER = 0.05
"""Part of a window that is no window of its own at the end of time: the one before it goes on that far."""
BY_ITSELF = 8
"""Windows to begin with where neither their number nor their length is given."""


class Windows(Frozen):
    """Time is cut into windows; each is trained by all stages, from where the one before it ended.

    What that one leaves at its end, and its rate where the equation is of second order in time, is the next one's
    initial condition, exact by its ansatz.
    """

    count: Annotated[int, Field(ge=2, le=MOST_WINDOWS)] | None = Field(
        None, description=f"How many windows, of equal length. Empty, and no length either: {BY_ITSELF}."
    )
    length: Annotated[float, Field(gt=0, le=1e12)] | None = Field(
        None, description="Length of a window, instead of their number; the last one may be shorter, or 5 % longer."
    )
    target_residual: Annotated[float, Field(gt=0, le=1)] | None = Field(
        1e-3, description="A window that leaves more (RMS at its points) is halved, and trained again. Empty: none is."
    )
    halvings: int = Field(
        6, ge=0, le=20, description="How often a window may be halved; the run fails where that is not enough."
    )

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Windows:
        if self.count is not None and self.length is not None:
            raise ValueError("windows have a count or a length, not both")
        return self

    def cut(self, begin: float, end: float) -> list[tuple[float, float]]:
        """The windows to begin with, in order. Raises ValueError, in one line, where the length does not fit."""
        count = self.count or BY_ITSELF
        if self.length is not None:
            ratio = (end - begin) / self.length
            if ratio > MOST_WINDOWS:
                raise ValueError(
                    f"windows.length: {self.length:g} would be {ratio:,.0f} windows between {begin:g} and {end:g}; "
                    f"allowed: at most {MOST_WINDOWS:,}, so a length of {(end - begin) / MOST_WINDOWS:g} or more"
                )
            count = max(1, math.ceil(ratio - SLIVER))
            edges = [begin + k * self.length for k in range(count)]
        else:
            edges = [begin + (end - begin) * k / count for k in range(count)]
        return list(zip(edges, [*edges[1:], end], strict=True))
