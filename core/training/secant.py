"""The funnel: λ frozen, the network relaxed, the signed residual r̂ at the origin read off, its root by secant.

At a λ that admits no smooth profile the relaxed residual keeps its worst place, the origin, and its sign there tells
the side (arXiv 2509.14185, "Discovery of Unstable Singularities"). λ can't drift to a stabler profile: it only moves
here.
"""

from __future__ import annotations

from core.runs.funnel import FunnelPoint, bracket

OVERSHOOT = 1.5
"""Without a sign change yet, the secant's step is lengthened so much, to get one."""
LONGEST = 8.0
"""A step is at most so many times the one before."""


def settled(points: list[FunnelPoint]) -> bool:
    """Whether r̂ changed its sign and, at the last point, is no larger than the residual elsewhere: it says no more."""
    return bracket(points) is not None and abs(points[-1].r_hat) <= points[-1].rms_residual


def slope(points: list[FunnelPoint]) -> float | None:
    """dr̂/dλ from the two points of least |r̂| at different λ; None where there are none."""
    best = sorted(points, key=lambda point: abs(point.r_hat))
    for other in best[1:]:
        if other.lambda_ != best[0].lambda_ and other.r_hat != best[0].r_hat:
            return (other.r_hat - best[0].r_hat) / (other.lambda_ - best[0].lambda_)
    return None


def next_lambda(points: list[FunnelPoint], first_step: float) -> float:
    """Where to relax next.

    Args:
        points: those so far, in order; at least one.
        first_step: from the first point to the second.
    """
    last = points[-1]
    rise = slope(points)
    if rise is None:
        return last.lambda_ + first_step
    ends = bracket(points)
    best = min(points, key=lambda point: abs(point.r_hat))
    root = best.lambda_ - best.r_hat / rise
    if ends is not None:
        low, high = sorted(point.lambda_ for point in ends)
        return root if low < root < high else (low + high) / 2
    step = OVERSHOOT * (root - best.lambda_)
    longest = LONGEST * max(abs(points[-1].lambda_ - points[-2].lambda_), abs(first_step))
    return best.lambda_ + max(-longest, min(longest, step))


def without_root(points: list[FunnelPoint]) -> str:
    """What to say when r̂ kept its sign."""
    if not points:
        return "the funnel's iterations were used up before the network had relaxed at its first λ"
    found = [point.lambda_ for point in points]
    sign = "positive" if points[0].r_hat > 0 else "negative"
    return (
        f"the funnel found no sign change: r̂ stayed {sign} at all {len(points)} values of λ from {min(found):.6g} to "
        f"{max(found):.6g}, so there is no profile to claim there"
    )


def summary(points: list[FunnelPoint]) -> str:
    """What a funnel that did not close leaves, in a few words."""
    best = min(points, key=lambda point: abs(point.r_hat))
    ends = sorted(point.lambda_ for point in bracket(points) or ())
    between = f", between {ends[0]:.6g} and {ends[1]:.6g}" if ends else ""
    return f"r̂ is smallest, {best.r_hat:+.1e}, at {best.lambda_:.6g}{between}"
