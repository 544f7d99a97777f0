"""The condition at the origin that fixes λ: its signed residual and its root."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from core.training.objective.point_set import PointSet

SECANT_STEPS = 12
ROUNDING = 1e-13
"""The condition holds to rounding."""


@dataclass(frozen=True)
class Settled:
    """How the search for the root of the origin condition ended; λ is the best that was found."""

    found: bool
    rejected: float | None = None
    """A λ outside the problem's range that the secant led to."""


@torch.no_grad()
def origin_residual(interior: PointSet) -> float:
    """The signed residual of the problem's `origin_condition`, at the first point of the set `interior`."""
    residuals = interior.residuals(interior.lambda_values())
    return float(residuals[interior.solution.problem.origin_condition][0])


@torch.no_grad()
def settle_lambda(interior: PointSet) -> Settled:
    """Set λ to the root of the origin condition near it, by the secant method."""
    lam, (low, high) = interior.solution.lam, interior.solution.problem.lambda_range
    before, here = float(lam), origin_residual(interior)
    old, old_residual, rejected = before, here, None
    lam.add_(1e-6)
    for _ in range(SECANT_STEPS):
        new, residual = float(lam), origin_residual(interior)
        if abs(residual) < abs(here):
            before, here = new, residual
        if residual == old_residual or abs(here) < ROUNDING:
            break
        proposed = new - residual * (new - old) / (residual - old_residual)
        old, old_residual = new, residual
        if not low < proposed < high:
            rejected = proposed
            break
        lam.fill_(proposed)
    lam.fill_(before)
    return Settled(abs(here) < 1e3 * ROUNDING, rejected)
