"""Solutions of an equation with constant coefficients: that they are some, their derivatives, and what reads them."""

import math

import numpy as np
import pytest
import torch

from core.config import Local, parse_config
from core.domains.local_features import CornerFeatures, HoleFeatures
from core.domains.solutions import FASTEST, Operator, around, from_the_middle, into
from core.jets import coordinates
from core.jets.jet import Jet
from core.networks.solution import Solution
from core.problems.equation import Equation
from core.problems.typed.constant import operator_of
from tests.training import train

PLAIN, SKEW = np.eye(2), np.array([[2.0, 0.5], [0.5, 1.0]])
OPERATORS = {
    "screened": (PLAIN, (0, 0), 64),
    "waves": (PLAIN, (0, 0), -50),
    "Laplace": (PLAIN, (0, 0), 0),
    "drift": (PLAIN, (3, -4), 0),
    "waves with drift, skew": (SKEW, (1, 2), -30),
    "Laplace, skew": (SKEW, (0, 0), 0),
}
HOLE = HoleFeatures("hole", (0.1, -0.2), 0.3, gap=0.6)
BOX = np.array([[-1.0, 1.0], [-1.0, 1.0]])
VALUE = (((), 1.0),)


def operator(name):
    second, first, zeroth = OPERATORS[name]
    return Operator.of(second, np.array(first, dtype=float), float(zeroth))


def corner(angle, **change):
    towards = (math.cos(angle / 2), math.sin(angle / 2))  # one side along the x axis
    return CornerFeatures("corner", (-1.0, -1.0), angle, towards, 2.83, **change)


def families(of):
    yield around(of, HOLE)
    yield from_the_middle(of, BOX)
    for angle in (np.pi / 2, 2.2):
        at = corner(angle)
        yield into(of, at, at.exponents(8), neumann=False)
    if of.is_laplacian_like:
        at = corner(1.5 * np.pi)
        yield into(of, at, at.exponents(8), neumann=True)
        yield into(of, at, at.exponents(8, mixed=True), neumann=False)


def points(count=60):
    found = np.random.default_rng(0).uniform(-0.99, 0.99, (count, 2))
    return found[np.hypot(*(found - HOLE.place).T) > HOLE.radius]


@pytest.mark.parametrize("name", OPERATORS)
def test_each_satisfies_the_equation_and_knows_its_derivatives(name):
    of, at, h = operator(name), points(20), 1e-3
    terms = [((i, j), -of.second[i][j]) for i in (0, 1) for j in (0, 1)]
    terms += [((i,), of.first[i]) for i in (0, 1)] + [((), of.zeroth)]
    eighths = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # central differences of eighth order
    for family in families(of):
        values = family.at(at)
        moved = {(k, j): family.at(at + j * h * np.eye(2)[k]) for k in (0, 1) for j in range(-4, 5) if j}
        for column in range(0, len(family.columns), 1 if family.what == "corner" else 9):
            size = sum(np.abs(values.applied(column, [term])) for term in terms) + 1e-300
            assert np.abs(values.applied(column, terms) / size).max() < 1e-12
            for by, k in (((0,), 0), ((1,), 1), ((0, 1), 0), ((1, 1), 1)):
                below = [(by[1:] if by != (0, 1) else (1,), 1.0)]
                slope = sum(c * (moved[k, j].applied(column, below) - moved[k, -j].applied(column, below)) / h
                            for j, c in enumerate(eighths, 1))  # fmt: skip
                exact = values.applied(column, [(by, 1.0)])
                assert np.abs(slope - exact).max() < 1e-6 * np.abs(exact).max() + 1e-9


@pytest.mark.parametrize("name", OPERATORS)
def test_none_is_a_sum_of_others(name):
    for family in (around(operator(name), HOLE), from_the_middle(operator(name), BOX)):
        angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
        radius = HOLE.radius if family.what == "around" else 1.4
        ring = np.array(family.place) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        few = [k for k, digits in enumerate(family.digits) if digits <= 3]
        columns = np.stack([family.at(ring).applied(k, VALUE) for k in few], axis=1)
        assert np.isfinite(columns).all()
        assert np.linalg.cond(columns / np.linalg.norm(columns, axis=0)) < 1e6


@pytest.mark.parametrize("name", OPERATORS)
def test_those_of_a_corner_vanish_on_both_sides(name):
    angle = 2.2
    at = corner(angle)
    family = into(operator(name), at, at.exponents(8), neumann=False)
    r = np.linspace(0.01, 1, 20)[:, None]
    for side in ((1.0, 0.0), (math.cos(angle), math.sin(angle))):
        values = family.at(np.array(at.place) + r * side)
        inside = family.at(np.array(at.place) + r * (math.cos(0.37), math.sin(0.37)))
        for k in range(len(family.columns)):
            assert np.abs(values.applied(k, VALUE)).max() < 1e-7 * np.abs(inside.applied(k, VALUE)).max()


def test_corners_that_a_family_would_not_fit_have_none():
    at = corner(1.5 * np.pi)
    assert into(operator("Laplace, skew"), at, at.exponents(8), neumann=False) is None
    assert into(operator("drift"), corner(1.0), [np.pi], neumann=True) is None
    assert into(operator("screened"), corner(1.5 * np.pi, depth=0.5), [2 / 3], neumann=False) is None


def test_higher_orders_are_felt_from_more_digits_on():
    near, far = (around(operator("screened"), HoleFeatures("hole", (0.0, 0.0), 0.2, gap=gap)) for gap in (0.1, 0.6))
    assert sum(d <= 5 for d in near.digits) > 2 * sum(d <= 5 for d in far.digits)
    assert list(near.digits) == sorted(near.digits)


SQUARE = {
    "kind": "difference",
    "of": {"kind": "box", "low": [-1, -1], "high": [1, 1]},
    "less": [{"kind": "disk", "centre": [0.4, 0.3], "radius": 0.3}],
}


def problem(equation="-laplacian(u) + 9*u = x", **change):
    data = {"kind": "equation", "domain": SQUARE, "fields": ["u"], "equations": [equation],
            "conditions": [{"on": "boundary", "that": "u = 0"}]}  # fmt: skip
    return Equation.model_validate(data | change)


@pytest.mark.parametrize(
    ("equation", "found"),
    [
        ("-laplacian(u) + 9*u = x", Operator(((1, 0), (0, 1)), (0, 0), 9)),
        ("k*laplacian(u) = u*k^2 + u_x", Operator(((1, 0), (0, 1)), (0.5, 0), 2)),
        ("u_xx + 4*u_yy + 2*u_xy + 2*u = 0", Operator.of(np.array([[-1, -1], [-1, -4]]), np.zeros(2), 2)),
        ("laplacian(u) = u*x", None),
        ("laplacian(u) = u^2", None),
        ("u_xx - u_yy = 1", None),
        ("laplacian(laplacian(u)) = 1", None),
    ],
)
def test_an_operator_is_read_off_the_equation(equation, found):
    conditions = [{"on": "boundary", "that": "u = 0"}]
    conditions += [{"on": "boundary", "that": "dn(u) = 0"}] * ("laplacian(lap" in equation)
    of = problem(equation, parameters={"k": 2.0} if "k" in equation else {}, conditions=conditions)
    read = operator_of(of.system, "u")
    assert (read is None) == (found is None)
    if found:
        assert np.allclose(read.second, found.second) and np.allclose(read.first, found.first)
        assert read.zeroth == pytest.approx(found.zeroth)


def test_stages_read_them_where_digits_are_asked_for():
    of = problem()
    plain, exact = Local().asked(of.functions), Local(digits=5).asked(of.functions)
    assert all(each.digits is None for each in plain) and all(each.digits is not None for each in exact)
    assert len(Local(digits=8).asked(of.functions)) > len(exact) > len(plain)
    varying = problem("laplacian(u) = u*x")
    assert Local(digits=5).asked(varying.functions) == Local().asked(varying.functions)


def test_as_jets_they_are_what_the_family_says_and_made_once():
    of = problem()
    x = coordinates(torch.tensor(points(20)), Solution(of, None).layout, constant=True)
    found = of.features(x, None)
    place = Local(digits=5).asked(of.functions)[3].place
    jet = found[place]
    assert isinstance(jet, Jet) and torch.isfinite(jet.data).all() and found[place] is found[place]
    (laplacian,) = of.forms
    left = 9 * jet.value - jet.form(laplacian) * (1 if of.forms[laplacian][0][2] > 0 else -1)
    assert left.abs().max() < 1e-12 * jet.value.abs().max() * 100


def test_an_operator_that_outruns_numbers_has_no_families():
    fast = problem(f"-laplacian(u) + {(FASTEST / 2) ** 2}*u = 1")
    assert all(each.digits is None for each in fast.functions)


def test_the_search_for_sigma_keeps_all_rows_of_conditions_which_alone_tell_them_apart(tmp_path):
    fourier = {"features": 150, "sigma": "search", "local": {"share": 0, "smooth": 0, "order": 8, "digits": 6}}
    stage = {"fourier": fourier, "iterations": 1, "collocation": {"points": 1700, "sampler": "chebyshev"},
             "optimizer": {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32}}  # fmt: skip
    said = []
    train(parse_config({"problem": problem(), "stages": [stage]}), tmp_path / "run", say=said.append)
    left = [float(line.split("leaves ")[1].split(" ")[0]) for line in said if "one step leaves" in line]
    assert min(left[:5]) < 1e-9  # by a third of the features at a third of the points: 2e-8 at a third of the rows
