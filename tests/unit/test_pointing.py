"""What is pointed at in a scene is a point of the problem, and a point is drawn where it was pointed at."""

import numpy as np
import pytest

from core.config import parse_config
from core.presets import resolve
from core.solution.grid import SolutionGrid
from core.solution.pointing import place_of, point_at


def sample(coordinates, axes, time=None):
    shape = [len(axis) for axis in axes]
    return SolutionGrid(coordinates, axes, {"u": np.zeros(shape)}, time=time)


def test_a_place_in_space_is_a_point_with_the_moment_that_is_drawn():
    problem = resolve("taylor-green").problem
    axes = tuple(np.linspace(*ends, 9) for ends in problem.domain())
    grid = sample(problem.coordinates, axes, problem.time)
    at = problem.coordinates.index(problem.time)
    point = point_at(problem, grid, 3, [axes[0][2], axes[1][5], 0.7])  # the height is no coordinate
    assert point[at] == pytest.approx(axes[at][3])
    assert place_of(problem, grid, point) == pytest.approx((axes[0][2], axes[1][5]), rel=1e-5)


def test_a_place_on_an_axis_over_decades_is_undone():
    problem = resolve("poisson2d").problem
    far = np.sinh(np.linspace(0, np.arcsinh(1.0), 9) * 12) / np.sinh(12 * np.arcsinh(1.0))
    grid = sample(("x", "y"), (far * 1e4, np.linspace(0, 1, 9)))
    low, high = np.array(problem.domain()).T
    assert point_at(problem, grid, 0, [np.arcsinh(0.25), 0.5, 9.0]) == pytest.approx((0.25, 0.5))
    assert place_of(problem, grid, (0.25, 0.5)) == pytest.approx((np.arcsinh(0.25), 0.5))
    beyond = point_at(problem, grid, 0, [20.0, -1e-9, 0.0])  # a canvas is no ruler
    assert beyond == pytest.approx((high[0], low[1]))


def test_a_place_on_a_wall_as_it_is_drawn_is_a_point_of_the_domain():
    problem = parse_config({"problem": {
        "kind": "equation", "domain": {"kind": "difference", "of": {"kind": "ball", "centre": [0, 0, 0], "radius": 1},
        "less": [{"kind": "ball", "centre": [0, 0, 0], "radius": 0.4}]}, "fields": ["u"],
        "equations": ["laplacian(u) = 1"], "conditions": [{"on": "boundary", "that": "u = 0"}],
    }}).problem  # fmt: skip
    grid = sample(problem.coordinates, tuple(np.linspace(-1, 1, 21) for _ in range(3)))
    ways = np.random.default_rng(0).standard_normal((40, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    for way, radius in zip(ways, np.resize([1.0, 0.4, 0.39], 40), strict=True):
        found = np.array([point_at(problem, grid, 0, list(radius * way))])
        assert problem.holds(found).all()
        assert np.linalg.norm(found - radius * way) < 0.1  # a step of the grid
