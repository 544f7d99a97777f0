"""What the self-similar problems have in common: their fields' powers of the time to blow-up, gauge, size and reach.

φ(x, t) = (1−t)^k Φ(y), y = x/(1−t)^{1+λ}, blow-up at t = 1 (arXiv 2509.14185, section 2). A profile is on the line, or
above a wall in the plane.
"""

from __future__ import annotations

import numpy as np

from core.problems.base import Problem
from core.problems.boundary_profile import BoundaryProfile
from core.problems.burgers_profile import S_MAX, BurgersProfile
from core.problems.self_similar import SelfSimilarVorticity

EQUATIONS = {"burgers_profile": "Burgers", "gclm": "gCLM", "ccf": "CCF", "ipm": "IPM", "boussinesq": "Boussinesq"}
"""Kind of problem → what people call it."""

PHYSICAL = {
    "Omega": "ω", "U": "u", "HOmega": "Hω", "U1": "u₁", "U2": "u₂", "R": "ρ", "R1": "∂₁ρ", "R2": "∂₂ρ",
    "Theta": "θ", "Theta1": "∂₁θ", "Theta2": "∂₂θ", "Phi": "φ",
}  # fmt: skip
"""A profile's field → the quantity in physical time."""


def is_profile(problem: Problem) -> bool:
    """Whether a problem's solution is a self-similar profile on the line."""
    return isinstance(problem, BurgersProfile | SelfSimilarVorticity)


def is_plane_profile(problem: Problem) -> bool:
    """Whether a problem's solution is a self-similar profile above a wall in the plane."""
    return isinstance(problem, BoundaryProfile)


def power(field: str, lam: float) -> float:
    """The power k of 1−t in front of a field.

    λ for velocities and for what IPM carries, −1 for their derivatives; for the heat of Boussinesq λ − 1 and −2. The
    stream function Φ has one length more than the velocity.
    """
    powers = {"U": lam, "U1": lam, "U2": lam, "R": lam, "Theta": lam - 1, "Theta1": -2.0, "Theta2": -2.0}
    powers["Phi"] = 1 + 2 * lam
    return powers.get(field, -1.0)


def gauge(problem: Problem) -> str:
    """What fixes the freedom that the equation leaves, in words."""
    return problem.gauge or "none stated"


def width(problem: Problem) -> float:
    """Size ℓ of the profile's core, the unit of s = asinh(y/ℓ): above a wall the distance of the layer along it."""
    if isinstance(problem, BoundaryProfile):
        w = problem.radial.center
        return w * (1 - w) ** -(1 + problem.lambda_start())
    return problem.width if isinstance(problem, SelfSimilarVorticity) else 1.0


def trained_reach(problem: Problem) -> float:
    """Largest s = asinh(y/ℓ) at which training asks for the equation."""
    return problem.reach if isinstance(problem, SelfSimilarVorticity) else S_MAX


def valid_reach(problem: Problem) -> float:
    """Largest s at which the solution can be evaluated to rounding.

    A nonlocal velocity is integrated over a finite range: three e-foldings of the tail |y|^{−α} beyond the reach of
    training, what it leaves out is still e^{−30}. Burgers is local, and ends where its own powers of y do.
    """
    if isinstance(problem, SelfSimilarVorticity):
        return problem.reach + 3 * (1 + max(problem.lambda_start(), 0.0))
    return S_MAX + 5


def order(problem: Problem) -> int | None:
    """Number of unstable modes, for the problems that are searched by it."""
    return getattr(problem, "order", None)


def next_order(problem: Problem) -> Problem | None:
    """The same problem with one unstable mode more; None where there is no order or none higher is offered."""
    n = order(problem)
    if n is None:
        return None
    limit = next(item.le for item in type(problem).model_fields["order"].metadata if hasattr(item, "le"))
    return problem.model_copy(update={"order": n + 1}) if n < limit else None


def positions(low: float, high: float, n: int, unit: float) -> np.ndarray:
    """`n` points y (n,) between s = low and high, even in s = asinh(y/ℓ), at the golden section of their cells.

    No node of a uniform grid in s lies there.
    """
    return unit * np.sinh(low + (high - low) * (np.arange(n) + (np.sqrt(5) - 1) / 2) / n)
