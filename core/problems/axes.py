"""Positions along coordinates: evenly spaced and as symmetric as their range, or nodes inside a box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

MOST_FACTORS = 3
"""Coordinates of which all products of polynomials are made; of more they are too many."""
MORE_NODES = 2
"""Gauss nodes along a coordinate beyond as many as it has polynomials."""

if TYPE_CHECKING:
    from core.problems.base import Problem


def evenly(low: float, high: float, n: int) -> np.ndarray:
    """`n` increasing positions (n,), ends included; of a range −r to r exact opposites of each other, the middle 0.

    np.linspace leaves 2e-15 in the middle of some: a place that nobody meant, where U/y is not U′(0).
    """
    positions = np.linspace(low, high, n)
    return (positions - positions[::-1]) / 2 if low == -high else positions


def on_nodes(problem: Problem) -> bool:
    """Whether points inside a box are all that a problem asks for, as its conditions are met exactly."""
    return problem.is_box and len(problem.collocation_towards_walls(np.zeros((4, len(problem.coordinates))))) == 1
