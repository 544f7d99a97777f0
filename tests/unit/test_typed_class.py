"""A typed problem as the source of a Python class: it loads as a problem from outside, and its rows are the same."""

import numpy as np
import pytest

from core.presets import presets
from core.problems.equation import Equation
from core.problems.external import load
from core.problems.typed.as_class import class_source
from tests.unit.test_typed_problem import inside, random_solution

TYPED = {name: preset.config.problem for name, preset in presets().items() if preset.kind == "equation"}
BOX = {"coordinates": {"x": [0, 1], "y": [0, 2]}, "conditions": [{"on": "boundary", "that": "u = 1"}]}
ODD = {
    "functions": {**BOX, "equations": [
        "laplacian(u) + where(x < 1/2 and not (y > 1), min(u, 0), max(x, 2)) + atan2(u, 2) + erf(u)^3/sqrt(2 + u^2) "
        "+ abs(u)*sign(x - y)/(1 + x) + sin(1)*exp(-u) + u_x^2 - u^(1/3 + 2) + 2^u + u/(x + 3)/2 = 0"]},
    "names": {"coordinates": {"x": [0, 1], "lam": [0, 1]}, "parameters": {"points": 2, "number": 3, "self": "1/3"},
              "fields": ["u"], "equations": ["u_xx + points*sin(number)*u^2 + self*u_lam = tanh(points)*lam"],
              "conditions": [{"on": "boundary", "that": "u = 0"}]},
    "unknown": {"coordinates": {"x": [0, 1], "t": [0, 1]}, "time": "t", "unknowns": {"ν": {"start": 0.3, "low": 0}},
                "equations": ["u_t + u*u_x = ν*u_xx"], "exact": {"u": "x/(1 + t)", "ν": 0.1},
                "conditions": [{"on": "boundary", "that": "u = x/(1 + t)"}, {"on": "t = 0", "that": "u = x"}]},
    "domain": {"domain": "disk((0, 0), 1) - disk((0.2, 0), 0.3)", "equations": ["laplacian(u) + u*x = 4"],
               "conditions": [{"on": "boundary", "that": "u = x^2 + y^2"}]},
    "constant": {"coordinates": {"x": [0, 1], "y": [0, 1]}, "fields": ["u", "a(x)"],
                 "equations": ["u_xx + u_yy = a", "a_x = 1"],
                 "conditions": [{"on": "boundary", "that": "u = 0"}, {"on": "x = 0", "that": "a = 0"}]},
}  # fmt: skip


def loaded(folder, monkeypatch, problem, called):
    name, source = class_source(problem, called)
    (folder / name).write_text(source, encoding="utf-8")
    monkeypatch.setenv("LAB_PROBLEMS", str(folder / name))
    found, refused = load([Equation])
    assert not refused, refused
    return found[0]


@pytest.mark.parametrize("name", [*TYPED, *ODD])
def test_the_class_is_the_typed_problem(tmp_path, monkeypatch, name):
    typed = TYPED[name] if name in TYPED else Equation(**ODD[name])
    made = loaded(tmp_path, monkeypatch, typed, name)
    problem = made()
    assert problem.kind == name.replace("-", "_") and made.title == name
    assert problem.typed == typed.typed
    points = inside(typed, 40)["interior"]
    there, here = random_solution(problem).evaluate(points), random_solution(typed).evaluate(points)
    assert here.keys() == there.keys() and any("residual" in key for key in here)
    for key, values in here.items():
        np.testing.assert_allclose(there[key], values, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("called", ["", '3D: “heat” \\ in "x"\n', "class", "ä" * 200, "Ω"])
def test_any_name_makes_a_class(tmp_path, monkeypatch, called):
    made = loaded(tmp_path, monkeypatch, TYPED["typed-heat"], called)
    assert made().typed == TYPED["typed-heat"].typed
