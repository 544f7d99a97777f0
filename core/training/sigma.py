"""The choice of σ, the standard deviation of Fourier features, by trying."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from core.networks.solution import Solution, Term
from core.optimizers.gauss_newton import GaussNewton
from core.problems.base import Samples
from core.training.objective import Objective

MOST_STEPS = 8
"""Doublings or halvings in one direction."""
MOST_INPUTS = 3
"""Inputs of which each is searched by itself; in more, two solves for each cost more than they gain."""


def most_tries(inputs: int) -> int:
    """How many tries `best_sigma` makes at most, in practice: two or three downhill for each search."""
    return 5 + (3 * inputs if 1 < inputs <= MOST_INPUTS else 0) + 2


def as_text(sigma: float | Sequence[float]) -> str:
    """σ as the log and the summary show it: one number, or one for each input."""
    return ", ".join(f"{value:.3g}" for value in np.atleast_1d(sigma))


def best_sigma(left_by: Callable[[tuple[float, ...]], float], start: Sequence[float]) -> tuple[float, ...]:
    """The σ of each input with the smallest `left_by`: first a common factor, then one input after the other.

    What random features leave has one broad valley in σ: too small, and they can't be told apart in float64; too
    large, and they wiggle between the points. Each search goes downhill by factors of 2; the common one ends with √2.

    Args:
        left_by: what a σ leaves, NaN and infinity allowed.
        start: σ of each input.
    """
    known: dict[tuple[float, ...], float] = {}

    def cost(sigma: np.ndarray) -> float:
        key = tuple(float(value) for value in sigma)
        if key not in known:
            value = left_by(key)
            known[key] = value if math.isfinite(value) else math.inf
        return known[key]

    def downhill(sigma: np.ndarray, factor: np.ndarray) -> np.ndarray:
        if cost(sigma * factor) >= cost(sigma):
            factor = 1 / factor
        for _ in range(MOST_STEPS):
            if cost(sigma * factor) >= cost(sigma):
                break
            sigma = sigma * factor
        return sigma

    best = downhill(np.array(start, dtype=float), np.full(len(start), 2.0))
    if 1 < len(start) <= MOST_INPUTS:
        for i in range(len(start)):
            best = downhill(best, np.where(np.arange(len(start)) == i, 2.0, 1.0))
    best = min((best * math.sqrt(2), best, best / math.sqrt(2)), key=cost)
    return tuple(float(value) for value in best)


def after_one_step(
    solution: Solution,
    term: Term,
    training: dict[str, np.ndarray],
    held_out: dict[str, np.ndarray],
    samples: Samples | None,
    damping: float,
) -> float:
    """√loss at `held_out` after one Gauss–Newton step of a new term on `training`; the solution is left as it was.

    Args:
        solution: its stages so far.
        term: the stage that would come next.
        training: point set → (n, d).
        held_out: likewise; not trained on.
        samples: measured values, where the problem learns from data.
        damping: relative damping of the step.
    """
    trained = [parameter.requires_grad for parameter in solution.parameters()]
    lam = None if solution.lam is None else solution.lam.detach().clone()
    solution.add(term)
    try:
        objective = Objective(solution, training, torch.float64, samples)
        objective.check_memory()
        _, r, J = objective.linearise()
        GaussNewton(damping, min(damping, 1e-20)).step(r, J, objective.mover())
        with torch.no_grad():
            return float(Objective(solution, held_out, torch.float64, samples).residuals().loss().sqrt())
    finally:
        solution.remove_last()
        if lam is not None:
            solution.lam.data.copy_(lam)
        for parameter, wanted in zip(solution.parameters(), trained, strict=True):
            parameter.requires_grad_(wanted)
