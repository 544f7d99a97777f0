"""Rows on boundaries: each part of every boundary has some, whatever sampler made the points, in 2D, 3D and 5D."""

import numpy as np
import pytest

from core.config import parse_config
from core.domains.sequences import fewer, is_grid
from core.presets.plan import plan
from core.problems.equation import Equation
from core.training.points import collocation

SAMPLERS = ("grid", "gauss", "sobol", "chebyshev", "uniform")
ZERO = [{"on": "boundary", "that": "u = 0"}]


def sets(domain, sampler, points=900, shape=None, **more):
    problem = {"kind": "equation", "domain": domain, "fields": ["u"], "equations": ["laplacian(u) = 1"],
               "conditions": ZERO} | more  # fmt: skip
    drawn = {"points": points, "sampler": sampler} | ({"shape": shape} if shape else {})
    config = parse_config({"problem": problem, "stages": [{"collocation": drawn}]})
    return collocation(config, config.stages[0], 0, 0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_circle_has_rows_all_around(sampler):
    on = sets("disk((0, 0), 1) - disk((0.3, 0), 0.2)", sampler)["at_1"]
    for centre, radius in (((0, 0), 1), ((0.3, 0), 0.2)):
        off = on - centre
        around = np.sort(np.arctan2(*off[np.abs(np.hypot(*off.T) - radius) < 1e-9].T))
        assert len(around) > 30
        assert np.diff(np.append(around, around[0] + 2 * np.pi)).max() < (1 if sampler == "uniform" else 0.5)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("domain", ["ball((0, 0, 0), 1) - ball((0, 0, 0), 0.4)", "box((-1, -1, -1), (1, 1, 1))"])
def test_a_surface_has_rows_on_all_sides(domain, sampler):
    on = sets(domain, sampler, points=2000)["at_1"]
    octants = np.unique(on > 0, axis=0, return_counts=True)[1]
    assert len(octants) == 8 and octants.min() > len(on) / 40
    sides = [np.sum(np.abs(on[:, k] - end) < 0.3) for k in range(3) for end in (-1, 1)]
    assert min(sides) > len(on) / 60


@pytest.mark.parametrize(
    "sampler, shape", [*((each, None) for each in SAMPLERS), ("grid", (15, 30, 2)), ("gauss", (2, 15, 30))]
)
def test_beginnings_and_walls_have_rows_everywhere_and_at_all_times(sampler, shape):
    heat = {"coordinates": {"x": None, "y": None, "t": [0, 1]}, "time": "t", "equations": ["u_t = laplacian(u)"],
            "conditions": [{"on": "t = 0", "that": "u^3 = 1"}, {"on": "boundary", "that": "u^3 = 1"}]}  # fmt: skip
    for domain in ("disk((0, 0), 1)", None):
        more = heat if domain else heat | {"coordinates": {"x": [-1, 1], "y": [-1, 1], "t": [0, 1]}}
        found = sets(domain, sampler, shape=shape, **more)
        start, wall = (found[name] for name in list(found)[1:3])
        assert (start[:, 2] == 0).all()
        assert len(np.unique(start[:, :2] > 0, axis=0)) == 4
        if domain:
            quarters = np.unique(wall > [0, 0, 0.5], axis=0, return_counts=True)[1]
            assert len(quarters) == 8 and quarters.min() > len(wall) / 40


def test_few_of_a_grid_are_of_all_of_it():
    axis = (np.arange(30) + 0.5) / 30
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    assert is_grid(grid) and np.ptp(fewer(grid, 100), axis=0).min() > 0.9
    scattered = np.random.default_rng(0).random((50, 2))
    assert (fewer(scattered, 20) == scattered[:20]).all()


@pytest.mark.parametrize("kind", ["beltrami", "poisson5d_cosine"])
def test_boxes_of_many_dimensions_have_rows_on_whole_faces(kind):
    config = parse_config({"problem": {"kind": kind}, "stages": [{"collocation": {"points": 3000, "sampler": "grid"}}]})
    found = collocation(config, config.stages[0], 0, 0)
    low, high = np.array(config.problem.domain()).T
    on = (found.get("boundary", found.get("walls")) - low) / (high - low)
    for k in range(on.shape[1]):
        inner = on[(on[:, k] > 0) & (on[:, k] < 1), k]
        assert inner.max() > 0.8 and inner.min() < 0.2


def test_a_ball_of_five_dimensions_is_planned_and_asked():
    problem = Equation.model_validate(
        {"kind": "equation", "coordinates": dict.fromkeys("abcdf"), "domain": "ball((0, 0, 0, 0, 0), 1)",
         "equations": ["laplacian(u) = 10"], "conditions": ZERO, "exact": {"u": "a^2+b^2+c^2+d^2+f^2-1"}})  # fmt: skip
    assert plan(problem)
    for unit in (np.random.default_rng(0).random((64, 5)), fewer(np.zeros((64, 5)), 64)):
        found = problem.collocation_towards_walls(unit)
        assert len(found["interior"]) == 64 and problem.contains(found["interior"]).all()
