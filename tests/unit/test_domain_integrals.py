"""Integrals over shapes, meshes and their boundaries against closed forms, and as conditions of typed equations."""

import math
from itertools import permutations

import meshio
import numpy as np
import pytest

from core.config import parse_config
from core.domains import parse_domain, region
from core.domains.integration import along, over_boundary, over_inside
from core.domains.mesh import made
from core.domains.regions import MeshRegion
from core.equations.domain_text import read_domain
from core.errors import ConfigError
from core.problems.equation import Equation
from core.training.measure import measure
from tests.training import train

L = "polygon((-1,-1),(1,-1),(1,0),(0,0),(0,1),(-1,1))"
TWO_HOLES = "disk((0,0),1) - disk((0.4,0.1),0.2) - disk((-0.4,-0.2),0.15)"
TORN = "disk((0,0),1) + disk((0.9,0.3),0.7) - box((-0.2,-2),(0.1,0))"
FREE = {"coordinates": {"x": None, "y": None}, "fields": ["u"], "kind": "equation"}


def of(text):
    return region(parse_domain(read_domain(text)))


def smooth(points):
    return np.cos(1.3 * points[:, 0] + 0.2) * np.exp(0.7 * points[:, -1])


def slope(points):
    """Of `smooth` in x."""
    return -1.3 * np.sin(1.3 * points[:, 0] + 0.2) * np.exp(0.7 * points[:, -1])


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("disk((0,0),1)", (math.pi, 0, math.pi / 4)),
        ("ellipse((0,0),(2,0.5),90)", (math.pi, 0, math.pi / 16)),
        ("annulus((0,0),0.5,1)", (math.pi * 0.75, 0, math.pi / 4 * (1 - 0.5**4))),
        (L, (3, -0.5, 1.0)),
        (TWO_HOLES, (math.pi * (1 - 0.0625), -math.pi * (0.4 * 0.04 - 0.4 * 0.0225),
                     math.pi / 4 * (1 - 0.2**4 - 0.15**4) - math.pi * 0.16 * 0.0625)),
        ("box((0,0),(1,1)) - disk((0,0),1)", (1 - math.pi / 4, 1 / 6, 1 / 3 - math.pi / 16)),
        ("ball((0,0,0),1)", (4 / 3 * math.pi, 0, 4 / 15 * math.pi)),
        ("box((-1,-1,-1),(1,1,1)) - ball((0,0,0),0.5)",
         (8 - math.pi / 6, 0, 8 / 3 - 4 / 15 * math.pi / 32)),
    ],
)  # fmt: skip
def test_moments_of_shapes_are_right_to_rounding(text, moments):
    rule = over_inside(of(text), 8000)
    x = rule.points[:, 0]
    found = [rule.weights @ each for each in (np.ones(len(x)), x, x * x)]
    np.testing.assert_allclose(found, moments, atol=1e-11)
    assert len(x) <= 8000
    assert of(text).contains(rule.points).all()


@pytest.mark.parametrize("text", ["disk((0,0),1)", L, TWO_HOLES, TORN, "ellipse((0,0,0),(1,2,0.5))",
                                  "box((-1,-1,-1),(1,1,1)) - ball((0,0,0),0.5)"])  # fmt: skip
@pytest.mark.parametrize("most", [600, 8000])
def test_a_slope_over_the_inside_is_what_passes_the_boundary(text, most):
    domain = of(text)
    edge = over_boundary(domain, domain.names, 3000)
    rule = over_inside(domain, most)
    passes = (edge.weights * edge.normals[:, 0]) @ smooth(edge.points)
    assert abs(rule.weights @ slope(rule.points) - passes) < (1e-10 if most > 600 else 1e-3)


def test_what_changes_fast_at_a_hole_is_integrated_to_many_digits():
    x, y = 0.45, 0.15  # in the first hole
    exact = math.pi * (x * x + y * y - 1) - 2 * math.pi * 0.04 * math.log(0.2) - math.pi * (0.005 - 0.04)
    exact -= math.pi * 0.0225 * math.log(0.85**2 + 0.35**2)
    rule = over_inside(of(TWO_HOLES), 8000)
    assert abs(rule.weights @ np.log((rule.points[:, 0] - x) ** 2 + (rule.points[:, 1] - y) ** 2) - exact) < 1e-6


def test_polygons_of_many_sides_have_weights_that_are_right_for_polynomials():
    turn = 2 * np.pi * np.arange(900) / 900
    many = region(parse_domain({"kind": "polygon", "vertices": np.stack([np.cos(turn), np.sin(turn)], 1).tolist()}))
    rule, edge = over_inside(many, 600), over_boundary(many, many.names, 10_000)
    assert len(rule.weights) <= 600
    assert abs(rule.weights @ slope(rule.points) - (edge.weights * edge.normals[:, 0]) @ smooth(edge.points)) < 1e-10


def test_lines_in_a_domain():
    rule = along(of(TWO_HOLES), (0,), {1: 0.1}, 500)
    assert rule.weights.sum() == pytest.approx(2 * 0.99**0.5 - 0.4, abs=1e-13)
    assert not len(along(of(L), (1,), {0: 7.0}, 500).weights)
    disk = along(of("ball((0,0,0),1)"), (0, 2), {1: 0.6}, 500)
    assert disk.weights.sum() == pytest.approx(math.pi * 0.64, abs=1e-12)


def test_lengths_and_areas_of_boundaries():
    domain = of(TWO_HOLES)
    lengths = [over_boundary(domain, (name,), 500).weights.sum() for name in domain.names]
    np.testing.assert_allclose(lengths, 2 * np.pi * np.array([1, 0.2, 0.15]), rtol=1e-13)
    ball = of("box((-1,-1,-1),(1,1,1)) - ball((0,0,0),0.5)")
    np.testing.assert_allclose(
        [over_boundary(ball, (name,), 500).weights.sum() for name in ball.names], [24, np.pi], rtol=1e-12
    )


def tetrahedra():
    """A cube of 6 · 3³ of them."""
    grid = np.stack(np.meshgrid(*3 * [np.linspace(0, 1, 4)], indexing="ij"), -1).reshape(-1, 3)
    at = np.arange(64).reshape(4, 4, 4)
    cells = []
    for steps in permutations(range(3)):
        corner, path = np.zeros(3, int), [np.zeros(3, int)]
        for step in steps:
            corner = corner + np.eye(3, dtype=int)[step]
            path.append(corner)
        own = np.stack([at[i : i + 3, j : j + 3, k : k + 3].ravel() for i, j, k in path], 1)
        cells.append(own if steps in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else own[:, [1, 0, 2, 3]])
    return meshio.Mesh(grid, [("tetra", np.concatenate(cells))])


@pytest.mark.parametrize("as_surface", [False, True])
def test_meshes_need_no_cells_to_be_integrated_over(as_surface):
    mesh = made(tetrahedra(), "cube")
    if as_surface:
        mesh = made(meshio.Mesh(mesh.points, [("triangle", mesh.facets)]), "shell")
    domain = MeshRegion(lambda: mesh)
    rule, edge = over_inside(domain, 8000), over_boundary(domain, domain.names, 5000)
    exact = (math.sin(1.5) - math.sin(0.2)) / 1.3 * (math.exp(0.7) - 1) / 0.7
    assert rule.weights @ smooth(rule.points) == pytest.approx(exact, abs=1e-11)
    assert edge.weights.sum() == pytest.approx(6, abs=1e-13)
    few = over_boundary(domain, domain.names, 100)  # fewer than there are triangles
    assert len(few.weights) <= 100
    assert few.weights.sum() == pytest.approx(6, abs=1e-11)


@pytest.mark.parametrize(
    ("domain", "where", "text", "line"),
    [
        ("disk((0,0),1)", "everywhere", "int(u/x^2) = 0", "an integral that has a value"),
        ("disk((0,0),1)", "everywhere", "int(u*sin(1e5*x)) = 0", "changes too fast along x"),
        ("disk((0,0),1)", "everywhere", "int(u*log(x)) = 0", "what is integrated has none at x = "),
        ("disk((0,0),1)", "everywhere", "int(u) = 3", "the exact solution's integral is off by 1.4"),
        ("disk((0,0),1)", "outer", "int(dn(u)) = 1", "the exact solution's integral is off by 1"),
        ("disk((0,0),1)", "outer", "int(u, x) = 0", "over x on outer"),
        ("box((0,0,0),(1,1,1)) - ball((0,0,0),0.5)", "hole 1", "int(u) = 0", "parts of its faces are cut away"),
    ],
)
def test_integrals_that_cannot_be(domain, where, text, line):
    names = "xyz"[: of(domain).dimension]
    problem = FREE | {
        "coordinates": dict.fromkeys(names),
        "domain": domain,
        "equations": ["laplacian(u) = 0"],
        "conditions": [{"on": "boundary", "that": "u = 1/2 + x"}, {"on": where, "that": text}],
        "exact": {"u": "1/2 + x"},
    }
    with pytest.raises(ConfigError) as caught:
        parse_config({"problem": problem, "stages": []})
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("where", "text", "words"),
    [
        ("everywhere", "int(u) = 1.5*pi*exp(-t)", "at 16 values of t"),
        ("outer", "int(u) = 3*pi*exp(-t)", "at outer: asked for at 16 values of t"),
        ("everywhere", "int(u, t) = (3/2 + x)*(1 - 1/e)", "Gauss points"),
        ("everywhere", "int(u, x) = 3*sqrt(1 - y^2)*exp(-t)", "Gauss points"),
        ("t = 1", "int(x*u) = pi/4/e", "1,024 Gauss points"),
        ("outer", "int(dn(u)) = 0*t", "at 16 values of t"),
        ("everywhere", "int(u, x, y, t) = 1.5*pi*(1 - 1/e)", "Gauss points"),
    ],
)
def test_integrals_in_a_domain_with_time(where, text, words):
    problem = Equation(
        coordinates={"x": None, "y": None, "t": [0, 1]},
        time="t",
        domain="disk((0,0),1)",
        fields=["u"],
        equations=["u_t = laplacian(u) - u"],
        conditions=[
            {"on": "t = 0", "that": "u = 3/2 + x"},
            {"on": "boundary", "that": "u = (3/2 + x)*exp(-t)"},
            {"on": where, "that": text},
        ],
        exact={"u": "(3/2 + x)*exp(-t)"},
    )
    assert words in problem.how_conditions_are_met[-1]


def test_a_mean_fixes_what_walls_leave_open_on_a_disk(tmp_path):
    stage = {
        "fourier": {"features": 120, "sigma": 2.5},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32},
        "iterations": 2,
        "collocation": {"points": 600, "sampler": "chebyshev"},
    }
    problem = FREE | {
        "domain": "disk((0,0),1)",
        "equations": ["laplacian(u) = 0"],
        "conditions": [{"on": "boundary", "that": "dn(u) = 0"}, {"on": "everywhere", "that": "int(u) = 0"}],
        "manufactured": True,
        "exact": {"u": "sin(x)*cos(y) + 1"},
    }
    outcome = train(parse_config({"problem": problem, "stages": [stage]}), tmp_path)
    assert measure(outcome.solution).relative_l2_error < 1e-12
