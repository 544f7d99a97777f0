"""Corners of a box at which values and equation contradict each other are said, with what to type instead."""

import pytest

from core.equations.examination import examined
from core.equations.typed_system import SystemText

ZERO = (("boundary", "u = 0"),)
SQUARE = {"x": (-1, 1), "y": (0, 2)}


def warnings(equation, conditions=ZERO, coordinates=SQUARE, time=None):
    found = examined(SystemText(coordinates, ("u",), (equation,), conditions, time=time)).warnings
    return [fault.sentence for fault in found if "singular" in fault.sentence]


@pytest.mark.parametrize(
    ("equation", "conditions"),
    [
        ("-laplacian(u) = 1", ZERO),
        ("-laplacian(u) = x + 2", (("boundary", "u = x*y"),)),
        ("laplacian(u) + u_x = exp(x)", ZERO),
        ("-laplacian(u) = 1 + u^2", ZERO),
        ("-laplacian(u) = 0", (("x = -1; x = 1", "u = y^2"), ("y = 0", "u = 0"), ("y = 2", "u = 4"))),
    ],
)
def test_a_singular_corner_is_said_with_what_follows_it(equation, conditions):
    (said,) = warnings(equation, conditions)
    assert "so the solution is singular there" in said
    assert said.endswith("expected corners: functions, with which the box's corners have functions of their own")


@pytest.mark.parametrize(
    ("equation", "conditions"),
    [
        ("-laplacian(u) = sin(pi*x)*sin(pi*y)", ZERO),
        ("-laplacian(u) = -4", (("boundary", "u = x^2 + y^2"),)),
        ("laplacian(u) = 0", (("boundary", "u = exp(x)*cos(y)"),)),
        ("u_xx + u_yy + u_xy = 1", ZERO),  # u_xy is not known there
        ("-laplacian(u) = 1", (("x = -1; x = 1", "u_x = 0"), ("y = 0; y = 2", "u = 0"))),
    ],
)
def test_smooth_corners_are_not_said(equation, conditions):
    assert warnings(equation, conditions) == []


def test_a_corner_that_is_singular_at_all_times():
    square = SQUARE | {"t": (0, 1)}
    start = (("t = 0", "u = 0"), *ZERO)
    assert len(warnings("u_t = laplacian(u) + 1", start, square, "t")) == 1
    assert warnings("u_t = laplacian(u)", start, square, "t") == []
