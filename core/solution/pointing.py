"""Places in a scene as points of the problem and back: what somebody points at, and where a point is drawn."""

from __future__ import annotations

import numpy as np

from core.problems import Problem
from core.solution.grid import fixed
from core.solution.sampled import Sampled
from core.solution.scene import at_moment, is_even, moments

DIGITS = 6
"""Of a coordinate that is pointed at: a canvas has no more."""
STEPS = 200
"""From a place beside a wall towards the nearest point inside, the first ones close together."""


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
    point = np.array([[float(np.clip(known[name], *ends[name])) for name in problem.coordinates]])
    if not problem.holds(point).all():  # a wall as it is drawn lies a little beside the curve that it is
        point = _nearest_inside(problem, drawn, point)
    return tuple(float(number) for number in point[0])


def _nearest_inside(problem: Problem, drawn: Sampled, point: np.ndarray) -> np.ndarray:
    """The place next to a point (1, d), towards the sample's own nearest point in the domain, that lies in it."""
    inside = drawn.coordinates_of_points()
    places = np.repeat(point, len(inside), axis=0)
    places[:, [problem.coordinates.index(name) for name in drawn.coordinates]] = inside
    places = places[problem.holds(places)]
    if not len(places):
        return point
    nearest = places[np.linalg.norm(places - point, axis=1).argmin()]
    steps = point + np.linspace(0, 1, STEPS)[:, None] ** 2 * (nearest - point)
    return steps[problem.holds(steps)][:1]


def place_of(problem: Problem, grid: Sampled, point: tuple[float, ...]) -> tuple[float, ...]:
    """Where a scene of a sample draws a point of the problem; time is no place where one moment is drawn."""
    known = dict(zip(problem.coordinates, point, strict=True))
    drawn = at_moment(grid, 0)
    return tuple(
        float(known[name] if is_even(axis) else np.arcsinh(known[name]))
        for name, axis in zip(drawn.coordinates, drawn.axes, strict=False)
    )
