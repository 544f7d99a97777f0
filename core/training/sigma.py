"""The choice of σ, the standard deviation of Fourier features, by trying."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.config import Fourier
from core.networks.layers import Network, fourier
from core.networks.solution import Solution, Term
from core.optimizers.gauss_newton import ColumnScale, DampedSystem
from core.problems.base import Samples
from core.training.objective import Objective

MOST_STEPS = 8
"""Doublings or halvings in one direction."""
MOST_INPUTS = 3
"""Inputs of which each is searched by itself; in more, two solves for each cost more than they gain."""
ROUNDING = 1e-15
"""Residuals are divided by their natural scale: a σ that leaves so little leaves nothing but rounding."""
SMALLER = 2
"""The search is made with so many times fewer features and points, where a try costs a seventh of a whole one."""
LARGER = 1.25
"""σ for all features over that for half of them: more features resolve larger wave numbers (measured: 1 to 1.5)."""
LEAST_FEATURES = 50
"""But with no fewer features than these."""


def as_text(sigma: float | Sequence[float]) -> str:
    """σ as the log and the summary show it: one number, or one for each input."""
    return ", ".join(f"{value:.3g}" for value in np.atleast_1d(sigma))


def most_tries(inputs: int) -> int:
    """How many tries `best_sigma` makes, unless the start was far off: two for each search, and the last three."""
    return 6 + (3 * inputs if 1 < inputs <= MOST_INPUTS else 0)


def best_sigma(left_by: Callable[[tuple[float, ...]], float], start: Sequence[float]) -> tuple[float, ...]:
    """The σ of each input with the smallest `left_by`: first a common factor, then one input after the other.

    What random features leave has one broad valley in σ: too small, and they can't be told apart in float64; too
    large, and they wiggle between the points. Each search goes downhill by factors of 2; the common one ends with √2
    and at the bottom of the parabola through its last three. All ends at the first σ that leaves nothing but rounding.

    Args:
        left_by: what a σ leaves, NaN and infinity allowed.
        start: σ of each input.
    """
    known: dict[tuple[float, ...], float] = {}

    def cost(sigma: np.ndarray) -> float:
        key = tuple(float(f"{value:.12g}") for value in sigma)  # the same σ by another way is not tried again
        if key not in known:
            value = left_by(key)
            known[key] = value if math.isfinite(value) else math.inf
            if value <= ROUNDING:
                raise _AtRounding(key)
        return known[key]

    def downhill(sigma: np.ndarray, factor: np.ndarray) -> np.ndarray:
        if cost(sigma * factor) >= cost(sigma):
            factor = 1 / factor
        for _ in range(MOST_STEPS):
            if cost(sigma * factor) >= cost(sigma):
                break
            sigma = sigma * factor
        return sigma

    try:
        best = downhill(np.array(start, dtype=float), np.full(len(start), 2.0))
        if 1 < len(start) <= MOST_INPUTS:
            for i in range(len(start)):
                best = downhill(best, np.where(np.arange(len(start)) == i, 2.0, 1.0))
        best = min((best * math.sqrt(2), best, best / math.sqrt(2)), key=cost)
        best = best * _bottom([cost(best * factor) for factor in (math.sqrt(0.5), 1.0, math.sqrt(2))])
    except _AtRounding as found:
        return found.sigma
    return tuple(float(value) for value in best)


def _bottom(costs: Sequence[float]) -> float:
    """Factor from the middle of three σ, √2 apart, to the bottom of the parabola through the logarithms of the costs.

    1 where there is none between the outer two.
    """
    if not all(0 < cost < math.inf for cost in costs):
        return 1.0
    left, middle, right = (math.log(cost) for cost in costs)
    bend = left - 2 * middle + right
    steps = (left - right) / (2 * bend) if bend > 0 else 0.0
    return math.sqrt(2) ** max(-1.0, min(1.0, steps))


class _AtRounding(Exception):  # noqa: N818  an answer, no error
    def __init__(self, sigma: tuple[float, ...]):
        self.sigma = sigma


@dataclass(frozen=True)
class Setting:
    """What features are tried in.

    `features` is how many there are, `training` and `held_out` the points of the try, point set → (n, d).
    """

    features: Fourier
    training: dict[str, np.ndarray]
    held_out: dict[str, np.ndarray]


def smaller(features: Fourier, points: int) -> tuple[Fourier, int, float]:
    """Features and points of a search, fewer than the stage's unless they are few, and the stage's σ over its own."""
    if features.features < SMALLER * LEAST_FEATURES:
        return features, points, 1.0
    return features.model_copy(update={"features": features.features // SMALLER}), points // SMALLER, LARGER


class Tries:
    """What the features of one σ after another leave after one Gauss–Newton step, where they are not trained.

    What no σ changes, such as the stages so far and the ansatz at all points, is computed once. A context: on leaving
    it, the solution is as it was.

    Args:
        solution: its stages so far.
        setting: see there.
        epsilon: scale of the stage.
        samples: measured values, where the problem learns from data.
        damping: relative damping of the step.
        seed: of the features.
    """

    def __init__(
        self,
        solution: Solution,
        setting: Setting,
        epsilon: float,
        samples: Samples | None,
        damping: float,
        seed: int,
    ):
        self._solution, self._setting, self._damping, self._seed = solution, setting, damping, seed
        self._epsilon, self._samples = epsilon, samples
        self._device = next(solution.parameters(), torch.zeros(0)).device

    def __enter__(self) -> Tries:
        solution, setting = self._solution, self._setting
        self._trained = [parameter.requires_grad for parameter in solution.parameters()]
        self._lambda = None if solution.lam is None else solution.lam.detach().clone()
        solution.add(Term(self._network(1.0), self._epsilon))
        self._training, self._held_out = (
            Objective(solution, points, torch.float64, self._samples) for points in (setting.training, setting.held_out)
        )
        self._training.check_memory()
        return self

    def __exit__(self, *error: object) -> None:
        self._solution.remove_last()
        for parameter, wanted in zip(self._solution.parameters(), self._trained, strict=True):
            parameter.requires_grad_(wanted)

    def left_by(self, sigma: tuple[float, ...]) -> float:
        """√loss at the points that are not trained on; λ is left as it was."""
        solution = self._solution
        solution.replace_last(self._network(sigma))
        try:
            _, r, J = self._training.linearise()
            scale = ColumnScale().update(J)
            self._training.mover().move(DampedSystem(J.div_(scale), r).step(self._damping) / scale)
            with torch.no_grad():
                return float(self._held_out.residuals().loss().sqrt())
        finally:
            if self._lambda is not None:
                solution.lam.data.copy_(self._lambda)

    def _network(self, sigma: float | tuple[float, ...]) -> Network:
        problem = self._solution.problem
        generator = torch.Generator().manual_seed(self._seed)
        network = fourier(self._setting.features, sigma, problem.inputs, problem.outputs, generator)
        return network.to(self._device)
