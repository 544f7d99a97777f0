"""Runs that end where no profile is: a λ that is none, or another's. No digits are claimed for them."""

from __future__ import annotations

import numpy as np

from core.networks.solution import Solution
from core.problems.boundary_profile import BoundaryProfile

APART = 1e3
"""Residuals at points that were not trained on contradict those that were when they are so many times larger."""
UNRESOLVED = 1e-4
"""RMS residual from which on λ of a profile in the plane is not known. Measured: 32 × 28 polynomials for Boussinesq of
order 3 that left 1.5e-4 held λ = 1.248, and it is 1.184; below 3e-5 λ was always well inside its basin."""
BESIDE, KINK = 0.03, 0.15
"""The power of |y₁| is looked at so close to the axis, in depths of the map there; a smooth one is so near to 2."""
DEEPEST = 0.3
"""A map that spreads points evenly has a depth that says nothing: no part of it beyond this is near the axis."""


def false_minimum(solution: Solution, trained: float, unused: float) -> str:
    """In which way a run's λ is none, in one sentence; empty where nothing says so.

    Args:
        solution: what it found.
        trained: RMS residual at the points of its last stage.
        unused: that at points that were not trained on.
    """
    why = _why(solution, trained, unused)
    if why and solution.problem.found_by_nobody():
        return f"No profile of order {solution.problem.order} was found, which nobody has: {why}"
    return why


def _why(solution: Solution, trained: float, unused: float) -> str:
    problem, lam = solution.problem, float(solution.lam.detach())
    if mistaken := problem.mistaken(lam):
        return mistaken
    if not isinstance(problem, BoundaryProfile):
        return ""
    if unused > UNRESOLVED and unused > APART * trained:
        return (
            f"A false minimum: the residual is {trained:.1e} at the points of training and {unused:.1e} at others "
            f"(RMS), so λ = {lam:.6g} is none. Take more polynomials or features, with more points than they have"
        )
    if not unused <= UNRESOLVED:
        return (
            f"The residual is still {unused:.1e} (RMS) at points that were not trained on. Above {UNRESOLVED:g} a "
            f"false profile can't be told from a true one, so no digit of λ = {lam:.6g} is claimed. Take more "
            "polynomials or features, or start from the run of a coarser one"
        )
    power = axis_power(solution)
    if not abs(power - 2) <= KINK:
        return (
            f"The profile goes as |y₁|^{power:.2f} at the axis, where a smooth one goes as y₁²: the profile of a wrong "
            f"λ, so λ = {lam:.6g} is none. Start from another λ, or take more polynomials near the origin"
        )
    return ""


def axis_power(solution: Solution) -> float:
    """The power of |y₁| with which a profile's first field vanishes at the axis, where that is least like 2.

    Between two distances from the axis, at the w where profiles have their layer and ridge.
    """
    problem = solution.problem
    w = np.linspace(0.03, 0.6, 20)
    depth = np.minimum(problem.angular.depth(w), DEEPEST)
    near, far = (1 - distance * depth for distance in (BESIDE, 2 * BESIDE))
    name = problem.fields[0]
    inner, outer = (solution.evaluate(np.stack([w, z], axis=1))[name] for z in (near, far))
    with np.errstate(all="ignore"):
        powers = np.log(np.abs(outer / inner)) / np.log(np.sqrt((1 - far**2) / (1 - near**2)))
    return float(powers[np.argmax(np.abs(np.nan_to_num(powers, nan=np.inf) - 2))])
