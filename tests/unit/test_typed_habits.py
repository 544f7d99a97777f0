"""Texts as people type them who come from other notations, and slips: each is told how it is typed here."""

import pytest

from core.config import parse_config
from core.equations.examination import examined
from core.equations.faults import EquationError
from core.equations.latex_system import latex_of_system
from core.equations.names import Names
from core.equations.reading import read_equation
from core.equations.typed_system import SystemText
from core.errors import ConfigError
from core.problems.equation import Equation

NAMES = Names.of("xt", "u", ["k"], time="t")
ROD = {"x": (0, 1), "t": (0, 1)}
HELD = (("t = 0", "u = 0"), ("boundary", "u = 0"))


def warned(equation, *conditions, coordinates=ROD, **more):
    typed = SystemText(coordinates, ("u",), (equation,), conditions or HELD, "t", **more)
    return " | ".join(fault.sentence for fault in examined(typed).warnings)


def refused(equation="u_t = u_xx", *conditions, coordinates=ROD, **more):
    with pytest.raises(EquationError) as caught:
        examined(SystemText(coordinates, more.pop("fields", ("u",)), (equation,), conditions or HELD, "t", **more))
    return " | ".join(fault.sentence for fault in caught.value.faults)


@pytest.mark.parametrize(
    "text, advice",
    [
        ("u_t == u_xx", "'==' compares two values; expected one = between two sides"),
        ("u_t = sin x", "sin needs what it is of in brackets"),
        ("u_t = sin^2(x)", "and for a power sin(x)^2"),
        ("u_t = cos 3*x", "cos needs what it is of in brackets"),
        ("u_t = Δu", "expected laplacian(u)"),
        ("u_t = lap(u)", "expected laplacian(…)"),
        ("u_t = ∇²u", "type grad, div, curl or laplacian"),
        ("ut = uxx", "expected u_xx"),
        ("du/dt = u_xx", "a derivative typed as u_t, or diff(u, t)"),
        ("u_t = i*u_xx", "the real and the imaginary part as two"),
        ("u_t = arctan(u)", "expected atan(…)"),
        ("u_t = √u", "type sqrt(…)"),
        ("u_t = diff(u, x, 0)", "this is no number of derivatives at character 18; expected 1 to 4"),
        ("u_t = diff(u, x, -1)", "this is no number of derivatives"),
        ("u_t = inf", "expected a finite number"),
    ],
)
def test_other_notations_are_told_how_it_is_typed_here(text, advice):
    with pytest.raises(EquationError) as caught:
        read_equation(text, NAMES)
    assert advice in str(caught.value)


@pytest.mark.parametrize("place", ["x = 0, x = 1", "x = 0 or x = 1", "x = 0; x = 1", "x = 0 and x = 1"])
def test_places_are_parted_as_people_part_them(place):
    assert not warned("u_t = u_xx", ("t = 0", "u = 0;"), (place, "u = 0 ;"))
    latex_of_system(SystemText(ROD, ("u",), ("u_t = u_xx",), (("t = 0", "u = 0;"), (place, "u = 0;")), "t"))


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"fields": ("u", "u")}, "the field u is named twice"),
        ({"fields": ("u(x, t",)}, "a bracket that is never closed"),
        ({"coordinates": {"x": (1e6, 1e6 + 1e-3), "t": (0, 1)}}, "float64 can't part finely"),
        ({"coordinates": {"x": (0, 1e200), "t": (0, 1)}}, "lengths between 1e-100 and 1e100"),
        ({"unknowns": {"u": 1}}, "a field and an unknown"),
    ],
)
def test_names_and_ends_that_cannot_be(changes, line):
    assert line in refused(**changes)


@pytest.mark.parametrize(
    "equation, conditions, line",
    [
        ("u_t = u_xx", [("t = 0", "u = sqrt(x - 2)"), HELD[1]], "sqrt(x - 2) has no value at x = "),
        ("u_t = u_xx", [("t = 0", "u = exp(1000*x)"), HELD[1]], "has no value at x = "),
        ("u_t = u_xx + log(x - 0.5)", HELD, "log(x - 0.5) has no value at x = "),
    ],
)
def test_what_is_known_and_has_no_value_is_refused(equation, conditions, line):
    assert line in refused(equation, *conditions)


def test_what_has_no_value_at_an_end_alone_or_is_not_chosen_is_let_through():
    assert "x*log(x) has no value at x = 0" in warned("u_t = u_xx", ("t = 0", "u = x*log(x)"), HELD[1])
    assert not warned("u_t = u_xx + where(x > 0.5, log(x - 0.5) + u, 0)")


@pytest.mark.parametrize(
    "equation, conditions, line",
    [
        ("u_t = -u_xx", HELD, "u_xx has the sign with which ripples of u grow"),
        ("u_t = u_xxxx", [*HELD, ("boundary", "dn(u) = 0")], "u_xxxx has the sign"),
        (
            "u_t + u_x = 0",
            [HELD[0], ("x = 1", "u = 0")],
            "u is carried in through x = 0, which takes 1 condition there",
        ),
        ("u_t = u_x", [HELD[0], ("x = 0", "u = 0")], "u is carried in through x = 1"),
        ("u_t + u_xxx = 0", [*HELD, ("x = 0", "u_x = 0")], "x = 1, which takes 2 conditions there; 1 typed"),
        ("u_t = u_xxx", [*HELD, ("x = 1", "u_x = 0")], "x = 0, which takes 2 conditions there"),
        ("u_t = c*u_xx", HELD, "c is to be found, and no dataset is named"),
    ],
)
def test_equations_that_run_the_other_way_are_warned_of(equation, conditions, line):
    more = {"unknowns": {"c": 1}} if "c*" in equation else {}
    assert line in warned(equation, *conditions, **more)


@pytest.mark.parametrize(
    "equation, conditions",
    [
        ("u_t = u_xx - u_x", HELD),
        ("u_t + u*u_x = 0", HELD),
        ("u_t + u_x = 0", [HELD[0], ("x = 0", "u = 0")]),
        ("u_t + 6*u*u_x + u_xxx = 0", [*HELD, ("x = 1", "u_x = 0")]),
        ("u_t = (x - 0.5)*u_x", HELD),
        ("u_t + u_xxxx = 0", [*HELD, ("boundary", "dn(u) = 0")]),
        ("u_t = u^2", [HELD[0]]),
    ],
)
def test_equations_that_run_forward_are_not(equation, conditions):
    assert not warned(equation, *conditions)


@pytest.mark.parametrize(
    "unknown, line",
    [
        ({"start": 1, "low": 2, "high": 0}, "low is 2 and high is 0"),
        ({"start": 5, "low": 0, "high": 1}, "start is 5; it should be between low and high, 0 and 1"),
    ],
)
def test_an_unknown_number_starts_between_its_ends(unknown, line):
    problem = {"kind": "equation", "coordinates": ROD, "time": "t", "fields": ["u"], "equations": ["u_t = c*u_xx"],
               "conditions": [{"on": on, "that": that} for on, that in HELD], "unknowns": {"c": unknown}}  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        parse_config({"problem": problem})
    assert line in str(caught.value)


CAUTIOUS = {
    "kind": "equation",
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "equations": ["u_t = u_xx"],
    "conditions": [{"on": "t = 0", "that": "u = 2*sin(pi*x)"}, {"on": "boundary", "that": "u = 0"}],
}


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("u_t = u_xx/u", "equation 1: it divides by u, which by condition 1 is 0 at or near x = 0"),
        ("u_t = (u + x)^1000000", "equation 1 has no finite value where the search for its fields starts, at x = "),
        ("u_t = log(u - 3)", "equation 1 has no finite value where the search for its fields starts, at x = "),
        ("u_t = u_xx", None),
    ],
)
def test_what_may_be_wrong_is_said_on_the_way_to_a_run_too(equation, words):
    """Pages show warnings where they are typed; a command and a run's log have the problem's caution."""
    said = Equation(**CAUTIOUS | {"equations": [equation]}).caution()
    assert (said is None) == (words is None)
    assert words is None or words in said


def test_a_run_whose_first_step_has_no_value_is_not_launched():
    features = {"fourier": {"features": 9, "sigma": 1.0}}
    problem = CAUTIOUS | {"equations": ["u_t = log(u - 3)"]}
    with pytest.raises(ConfigError, match=r"no finite value where the search for its fields starts, at x = .*"):
        parse_config({"problem": problem, "stages": [features]})
    parse_config({"problem": problem, "stages": [{}]})  # layers begin elsewhere
    parse_config({"problem": CAUTIOUS | {"equations": ["u_t = u_xx/u"]}, "stages": [features]})  # 0 at the sides alone
