"""What each stage of a run did that its history does not say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StageDone:
    """One stage that has begun."""

    number: int
    """From 1, over all windows of time, as the history counts."""
    parameters: int
    epsilon: float
    sigma: float | list[float] | None
    """Of its random features, one for all inputs or one each; None where it has none."""
    optimizer: str
    """What trained its main phase; empty before it."""
    precision: str
    ended: str
    """Why it ended, in words."""
    max_residual: float | None
    """That it left at its points; None where it did not come so far."""
    rms_residual: float | None
