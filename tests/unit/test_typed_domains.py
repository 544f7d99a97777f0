"""Typed equations on domains that are no boxes: points, normals, the data of a config, where a solution is judged."""

import numpy as np
import pytest

from core.config import parse_config
from core.domains.regions import region
from core.errors import ConfigError
from core.problems.equation import Equation
from core.training.measure import dense_points

RING = {
    "kind": "difference",
    "of": {"kind": "box", "low": [-1, -1], "high": [1, 1]},
    "less": [{"kind": "disk", "centre": [0.4, 0.1], "radius": 0.05}],
}
LAPLACE = {
    "kind": "equation",
    "domain": RING,
    "fields": ["u"],
    "equations": ["laplacian(u) = 0"],
    "conditions": [{"on": "outer", "that": "u = 1"}, {"on": "hole 1", "that": "dn(u) = x"}],
}
UNIT = np.random.default_rng(0).random((800, 2))


def test_points_lie_inside_and_on_the_boundaries_that_are_meant():
    problem = Equation.model_validate(LAPLACE)
    assert problem.domain() == ((-1, 1), (-1, 1))
    assert [name for name in problem.residual_names] == ["equation", "at_1", "at_2"]
    for found in (problem.collocation(UNIT), problem.collocation_towards_walls(UNIT)):
        assert len(found["interior"]) == 800 and problem.contains(found["interior"]).all()
        assert np.allclose(np.abs(found["at_1"]).max(axis=1), 1)
        assert np.allclose(np.hypot(*(found["at_2"] - [0.4, 0.1]).T), 0.05)
    judged = dense_points(problem)
    assert len(judged) < 257**2 and np.hypot(*(judged - [0.4, 0.1]).T).min() > 0.05


def test_a_small_hole_has_points_where_a_condition_is_on_all_of_the_boundary():
    problem = Equation.model_validate(LAPLACE | {"conditions": [{"on": "boundary", "that": "u = 1"}]})
    walls = problem.collocation(UNIT)["at_1"]
    share = np.isclose(np.hypot(*(walls - [0.4, 0.1]).T), 0.05).mean()
    assert share > 0.2 > 2 * np.pi * 0.05 / 8


def test_time_stays_beside_a_domain():
    typed = LAPLACE | {
        "coordinates": {"x": None, "y": None, "t": [2, 5]},
        "time": "t",
        "equations": ["u_t = laplacian(u)"],
        "conditions": [{"on": "t = 2", "that": "u = 0"}, {"on": "boundary", "that": "u = 0"}],
    }
    problem = Equation.model_validate(typed)
    found = problem.collocation(np.random.default_rng(0).random((1000, 3)))
    assert list(found) == ["interior", "at_1"]  # what holds at t = 2 is built into the ansatz
    for points in found.values():
        assert points[:, 2].min() < 2.1 and points[:, 2].max() > 4.9 and problem.holds(points).all()
    assert abs(np.corrcoef(found["interior"].T)[2, :2]).max() < 0.1


@pytest.mark.parametrize(
    "domain",
    [
        RING,
        {
            "kind": "union",
            "parts": [{"kind": "disk", "centre": [0, 0], "radius": 1}, {"kind": "box", "low": [0, 0], "high": [2, 2]}],
        },
        {"kind": "polygon", "vertices": [[-1, -1], [1, -1], [1, 0], [0, 0], [0, 1], [-1, 1]]},
        {
            "kind": "difference",
            "of": {"kind": "box", "low": [0, 0, 0], "high": [1, 1, 1]},
            "less": [{"kind": "ball", "centre": [0, 0.5, 0.5], "radius": 0.3}],
        },
        {"kind": "annulus", "centre": [0, 0, 0], "inner": 0.5, "outer": 1},
        {"kind": "ball", "centre": [1, 0, 0, 0, 0], "radius": 2},
        {"kind": "box", "low": [0], "high": [3]},
    ],
)
def test_normals_are_known_by_the_place_alone(domain):
    found = region(Equation.model_validate(_on(domain)).shape)
    drawn = found.boundary(np.random.default_rng(1).random((400, max(2, found.dimension))))
    apart = np.abs(found.normals(drawn.points) - drawn.normals).max(axis=1)
    assert np.mean(apart < 1e-6) > 0.99  # but for edges, where both sides are as near
    assert found.holds(drawn.points).all() and not found.contains(drawn.points + 1e-6 * drawn.normals).any()


def _on(domain):
    dimension = len(domain.get("low") or domain.get("centre") or domain.get("of", {}).get("low") or [0, 0])
    return {
        "kind": "equation",
        "domain": domain,
        "coordinates": dict.fromkeys([f"x{i}" for i in range(dimension)]),
        "fields": ["u"],
        "equations": ["laplacian(u) = 1"],
        "conditions": [{"on": "boundary", "that": "u = 0"}],
    }


def test_a_ball_of_five_dimensions():
    found = region(Equation.model_validate(_on({"kind": "ball", "centre": [0] * 5, "radius": 1})).shape)
    inside = found.interior(np.random.default_rng(0).random((20_000, 5)))
    assert abs(np.square(inside).sum(axis=1).mean() - 5 / 7) < 0.01
    assert np.abs(np.cov(inside.T) - np.eye(5) / 7).max() < 0.01
    out = found.boundary(np.random.default_rng(0).random((20_000, 5))).normals
    assert np.allclose(np.linalg.norm(out, axis=1), 1) and np.abs(np.cov(out.T) - np.eye(5) / 5).max() < 0.01


def test_a_config_has_its_domain_as_plain_data_and_says_its_ends_once():
    config = parse_config({"problem": LAPLACE | {"coordinates": {"x": [-1, 1], "y": [-1, 1]}}})
    again = parse_config(config.model_dump(mode="json", by_alias=True))
    assert again == config and again.hash == config.hash
    assert config.problem.limits == {"x": None, "y": None}
    assert parse_config({"problem": LAPLACE}).hash == config.hash
    boxed = {key: value for key, value in LAPLACE.items() if key != "domain"} | {
        "coordinates": {"x": [0, 1], "y": [0, 1]},
        "conditions": [{"on": "boundary", "that": "u = 1"}],
    }
    assert "domain" not in parse_config({"problem": boxed}).model_dump(mode="json", by_alias=True)["problem"]


@pytest.mark.parametrize(
    "change, said",
    [
        (
            {"domain": RING | {"less": [{"kind": "disk", "centre": [0.4, 0.1], "radius": -1}]}},
            "problem.domain.less.0.radius: -1",
        ),
        ({"domain": {"kind": "disc"}}, "problem.domain.kind: 'disc' is not known"),
        (
            {"coordinates": {"x": None, "y": [0, 1]}},
            "problem.coordinates.y: y runs from 0 to 1, and in the domain from -1 to 1",
        ),
        (
            {"coordinates": {"x": None}},
            "problem.domain: the domain has 2 dimensions, and the coordinates of space are x;",
        ),
        ({"domain": None, "coordinates": {"x": None}}, "problem.coordinates.x: its ends are missing"),
        ({"domain": {"kind": "mesh", "file": "torus.msh"}}, "problem.domain: There is no mesh 'torus.msh'"),
        ({"domain": {"kind": "mesh", "file": "../torus.msh"}}, "problem.domain: '../torus.msh' leads out of"),
        ({"conditions": [{"on": "outer", "that": "u = 1"}]}, "u needs a condition at hole 1"),
    ],
)
def test_what_is_wrong_with_a_domain_is_said_in_one_line(change, said):
    with pytest.raises(ConfigError) as caught:
        parse_config({"problem": LAPLACE | change})
    assert len(caught.value.args[0] if isinstance(caught.value.args[0], list) else [1]) == 1
    assert said in str(caught.value)
