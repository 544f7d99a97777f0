"""What is said of a typed system before it is launched, and what it is divided by: true, and neither more nor less."""

import numpy as np
import pytest

from core.equations.examination import examined
from core.equations.faults import EquationError
from core.equations.system import System
from core.equations.tree import Number
from core.equations.typed_system import SystemText
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
    ["x", "(x - 0.3)", "sin(pi*x)", "(cosh(x) - 1)", "(1 - cos(2*pi*x))", "(x*exp(30*x))", "(1 - tanh(60*x))"],
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
    (size,) = problem.compiled.sets["interior"].program._sizes
    assert np.isclose(size, 1, atol=1)
