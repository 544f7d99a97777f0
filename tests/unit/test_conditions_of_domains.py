"""Conditions on boundaries with names: which contradict each other, which are enough, which are said twice."""

import pytest

from core.equations.examination import examined
from core.equations.faults import EquationError
from core.equations.typed_system import SystemText
from core.problems.equation import Equation

RING = "disk((0, 0), 1) - disk((0, 0), 0.3)"


def problem(*conditions, **change):
    data = {"kind": "equation", "domain": RING, "fields": ["u"], "equations": ["laplacian(u) = 0"],
            "conditions": [{"on": on, "that": that} for on, that in conditions]}  # fmt: skip
    return Equation.model_validate(data | change)


TWO = {"fields": ["u", "v"], "equations": ["laplacian(u) = 0", "laplacian(v) = 0"]}


@pytest.mark.parametrize(
    "conditions, change",
    [
        ([("outer", "u = 0"), ("hole 1", "u^2 = 4")], {}),
        ([("outer", "u = 0"), ("hole 1", "u + v = 1"), ("outer", "v = 0"), ("hole 1", "u - v = 1")], TWO),
        ([("boundary", "u = x"), ("outer", "u = x*(x^2 + y^2)"), ("hole 1", "u = x")], {}),
        ([("outer", "u = 2*(x^2 + y^2)"), ("outer; hole 1", "u = 2*(x^2 + y^2)")], {}),
        ([("hole 1", "u = 3"), ("boundary", "u = 3 + (x^2+y^2-0.09)*y"), ("outer", "u = 3 + 0.91*y")], {}),
    ],
)
def test_what_holds_on_one_boundary_is_not_held_against_another(conditions, change):
    assert problem(*conditions, **change)


@pytest.mark.parametrize(
    "conditions, change, said",
    [
        ([("boundary", "u = 0"), ("hole 1", "u^2 = 4")], {}, "it is off by 4"),
        ([("outer", "u = 1"), ("outer", "u^2 = 4"), ("hole 1", "u = 0")], {}, "it is off by 3"),
        ([("outer", "u = 0"), ("boundary", "u = 1")], {}, "u is 0 by condition 1"),
        ([("hole 1", "u = 1"), ("boundary", "u = x^2 + y^2")], {}, "u is 1 by condition 1"),
        ([("boundary", "u + v = 1"), ("boundary", "u = 0"), ("outer; hole 1", "v = 0")], TWO, "it is off by 1"),
    ],
)
def test_what_contradicts_itself_on_one_boundary_is_refused(conditions, change, said):
    with pytest.raises(ValueError, match=said):
        problem(*conditions, **change)


@pytest.mark.parametrize(
    "conditions, lacking",
    [
        ([("boundary", "u = 0"), ("outer", "u = 0"), ("hole 1", "v = 0")], "v needs a condition at outer"),
        ([("boundary", "u = 0"), ("hole 1", "u = 0"), ("outer", "v = 0")], "v needs a condition at hole 1"),
        ([("boundary", "u = 0"), ("boundary", "2*u = 0")], "v needs a condition at outer"),
        ([("boundary", "u - v = 0")], "u and v need 2 conditions together at outer, have 1"),
        ([("boundary", "u = v"), ("outer; hole 1", "v - u = 0")], "need 2 conditions together at outer, have 1"),
    ],
)
def test_what_is_said_twice_of_one_field_is_no_condition_of_another(conditions, lacking):
    with pytest.raises(ValueError, match=lacking):
        problem(*conditions, **TWO)


BOX = {"domain": None, "coordinates": {"x": [0, 1], "y": [0, 1]}}


@pytest.mark.parametrize(
    "conditions, lacking",
    [
        ([("boundary", "u = 0"), ("x = 0", "u = 0"), ("boundary", "u = 0")], "v needs a condition at x = 0"),
        ([("boundary", "u = 0"), ("x = 0; x = 1; y = 0; y = 1", "u = 0")], "v needs a condition at y = 1"),
        ([("boundary", "u - v = 0")], "u and v need 2 conditions together at x = 0, have 1"),
    ],
)
def test_nor_in_a_box(conditions, lacking):
    with pytest.raises(ValueError, match=lacking):
        problem(*conditions, **TWO | BOX)


@pytest.mark.parametrize("change", [{}, BOX])
def test_two_conditions_of_one_field_still_stand_for_another_s(change):
    biharmonic = {"fields": ["psi", "w"], "equations": ["laplacian(psi) = w", "laplacian(w) = 0"]}
    assert problem(("boundary", "psi = 0"), ("boundary", "dn(psi) = 1"), **biharmonic | change)
    assert problem(("boundary", "psi + w = 0"), ("boundary", "psi - w = 0"), **biharmonic | change)


def test_a_refused_integral_says_where_it_was_asked_for():
    for on, place in (("outer", "outer"), ("boundary", "the whole boundary")):
        with pytest.raises(ValueError, match=f"over x on {place}"):
            problem(("boundary", "dn(u) = 0"), (on, "int(u, x) = 0"))
    text = SystemText({"x": (0, 1)}, ("u",), ("u_xx = 0",), (("x = 0", "int(u) = 0"), ("x = 1", "u = 0")))
    with pytest.raises(EquationError, match="at x = 0 nothing is left"):
        examined(text)
