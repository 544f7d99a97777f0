"""What is said of a typed system before it is launched, and what it is divided by: true, and neither more nor less."""

import numpy as np
import pytest
import torch

from core.config import MLP
from core.equations.examination import examined
from core.equations.faults import EquationError
from core.equations.system import System
from core.equations.tree import Number
from core.equations.typed_system import SystemText
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.problems.equation import Equation

WALLS = (("boundary", "u = 0"),)
SOLITONS = (
    "2*diff(log(1 + exp(x - (t - 2)) + exp(1.5*x - 1.5^3*(t - 2)) + (1/5)^2*exp(2.5*x - (1 + 1.5^3)*(t - 2))), x, 2)"
)


def refused(typed, **options):
    with pytest.raises(EquationError) as caught:
        examined(typed, **options)
    return " | ".join(fault.sentence for fault in caught.value.faults)


def warned(typed, **options):
    return " | ".join(fault.sentence for fault in examined(typed, **options).warnings)


def system(equation, **options) -> System:
    return examined(SystemText({"x": (0, 1)}, ("u",), (equation,), WALLS), **options).system


@pytest.mark.parametrize(
    "divisor",
    ["x", "(x - 0.3)", "sin(pi*x)", "(cosh(x) - 1)", "(1 - cos(2*pi*x))", "(x*exp(30*x))"],
)
def test_what_is_zero_somewhere_is_warned_of(divisor):
    assert "divides by" in warned(SystemText({"x": (0, 1)}, ("u",), (f"u_xx/{divisor} = 1",), WALLS))


@pytest.mark.parametrize("divisor", ["(1 + exp(60*x))", "exp(-60*x)", "(1 + x)", "(x^2 + 1e-3)"])
def test_what_is_small_beside_its_largest_value_is_not_zero(divisor):
    assert not warned(SystemText({"x": (0, 1)}, ("u",), (f"u_xx/{divisor} = 1",), WALLS))


def test_a_chosen_solution_that_is_one_already_gets_no_source():
    kdv = SystemText({"x": (-10, 10), "t": (0, 4)}, ("u",), ("u_t + 6*u*u_x + u_xxx = 0",), time="t",
                     exact={"u": SOLITONS})  # fmt: skip
    found = examined(kdv, make_sources=True)
    assert found.system.sources == (Number(0),)
    assert not found.warnings
    tiny = SystemText({"x": (0, 1)}, ("u",), ("u_xx = 0",), exact={"u": "x + 1e-11*sin(pi*x)"})
    assert examined(tiny, make_sources=True).system.sources != (Number(0),)


def test_parts_of_a_source_that_cancel_do_not_make_an_equation_small():
    problem = Equation(
        coordinates={"x": (0, 1)},
        equations=["u_xx = (1e9 + sin(pi*x))^2/1e9 - (1e9 + 2*sin(pi*x))"],
        conditions=[{"on": "boundary", "that": "u = 0"}],
    )
    (size,) = problem.compiled.sets["interior"].program.sizes
    assert np.isclose(size, 1, atol=1)


LINE = {"x": (-1, 1)}
BAR = {"x": (-1, 1), "t": (0, 1)}
SQUARE = {"x": (0, 1), "y": (0, 1)}


def heat(*conditions, equation="u_t = u_xx"):
    return SystemText(BAR, ("u",), (equation,), conditions, "t")


@pytest.mark.parametrize(
    "typed, line",
    [
        (heat(("periodic in x", ""), ("t = 0", "u = x")), "u is -1 at x = -1, t = 0 and 1 at x = 1, t = 0"),
        (heat(("x = 0", "u even"), ("x = 1", "u = 0"), ("t = 0", "u = 1 - x")), "values that are even in x"),
        (heat(("x = 0", "u odd"), ("x = 1", "u = 1"), ("t = 0", "u = x^2")), "values that are odd in x"),
        (heat(("x = 0", "u even"), ("boundary", "u = x"), ("t = 0", "u = 0")), "and it is mirrored in x"),
        (heat(("periodic in x", ""), ("boundary", "u = x"), ("t = 0", "u = 0")), "and it is periodic in x"),
        (heat(("x = 0.2", "u even"), ("x = 1", "u = 0"), ("t = 0", "u = 0")), "neither the middle of x from -1 to 1"),
        (heat(("x = 0", "u even; u odd"), ("boundary", "u = 0"), ("t = 0", "u = 0")), "u even and odd"),
        (SystemText(SQUARE, ("u",), ("laplacian(u) = 0",), (("x = 0", "u odd"), ("x = 1", "u = 0"), ("y = 0", "u = 1"),
                                                             ("y = 1", "u = 0"))), "u is 0 by condition 1"),
        (SystemText(SQUARE, ("u", "v"), ("laplacian(u) = v", "laplacian(v) = u"),
                    (("boundary", "u + v = 1; u = 0"), ("x = 0", "v = 2"))), "it is off by 1 at x = 0"),
        (SystemText(LINE, ("u",), ("u_xx = 0",), (("x = 1", "u = 1; u_x = 1; dn(u) + u = 3"), ("x = -1", "u = 0"))),
         "it is off by 1 at x = 1 with condition 1"),
        (SystemText(LINE, ("u", "v"), ("u_xx = v", "v_xx = u"), (("x = 0", "u even"), ("boundary", "u = 0; v = 0"))),
         "nothing said of v"),
    ],
)  # fmt: skip
def test_what_contradicts_a_symmetry_or_what_others_say_is_refused(typed, line):
    assert line in refused(typed)


def test_slopes_on_the_whole_boundary_are_held_against_values_at_their_corners():
    typed = SystemText(SQUARE, ("u",), ("laplacian(u) = 0",), (("boundary", "dn(u) = 1"), ("x = 0", "u = 0")))
    assert "u_y is 0 by condition 2 (x = 0) and -1 by condition 1 (y = 0)" in warned(typed)


@pytest.mark.parametrize("equation", ["u_t = u_xx + x", "u_t = x*u_xx"])
def test_an_equation_that_is_another_at_the_other_end_is_warned_of(equation):
    periodic = heat(("periodic in x", ""), ("t = 0", "u = cos(pi*x)"), equation=equation)
    assert "not the same at both ends of x" in warned(periodic)
    assert not warned(heat(("periodic in x", ""), ("t = 0", "u = cos(pi*x)"), equation="u_t + u*u_x = u_xx"))


@pytest.mark.parametrize(
    "kind, further, conditions",
    [
        ("even", "", [("x = 1", "u = y^2"), ("y = 0", "u = 1 - x^2"), ("y = 1", "u = 1")]),
        ("odd", "", [("x = 1", "u = y^2"), ("y = 0", "u = x - x^3"), ("y = 1", "u = x")]),
        ("even", "periodic in x", [("y = 0", "u = cos(pi*x)"), ("y = 1", "u = 0")]),
        ("odd", "periodic in x", [("y = 0", "u = sin(pi*x)"), ("y = 1", "u = 0")]),
    ],
)
def test_a_field_mirrored_about_the_middle_is_so_whatever_the_network_says(kind, further, conditions):
    given = [("x = 0", f"u {kind}"), *conditions, *([(further, "")] if further else [])]
    problem = Equation(
        coordinates={"x": (-1, 1), "y": (0, 1)},
        equations=["laplacian(u) = 0"],
        conditions=[{"on": on, "that": that} for on, that in given],
    )
    network = mlp(MLP(hidden=(6,)), problem.inputs, 1, torch.Generator().manual_seed(0))
    solution = Solution(problem, None)
    solution.add(Term(network, 1.0))
    points = np.random.default_rng(0).random((20, 2)) * [1, 1]
    here, there = (solution.evaluate(points * [side, 1])["u"] for side in (1, -1))
    assert np.allclose(here, there if kind == "even" else -there, atol=1e-13)
    if not further:
        at_end = solution.evaluate(np.array([[-1.0, 0.5]]))["u"]
        assert np.allclose(at_end, 0.25 if kind == "even" else -0.25)
