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
from core.optimizers.rows import read
from core.problems.base import Samples
from core.training.objective import Objective

MOST_STEPS = 8
"""Doublings or halvings in one direction."""
MOST_INPUTS = 3
"""Inputs of which each is searched by itself; in more, two solves for each cost more than they gain."""
ROUNDING = 1e-15
"""Residuals are divided by their natural scale: a σ that leaves so little leaves nothing but rounding."""
SMALLER = 3
"""The search begins with so many times fewer features and points, where a try costs a twentieth of a whole one."""
LEAST_FEATURES = 50
"""But with no fewer features than these."""
HALF = 2
"""It ends with all features at so many times fewer points: what they leave there ranks σ as all points do, for two
fifths of the time."""
LARGER = math.sqrt(2)
"""σ for all features over that for a third of them, about: more features resolve larger wave numbers."""
APART = 1.5
"""So many times less must be left before the σ of one input goes further away from the others'."""
PER_ITERATION = 4
"""Tries with all features at most, for each iteration of the stage: the search stays a part of the run."""


def as_text(sigma: float | Sequence[float]) -> str:
    """σ as the log and the summary show it: one number, or one for each input."""
    return ", ".join(f"{value:.3g}" for value in np.atleast_1d(sigma))


def most_tries(inputs: int, iterations: int) -> int:
    """How many tries a search takes at most, unless its start was far off.

    Args:
        inputs: of the network.
        iterations: of the stage.
    """
    each = inputs if 1 < inputs <= MOST_INPUTS else 0
    return 6 + 3 * each + min(3 + 3 * each, PER_ITERATION * iterations)


@dataclass(frozen=True)
class Found:
    """What a search found."""

    sigma: tuple[float, ...]
    """Of each input."""
    unclear: tuple[int, ...] = ()
    """Inputs whose σ could as well be twice or half of it: less than `APART` lies between."""


def best_sigma(
    left_by: Callable[[tuple[float, ...]], float],
    start: Sequence[float],
    inputs: Sequence[int] | None = None,
    most: int | None = None,
) -> Found:
    """The σ of each input with the smallest `left_by`: first a common factor, then one input after the other.

    What random features leave has one broad valley in σ: too small, and they can't be told apart in float64; too
    large, and they wiggle between the points. Each search goes downhill by factors of 2; the common one ends with √2
    and at the bottom of the parabola through its last three. All ends at the first σ that leaves nothing but rounding.
    The σ of the inputs part only for a clear gain.

    Args:
        left_by: what a σ leaves, NaN and infinity allowed.
        start: σ of each input.
        inputs: the start is near the valley's bottom already: only these inputs are searched by themselves, and the
            common factor of 2 is left out. None: all is searched.
        most: tries after which the best so far is taken; None: as many as it takes.
    """
    known: dict[tuple[float, ...], float] = {}

    def cost(sigma: np.ndarray) -> float:
        key = tuple(float(f"{value:.12g}") for value in sigma)  # the same σ by another way is not tried again
        if key not in known:
            if most is not None and len(known) >= most:
                raise _EnoughTried
            value = left_by(key)
            known[key] = value if math.isfinite(value) else math.inf
            if value <= ROUNDING:
                raise _EnoughTried
        return known[key]

    def better(new: np.ndarray, old: np.ndarray) -> bool:
        further = np.ptp(np.log(new)) > np.ptp(np.log(old)) + 1e-9
        return cost(new) * (APART if further else 1.0) < cost(old)

    def downhill(sigma: np.ndarray, factor: np.ndarray) -> np.ndarray:
        if not better(sigma * factor, sigma):
            factor = 1 / factor
        for _ in range(MOST_STEPS):
            if not better(sigma * factor, sigma):
                break
            sigma = sigma * factor
        return sigma

    try:
        best, unclear, root = np.array(start, dtype=float), [], math.sqrt(2)
        cost(best)
        if inputs is None:
            best = downhill(best, np.full(len(start), 2.0))
        alone = range(len(start)) if 1 < len(start) <= MOST_INPUTS else ()
        for i in alone if inputs is None else inputs:
            factor = np.where(np.arange(len(start)) == i, 2.0, 1.0)
            best = downhill(best, factor)
            if min(cost(best * factor), cost(best / factor)) < APART * cost(best):
                unclear.append(i)
        best = downhill(best, np.full(len(start), root))
        if inputs is None:
            best = best * _bottom([cost(best * factor) for factor in (1 / root, 1.0, root)])
    except _EnoughTried:
        return Found(min(known, key=known.get))
    return Found(tuple(float(value) for value in best), tuple(unclear))


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


class _EnoughTried(Exception):  # noqa: N818  an answer, no error
    """The best so far is the answer."""


@dataclass(frozen=True)
class Setting:
    """What features are tried in.

    `features` is how many there are, `training` and `held_out` the points of the try, point set → (n, d).
    """

    features: Fourier
    training: dict[str, np.ndarray]
    held_out: dict[str, np.ndarray]


def smaller(features: Fourier, points: int) -> tuple[Fourier, int] | None:
    """Features and points that a search begins with; None where the stage itself has few."""
    if features.features < SMALLER * LEAST_FEATURES:
        return None
    return features.model_copy(update={"features": features.features // SMALLER}), points // SMALLER


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
        """√loss at the points that are not trained on; λ is left as it was.

        Of a nonlinear equation it is that of the linearised residuals: the square of a long step, which no features
        make smaller, would hide what they can't represent.
        """
        solution = self._solution
        solution.replace_last(self._network(sigma))
        try:
            rows = read(self._training.slopes()[1])
            scale = ColumnScale().update(rows.norms())
            step = DampedSystem(rows, scale).step(self._damping)
            if not solution.problem.linear:
                _, products = self._held_out.products()
                return float((products.r + products.times(step)).norm())
            self._training.mover().move(step)
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
