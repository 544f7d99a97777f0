"""The problem kind `equation`: texts to an ansatz, rows, sizes and operators; faults where they were typed."""

import json

import numpy as np
import pytest
import torch

from core.config import MLP, parse_config
from core.datasets.mapping import guess
from core.datasets.tables.table import Table
from core.errors import ConfigError
from core.forms import Layout
from core.jets import Jet, coordinates
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.problems import CATALOGUE
from core.problems.equation import EXAMPLE, Equation
from core.problems.heat2d import Heat2D
from core.problems.typed.interpolant import bounded_hermite
from core.problems.wave import Wave

HEAT2D = {
    "coordinates": {"x": [0, 1], "y": [0, 1], "t": [0, 1]},
    "time": "t",
    "fields": ["u"],
    "equations": ["u_t = 0.1*laplacian(u)"],
    "conditions": [{"on": "t = 0", "that": "u = sin(pi*x)*sin(pi*y)"}, {"on": "boundary", "that": "u = 0"}],
    "exact": {"u": "sin(pi*x)*sin(pi*y)*exp(-0.2*pi^2*t)"},
}
WAVE = {
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "fields": ["u"],
    "equations": ["u_tt = 4*u_xx"],
    "conditions": [
        {"on": "t = 0", "that": "u = sin(pi*x) + sin(4*pi*x)/2; u_t = 0"},
        {"on": "boundary", "that": "u = 0"},
    ],
    "exact": {"u": "sin(pi*x)*cos(2*pi*t) + sin(4*pi*x)*cos(8*pi*t)/2"},
}
PLATE = {
    "coordinates": {"x": [0, 2], "y": [-1, 1]},
    "fields": ["u"],
    "equations": ["laplacian(laplacian(u)) = 0"],
    "exact": {"u": "sin(x)*exp(x*y)"},
    "manufactured": True,
}
BURGERS = {
    "coordinates": {"x": [0, "2*pi"], "t": [0, 1]},
    "time": "t",
    "fields": ["u"],
    "parameters": {"nu": 0.1},
    "equations": ["u_t + u*u_x - nu*u_xx = 0"],
    "conditions": [{"on": "t = 0", "that": "u = sin(x)"}, {"on": "boundary", "that": "u = 0"}],
}
ROBIN = {
    "coordinates": {"x": [0, 1], "y": [0, 1]},
    "fields": ["u"],
    "equations": ["laplacian(u) = 0"],
    "conditions": [
        {"on": "x = 0", "that": "u = y"},
        {"on": "x = 1", "that": "dn(u) + 2*u = 2*y + 1"},
        {"on": "y = 0; y = 1", "that": "u^3 = y^3"},
    ],
}
ALL = {"heat": EXAMPLE, "heat2d": HEAT2D, "wave": WAVE, "plate": PLATE, "burgers": BURGERS, "robin": ROBIN}


def random_solution(problem, stages=1):
    solution = Solution(problem, problem.lambda_start())
    generator = torch.Generator().manual_seed(3)
    for _ in range(stages):
        solution.add(Term(mlp(MLP(hidden=(7,)), problem.inputs, problem.outputs, generator), 1.0))
    return solution


def at_exact(problem, points, name="interior"):
    """The residuals at the exact solution, whose jet is made of its symbolic derivatives."""
    from core.equations.calculus import derivatives
    from core.equations.evaluation import Program
    from core.equations.tree import Coordinate, Parameter

    system = problem.system
    x = coordinates(torch.as_tensor(points), Layout.of(len(problem.coordinates), problem.forms))
    values = {Coordinate(each): jet.value for each, jet in zip(problem.coordinates, x, strict=True)}
    values |= {Parameter(each): value for each, value in system.frame.parameters.items()}

    def jet_of(node):
        def derivative(by):
            (value,) = Program([derivatives(node, [problem.coordinates[i] for i in by])])(values, "torch")
            return value if torch.is_tensor(value) else torch.full_like(x[0].value, value)

        return Jet.of(x[0].layout, derivative)

    u = {each: jet_of(system.exact[each]) for each in problem.fields}
    return problem.residuals(name, u, x, None)


def inside(problem, n=50):
    return problem.collocation(np.random.default_rng(1).random((n, len(problem.coordinates))))


@pytest.mark.parametrize("name", ["heat", "heat2d", "wave", "plate"])
def test_the_exact_solution_leaves_nothing(name):
    problem = Equation(**ALL[name])
    for name, points in inside(problem).items():
        for row in at_exact(problem, points, name).values():
            assert row.abs().max() < 1e-12


@pytest.mark.parametrize("name", ["heat", "heat2d", "wave", "plate", "burgers"])
def test_the_ansatz_meets_values_and_slopes_at_the_sides_whatever_the_network_says(name):
    problem = Equation(**ALL[name])
    solution = random_solution(problem)
    frame = problem.system.frame
    assert not problem.compiled.met.rows
    for i, coordinate in enumerate(problem.coordinates):
        for value in frame.domain[coordinate][: 1 if coordinate == problem.time else 2]:
            points = inside(problem)["interior"].copy()
            points[:, i] = value
            fields, slopes = solution.gradients(points)
            if name == "burgers":
                wanted = np.sin(points[:, 0]) if coordinate == "t" else 0 * points[:, 0]
            else:
                wanted = problem.exact(points)["u"]
            np.testing.assert_allclose(fields["u"], wanted, atol=1e-13)
            if (name, coordinate) == ("wave", "t"):
                np.testing.assert_allclose(slopes["u"][:, 1], 0, atol=1e-13)
            if name == "plate":
                x, y = points.T
                by_x = np.exp(x * y) * (np.cos(x) + y * np.sin(x))
                np.testing.assert_allclose(slopes["u"][:, 0], by_x, atol=1e-12)
                np.testing.assert_allclose(slopes["u"][:, 1], x * np.sin(x) * np.exp(x * y), atol=1e-12)


def test_what_no_ansatz_meets_gets_rows_of_its_own_and_both_are_said():
    problem = Equation(**ROBIN)
    sets = inside(problem, 200)
    assert {tuple(np.ptp(points, axis=0) == 0) for name, points in sets.items() if name != "interior"} == {
        (True, False),
        (False, True),
    }
    assert len(problem.residual_names) == 4
    hard, *rows = problem.how_conditions_are_met
    assert "x = 0" in hard
    assert "ansatz" in hard
    assert len(rows) == 3
    assert all("rows of their own" in row for row in rows)
    assert not problem.linear


def test_a_laplacian_is_one_operator_of_the_jet():
    assert list(Equation(**HEAT2D).forms.values()) == [((0, 0, 1.0), (1, 1, 1.0))]
    assert len(Equation(**WAVE).forms) == 1
    assert len(Equation(**PLATE).forms) == 1
    assert len(Equation(**BURGERS).forms) == 1
    nonlinear = dict(HEAT2D, equations=["u_t = u_xx*u_yy"], exact={})
    assert len(Equation(**nonlinear).forms) == 2


@pytest.mark.parametrize("typed, own", [(HEAT2D, Heat2D()), (WAVE, Wave())])
def test_typed_problems_are_those_of_the_catalogue(typed, own):
    problem = Equation(**typed)
    points = inside(problem)["interior"]
    np.testing.assert_allclose(problem.exact(points)["u"], own.exact(points)["u"], atol=1e-14)
    assert (problem.linear, problem.time, problem.coordinates, problem.pde_order) == (True, "t", own.coordinates, 2)
    mine = random_solution(problem).evaluate(points)["residual_equation"]
    (name,) = own.residual_names
    theirs = random_solution(own).evaluate(points)[f"residual_{name}"]
    ratio = mine / theirs
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
    assert 0.1 < abs(ratio[0]) < 10  # the size of the equation's terms


def test_periodic_coordinates_are_read_as_cosine_and_sine():
    data = dict(BURGERS, conditions=[BURGERS["conditions"][0], {"on": "periodic in x", "that": "u"}])
    problem = Equation(**data)
    assert problem.inputs == 3
    points = inside(problem)["interior"]
    there = points + np.array([2 * np.pi, 0])
    solution = random_solution(problem)
    a, b = (solution.evaluate(each) for each in (points, there))
    np.testing.assert_allclose(a["u"], b["u"], atol=1e-12)
    assert any("Periodic in x" in line for line in problem.how_conditions_are_met)


def test_the_order_of_coordinates_is_no_matter_of_how_they_were_written():
    first = parse_config({"problem": {"kind": "equation", **HEAT2D}})
    again = parse_config(json.loads(first.canonical_json()))
    assert again == first
    assert (again.hash, again.problem.coordinates) == (first.hash, ("x", "y", "t"))
    assert hash(again) == hash(first)


def test_an_unknown_number_is_the_problems_lambda():
    data = dict(BURGERS, parameters={}, unknowns={"nu": {"start": 0.3, "low": 0}}, equations=BURGERS["equations"])
    problem = Equation(**data)
    assert (problem.has_lambda, problem.lambda_start(), problem.unknown) == (True, 0.3, "nu")
    assert problem.lambda_range == (0, np.inf)
    assert Equation(**(data | {"unknowns": {"nu": 0.3}})).lambda_start() == 0.3


@pytest.mark.parametrize(
    "change, lines",
    [
        ({"equations": ["u_t + u*u_y = 0"]}, ["problem.equations.0: ", "at character 9"]),
        ({"equations": ["u_t = u_xx", "u_xxxxx = 1"]}, ["problem.equations.1: ", "order 5"]),
        ({"conditions": [{"on": "t = 7", "that": "u = 0"}]}, ["problem.conditions.0.on: ", "outside"]),
        ({"conditions": [{"on": "t = 0", "that": "u = w"}]}, ["problem.conditions.0.that: ", "'w'"]),
        ({"conditions": [{"on": "t = 0", "that": "u = sin(x)"}]}, ["problem.fields.0: ", "x = 0"]),
        ({"exact": {"u": "x"}}, ["problem.equations.0: ", "off by"]),
        ({"parameters": {"nu": "a"}}, ["problem.parameters.nu: ", "'a'"]),
        ({"parameters": {"nu": True}}, ["problem.parameters.nu: True is not allowed"]),
        ({"coordinates": {"x": [1, 0], "t": [0, 1]}}, ["problem.coordinates.x: ", "below the upper"]),
        ({"coordinates": {}}, ["problem.coordinates: has 0 entries"]),
        ({"unknowns": dict.fromkeys("abcdefghi", 1)}, ["problem.unknowns: has 9 entries"]),
        ({"fields": ["u", "sin"]}, ["problem.fields.1: ", "meaning of its own"]),
        ({"equations": ["(" * 1000 + "u" + ")" * 1000]}, ["problem.equations.0: ", "nested"]),
    ],
)
def test_faults_are_said_where_they_were_typed(change, lines):
    with pytest.raises(ConfigError) as raised:
        parse_config({"problem": {"kind": "equation", **BURGERS, **change}})
    for line in lines:
        assert line in raised.value.problems[0]


def test_part_of_an_equation_is_not_filled_up_from_the_example():
    with pytest.raises(ConfigError, match=r"problem\.coordinates: is missing"):
        parse_config({"problem": {"kind": "equation", "equations": ["u_x = 0"]}})


def test_the_class_says_only_what_is_true_of_every_typed_problem():
    assert Equation in CATALOGUE
    assert (Equation.coordinates, Equation.fields, Equation.residual_names, Equation.has_lambda) == ((), (), (), False)


DARCY = {
    "coordinates": {"x": [0, 1], "y": [0, 1]},
    "fields": ["u", "a(x)"],
    "equations": ["div(a*grad(u)) = -1"],
    "conditions": [{"on": "boundary", "that": "u = 0"}],
    "coefficients": ["a"],
    "dataset": "darcy.csv",
}


def test_a_coefficient_is_a_field_without_a_column_that_depends_on_its_coordinates_alone():
    problem = Equation(**DARCY)
    assert problem.measured == ("u",)
    assert problem.row_names == ("equation", "constant_1", "data_u")
    table = {name: np.linspace(0.1, 0.9, 5) for name in ("x", "y", "u")}
    samples = problem.samples_in(table)
    assert list(samples.values) == ["u"]
    assert samples.points.shape == (5, 2)


def test_without_a_dataset_nothing_is_learned_from_one():
    problem = Equation(**BURGERS)
    assert (problem.uses_data, problem.measured, problem.samples()) == (False, (), None)
    assert "dataset" not in problem.model_dump()
    lacking = {key: value for key, value in DARCY.items() if key not in ("coefficients", "dataset")}
    with pytest.raises(ConfigError, match="1 equation for 2 fields"):
        parse_config({"problem": {"kind": "equation", **lacking}})


def test_columns_that_fit_no_problem_are_not_taken_for_a_typed_one():
    assert guess(Table({"p_17": np.zeros(3), "q": np.ones(3)})).title == ""


def test_a_solution_is_a_start_only_where_its_networks_can_be_read():
    heat = Equation(**HEAT2D)
    assert heat.continues(Equation(**dict(HEAT2D, equations=["u_t = 0.2*laplacian(u)"], exact={})))
    assert not heat.continues(Equation(**dict(HEAT2D, equations=["u_t = u_xx + 2*u_yy"], exact={})))
    assert not heat.continues(Equation(**WAVE))
    assert not heat.continues(Heat2D())


def test_an_initial_velocity_is_met_and_fades():
    conditions = [{"on": "t = 1", "that": "u = 0; u_t = 3*sin(pi*x)"}, {"on": "boundary", "that": "u = 0"}]
    limits = {"x": [0, 1], "t": [1, 9]}
    problem = Equation(**dict(WAVE, coordinates=limits, conditions=conditions, exact={}))
    points = inside(problem)["interior"]
    points[:, 1] = 1
    fields, slopes = random_solution(problem).gradients(points)
    np.testing.assert_allclose(fields["u"], 0, atol=1e-13)
    np.testing.assert_allclose(slopes["u"][:, 1], 3 * np.sin(np.pi * points[:, 0]), atol=1e-12)
    start = Solution(problem, None).evaluate(inside(problem, 500)["interior"])["u"]
    assert np.abs(start).max() < 4


def test_polynomials_of_the_ends_are_hermites():
    for low, high in [(1, 1), (2, 2), (1, 0), (0, 2), (3, 1)]:
        for k, coefficients in enumerate(bounded_hermite(low, high)):
            p = np.polynomial.Polynomial([float(c) for c in coefficients])
            given = [p.deriv(j)(0) for j in range(low)] + [p.deriv(j)(1) for j in range(high)]
            np.testing.assert_allclose(given, np.eye(low + high)[k], atol=1e-12)


def test_what_stands_in_a_sign_or_a_choice_stays_apart():
    for equation in ("u_xx + u_yy + sign(u_xx) = 1", "laplacian(u) = where(u_xx > 0, 1, 2)"):
        problem = Equation(
            coordinates={"x": (0, 1), "y": (0, 1)},
            fields=("u",),
            equations=(equation,),
            conditions=({"on": "boundary", "that": "u = 0"},),
        )
        assert len(problem.forms) == 2, equation
