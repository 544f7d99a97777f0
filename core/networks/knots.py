"""Where the knots of a stage's splines lie, and the nodes of their cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from core.config import Splines
from core.domains.sequences import halton
from core.problems import Problem
from core.problems.base import INTERIOR, Narrow

FINE = 4096
"""Places at which a density is looked at."""
SEVERAL, MOST_LOOKS = 40, 400_000
"""Times more points than asked for, of which those of sets beside the domain's are taken; and so many at most."""
NODES = 3
"""Of each cell along each coordinate, by which it is seen whether it has some of the domain."""


def knots_of(config: Splines, problem: Problem) -> tuple[np.ndarray, ...]:
    """Of each coordinate the ends of its intervals, increasing, (n + 1,), in its own unit."""
    found = []
    for k, name in enumerate(problem.coordinates):
        given = config.knots[name]
        if isinstance(given, int):
            given = graded(*problem.domain()[k], given, [each for each in problem.narrow if each.coordinate == k])
        found.append(np.array(given, dtype=float))
    return tuple(found)


def graded(low: float, high: float, intervals: int, narrow: Sequence[Narrow]) -> np.ndarray:
    """So many intervals, (intervals + 1,), shorter near where something is narrow: as its width, then as the distance.

    As many of them belong to each narrow place as to all of the length. The place itself is a knot where another is
    within half an interval of it.
    """
    x = np.linspace(low, high, FINE)
    density = np.full(FINE, 1 / (high - low))
    for each in narrow:
        own = 1 / (each.width + np.abs(x - each.at))
        density += own / np.trapezoid(own, x)
    share = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    knots = np.interp(np.arange(intervals + 1) / intervals, share / share[-1], x)
    for each in narrow:
        nearest = int(np.argmin(np.abs(knots - each.at)))
        if 0 < nearest < intervals:
            knots[nearest] = each.at
    knots[0], knots[-1] = low, high
    return knots


def cells(problem: Problem, knots: Sequence[np.ndarray]) -> np.ndarray:
    """Which cells have some of the domain, (n₁, …, n_d)."""
    shape = tuple(len(own) - 1 for own in knots)
    points, place = nodes(knots, (NODES,) * len(knots))
    inside = np.zeros(math.prod(shape), bool)
    np.logical_or.at(inside, np.ravel_multi_index(tuple(place.T), shape), problem.contains(points))
    return inside.reshape(shape)


def nodes(knots: Sequence[np.ndarray], counts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre nodes of every cell, (n, d), and in which cell each lies, (n, d).

    Args:
        knots: of each coordinate.
        counts: how many nodes of an interval of each.
    """
    axes, places = [], []
    for own, count in zip(knots, counts, strict=True):
        node = (np.polynomial.legendre.leggauss(count)[0] + 1) / 2
        axes.append((own[:-1, None] + np.diff(own)[:, None] * node).ravel())
        places.append(np.repeat(np.arange(len(own) - 1), count))
    grids = (np.stack(np.meshgrid(*each, indexing="ij"), axis=-1).reshape(-1, len(knots)) for each in (axes, places))
    return tuple(grids)


def in_cells(problem: Problem, knots: Sequence[np.ndarray], points: int) -> dict[str, np.ndarray]:
    """Points of every set of a problem, about as many of the domain in every cell: name → (n, d).

    Those of the domain are Gauss–Legendre nodes; those of another set are even along it, and in each cell at most as
    many as the domain's along one side and one more.

    Args:
        problem: whose.
        knots: of each coordinate.
        points: of the domain, about.
    """
    d, there = len(knots), np.count_nonzero(cells(problem, knots))
    counts = [max(1, math.floor((points / there) ** (1 / d)))] * d
    for k in itertools.cycle(range(d)):  # one more along some, while there are points for it
        if there * math.prod(counts) * (counts[k] + 1) / counts[k] > 1.1 * points:
            break
        counts[k] += 1
    inside = nodes(knots, counts)[0]
    several = problem.collocation(halton(min(SEVERAL * points, MOST_LOOKS), d, np.zeros(d)))
    most = 1 + round(math.prod(counts) ** ((d - 1) / d))
    thinned = {name: _at_most(most, block, knots) for name, block in several.items() if name != INTERIOR}
    return {INTERIOR: inside[problem.contains(inside)], **thinned}


def cell_volumes(points: np.ndarray, knots: Sequence[np.ndarray]) -> np.ndarray:
    """Volume of the cell in which each point (n, d) lies, (n,)."""
    widths = (np.diff(own)[at] for own, at in zip(knots, _places(points, knots).T, strict=True))
    return math.prod(widths)


def _at_most(count: int, points: np.ndarray, knots: Sequence[np.ndarray]) -> np.ndarray:
    """The first of the points (n, d) in each cell, so many at most; of a sequence that is even its first ones are."""
    cell = np.unique(_places(points, knots), axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(cell, kind="stable")
    sizes = np.bincount(cell)
    rank = np.arange(len(points)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return points[np.sort(order[rank < count])]


def _places(points: np.ndarray, knots: Sequence[np.ndarray]) -> np.ndarray:
    """In which interval of each coordinate points lie, (n, d)."""
    places = [np.searchsorted(own[1:-1], points[:, k], side="right") for k, own in enumerate(knots)]
    return np.stack(places, axis=-1)
