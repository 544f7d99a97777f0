"""Gauss–Newton without a Jacobian: the damped normal equations by conjugate gradients on products."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from core.optimizers.gauss_newton import NO_GAIN, TrustRatioDamping
from core.optimizers.report import StepReport


def solve(product: Callable[[Tensor], Tensor], b: Tensor, tolerance: float, most: int) -> Tensor:
    """X (P,) with A x ≈ b for a positive definite A known by its products (Hestenes and Stiefel 1952).

    Ends when |b − Ax| ≤ tolerance·|b|, after `most` products, or when rounding makes A look indefinite. x is the best
    of its Krylov space at any moment, so that an early end gives a shorter step and not a wrong one.
    """
    x = torch.zeros_like(b)
    residual = b.clone()
    direction = residual.clone()
    square = residual @ residual
    goal = tolerance**2 * float(square)
    for _ in range(most):
        if float(square) <= goal:
            break
        image = product(direction)
        curvature = direction @ image
        if not float(curvature) > 0:
            break
        length = square / curvature
        x = x + length * direction
        residual = residual - length * image
        previous, square = square, residual @ residual
        direction = residual + (square / previous) * direction
    return x


class ConjugateGradient:
    """Truncated Gauss–Newton (Martens, ICML 2010): memory grows with the rows and with the parameters, not with both.

    Args:
        damping: first μ, relative to |Jᵀr|²/|r|², which is at most the largest eigenvalue of JᵀJ.
        minimum_damping: floor of the damping, relative likewise.
        tolerance: relative residual of the inner solve.
        products: most products with JᵀJ an iteration.
    """

    MAX_TRIALS = 8

    def __init__(self, damping: float, minimum_damping: float, tolerance: float, products: int):
        self.damping = TrustRatioDamping(damping, minimum_damping)
        self.tolerance = tolerance
        self.products = products

    def iterate(self, objective):
        """See `Optimizer.iterate`."""
        residuals, system = objective.products()
        r = system.r
        gradient = system.levelled_transposed(system.transposed(r))
        before, ratio = float(r @ r), float("nan")
        scale = float(gradient @ gradient) / max(before, torch.finfo(r.dtype).tiny)
        move = objective.mover()
        for trial in range(self.MAX_TRIALS):
            mu = self.damping.value * scale
            if trial and not system.stays:
                _, system = objective.products()

            def product(v: Tensor, system=system, mu=mu) -> Tensor:
                image = system.transposed(system.times(system.levelled(v)))
                return system.levelled_transposed(image) + mu * v

            step = system.levelled(solve(product, -gradient, self.tolerance, self.products))
            change = system.times(step)
            predicted = float(-(2 * r + change) @ change)
            if not predicted > (NO_GAIN if trial else 0) * before:
                break
            after = move(step)
            ratio = (before - after) / predicted
            if after < before and ratio > 1e-4:
                self.damping.accept(min(ratio, 1.0))
                return residuals, StepReport(True, after, self.damping.value, ratio, float(step.norm()))
            self.damping.reject()
            move(torch.zeros_like(step))
        move(torch.zeros_like(gradient))
        return residuals, StepReport(False, before, self.damping.value, ratio)

    def state(self):
        """See `Optimizer.state`."""
        return {"damping": self.damping.value, "growth": self.damping.growth}

    def restore(self, state):
        """See `Optimizer.restore`."""
        self.damping.value, self.damping.growth = state["damping"], state["growth"]
