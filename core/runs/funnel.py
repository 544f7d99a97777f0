"""The points of a funnel: every λ that was tried, and what relaxing the network there left."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FunnelPoint:
    """A λ and what relaxing at it left."""

    lambda_: float
    r_hat: float
    """Signed residual at the origin."""
    max_residual: float
    rms_residual: float


def bracket(points: list[FunnelPoint]) -> tuple[FunnelPoint, FunnelPoint] | None:
    """The two points of opposite sign that are closest in λ, the one with r̂ < 0 first; None without a sign change."""
    pairs = [(a, b) for a in points for b in points if a.r_hat < 0 <= b.r_hat]
    return min(pairs, key=lambda pair: abs(pair[0].lambda_ - pair[1].lambda_)) if pairs else None
