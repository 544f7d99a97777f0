"""Places in a scene as points of the problem and back: what somebody points at, and where a point is drawn."""

from __future__ import annotations

import numpy as np

from core.problems import Problem
from core.solution.grid import fixed
from core.solution.sampled import Sampled
from core.solution.scene import at_moment, is_even, moments

DIGITS = 6
"""Of a coordinate that is pointed at: a canvas has no more."""


def point_at(problem: Problem, grid: Sampled, time_index: int, place: list[float]) -> tuple[float, ...]:
    """The point of the problem at a place (3,) in a scene of a sample, in the order of the problem's coordinates."""
    known = fixed(problem)
    times = moments(grid)
    if times is not None:
        known[grid.time] = float(times[time_index])
    drawn = at_moment(grid, time_index)
    for name, axis, number in zip(drawn.coordinates, drawn.axes, place, strict=False):
        known[name] = float(f"{number if is_even(axis) else np.sinh(number):.{DIGITS}g}")
    ends = dict(zip(problem.coordinates, problem.domain(), strict=True))
    return tuple(float(np.clip(known[name], *ends[name])) for name in problem.coordinates)


def place_of(problem: Problem, grid: Sampled, point: tuple[float, ...]) -> tuple[float, ...]:
    """Where a scene of a sample draws a point of the problem; time is no place where one moment is drawn."""
    known = dict(zip(problem.coordinates, point, strict=True))
    drawn = at_moment(grid, 0)
    return tuple(
        float(known[name] if is_even(axis) else np.arcsinh(known[name]))
        for name, axis in zip(drawn.coordinates, drawn.axes, strict=False)
    )
