"""Nonlinear equations and conditions that no real value meets are refused, and no others."""

import pytest

from core.equations.examination import examined
from core.equations.faults import EquationError
from core.equations.typed_system import SystemText


def system(condition="u = 1", equation="u_xx = 1"):
    conditions = (("x = 0", condition), ("x = 1", "u = 0"))
    return SystemText({"x": (0, 1)}, ("u",), (equation,), conditions, parameters={"k": 2})


@pytest.mark.parametrize(
    ("condition", "least"),
    [
        ("u^2 = -1", "1"),
        ("u^2 + u = -1", "0.75"),
        ("u_x^2 = -k", "2"),
        ("sin(u) = 2", "1"),
        ("exp(u) = -1", "1"),
        ("abs(u) = -3", "3"),
        ("sqrt(u) = -1", "1"),
        ("u^2*u_x^0 + 1e-3 = 0", "0.001"),
    ],
)
def test_a_condition_that_nothing_meets_is_refused_where_it_was_typed(condition, least):
    with pytest.raises(
        EquationError, match=f"condition 1: it holds for no real value of .* at least {least}$"
    ) as error:
        examined(system(condition))
    assert error.value.faults[0].text == condition


@pytest.mark.parametrize("equation", ["u_x^2 = -1", "exp(u_xx) + x^2 = 0.5 - 1", "u^2 + 1 = x/2"])
def test_so_is_an_equation(equation):
    with pytest.raises(EquationError, match="equation 1: it holds for no real value of"):
        examined(system(equation=equation))


@pytest.mark.parametrize(
    "condition",
    [
        "u^2 = 4",
        "(u - 1)^2 = 0",
        "u^3 = 5",
        "sin(u) = 1",
        "exp(u) = 0.1",
        "u_x = -u^4",
        "u_x + u^2 = -1",
        "exp(u) = 1e-8",
    ],
)
def test_what_some_value_meets_is_taken(condition):
    examined(system(condition))


def test_that_no_value_meets_it_somewhere_is_enough():
    typed = SystemText(
        {"x": (0, 1), "y": (0, 1)},
        ("u",),
        ("laplacian(u) = 0",),
        (("y = 0", "u^2 = x - 0.5"), ("y = 1", "u = 0"), ("x = 0; x = 1", "u = 0")),
    )
    with pytest.raises(EquationError, match=r"holds for no real value of u at x = "):
        examined(typed)
