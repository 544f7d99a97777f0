"""The choice of σ, the standard deviation of Fourier features, by trying."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.config import Fourier

MOST_STEPS = 8
"""Doublings or halvings in one direction."""
MOST_GROUPS = 3
"""Groups of inputs of which each is searched by itself; of more, two solves for each cost more than they gain."""
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
    each = min(inputs, MOST_GROUPS) if inputs > 1 else 0
    return 6 + 3 * each + min(3 + 3 * each, PER_ITERATION * iterations)


@dataclass(frozen=True)
class Found:
    """What a search found."""

    sigma: tuple[float, ...]
    """Of each input."""
    left: float = math.inf
    """What it leaves."""
    unclear: tuple[tuple[int, ...], ...] = ()
    """Groups whose σ could as well be twice or half of it: less than `APART` lies between."""


def best_sigma(
    left_by: Callable[[tuple[float, ...]], float],
    start: Sequence[float],
    groups: Sequence[Sequence[int]] = (),
    *,
    near: bool = False,
    most: int | None = None,
    enough: float = ROUNDING,
) -> Found:
    """The σ of each input with the smallest `left_by`: first a common factor, then one group after the other.

    What random features leave has one broad valley in σ: too small, and they can't be told apart in float64; too
    large, and they wiggle between the points. Each search goes downhill by factors of 2; the common one ends with √2
    and at the bottom of the parabola through its last three. All ends at the first σ that leaves `enough` or less.
    The σ of the groups part only for a clear gain.

    Args:
        left_by: what a σ leaves, NaN and infinity allowed.
        start: σ of each input.
        groups: of inputs that have a factor of their own besides.
        near: the start is near the valley's bottom already: the common factor of 2 is left out, and the parabola.
        most: tries after which the best so far is taken; None: as many as it takes.
        enough: what is left when no better σ is looked for; by default nothing but rounding.
    """
    known: dict[tuple[float, ...], float] = {}

    def cost(sigma: np.ndarray) -> float:
        key = _key(sigma)
        if key not in known:
            if most is not None and len(known) >= most:
                raise _EnoughTried
            value = left_by(key)
            known[key] = value if math.isfinite(value) else math.inf
            if value <= enough:
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
        if not near:
            best = downhill(best, np.full(len(start), 2.0))
        for group in groups:
            factor = np.where(np.isin(np.arange(len(start)), group), 2.0, 1.0)
            best = downhill(best, factor)
            if min(cost(best * factor), cost(best / factor)) < APART * cost(best):
                unclear.append(tuple(group))
        best = downhill(best, np.full(len(start), root))
        if not near:
            best = best * _bottom([cost(best * factor) for factor in (1 / root, 1.0, root)])
    except _EnoughTried:
        best = min(known, key=known.get)
        return Found(best, known[best])
    found = tuple(float(value) for value in best)
    return Found(found, known.get(_key(best), min(known.values())), tuple(unclear))


def _key(sigma: Sequence[float]) -> tuple[float, ...]:
    """The same σ by another way is not tried again."""
    return tuple(float(f"{value:.12g}") for value in sigma)


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


def smaller(features: Fourier, points: int) -> tuple[Fourier, int] | None:
    """Features and points that a search begins with; None where the stage itself has few."""
    if features.features < SMALLER * LEAST_FEATURES:
        return None
    return features.model_copy(update={"features": features.features // SMALLER}), points // SMALLER
