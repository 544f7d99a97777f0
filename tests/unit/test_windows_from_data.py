"""Windows of time with data: rows fall to windows, unknown numbers come out as one, fields are found in each."""

import dataclasses

import numpy as np
import pytest
import torch

from core.config import parse_config
from core.datasets import add
from core.errors import ConfigError, TrainingError
from core.execution.unknown_numbers import standard_errors
from core.problems.equation import Equation
from core.problems.exact_samples import exact_samples
from core.runs import RunFolder
from core.runs.history import read_history
from core.training import checkpoint as checkpoints
from core.training.measure import measure
from core.training.train import train

HEAT = {
    "kind": "equation",
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "unknowns": {"D": {"start": 0.2, "low": 0}, "k": 0},
    "equations": ["u_t = D*u_xx + k*u"],
    "conditions": [{"on": "boundary", "that": "u = 0"}, {"on": "t = 0", "that": "u = sin(pi*x) + sin(2*pi*x)/2"}],
    "exact": {
        "u": "exp((0.5 - 0.08*pi^2)*t)*sin(pi*x) + exp((0.5 - 0.32*pi^2)*t)*sin(2*pi*x)/2",
        "D": "0.08",
        "k": "0.5",
    },
    "dataset": "heat.csv",
}
WAVE = HEAT | {
    "unknowns": {"c": {"start": 1.3, "low": 0}},
    "equations": ["u_tt = c*u_xx"],
    "conditions": [{"on": "boundary", "that": "u = 0"}, {"on": "t = 0", "that": "u = sin(pi*x); u_t = 0"}],
    "exact": {"u": "sin(pi*x)*cos(pi*t)", "c": "1"},
    "dataset": "wave.csv",
}
FIELD = HEAT | {
    "unknowns": {},
    "fields": ["u", "a(x)"],
    "coefficients": ["a"],
    "equations": ["u_t = diff(a*u_x, x)/5"],
    "conditions": [
        {"on": "boundary", "that": "u = exp(-t)*sin(pi*x) + x"},
        {"on": "t = 0", "that": "u = sin(pi*x) + x"},
    ],
    "manufactured": True,
    "exact": {"u": "exp(-t)*sin(pi*x) + x", "a": "1 + x*(1 - x)"},
    "dataset": "field.csv",
}  # fmt: skip


def config(problem, count, degrees=(9, 7), **windows):
    shape = [each + 4 for each in degrees]
    stage = {
        "chebyshev": {"degrees": list(degrees)},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-8, "minimum_damping": 1e-32},
        "iterations": 20,
        "patience": 3,
        "checkpoint_every": 3,
        "collocation": {"sampler": "gauss", "points": shape[0] * shape[1], "shape": shape},
    }
    cut = {"windows": {"count": count} | windows} if count else {}
    return parse_config({"problem": problem, "stages": [stage]} | cut)


def measured(problem, rows=120, noise=0.0):
    add(problem["dataset"], exact_samples(Equation(**problem), rows, noise=noise))


def quietly(cut, folder, wanted=lambda: None, said=None):
    return train(cut, RunFolder(folder), wanted=wanted, say=(said if said is not None else []).append)


def test_a_number_comes_out_as_one_for_all_windows(tmp_path):
    measured(WAVE)
    outcome = quietly(config(WAVE, 3), tmp_path / "run")
    found = measure(outcome.solution)
    assert found.unknowns == pytest.approx(found.references, rel=1e-8)
    assert found.relative_l2_error < 1e-8
    for window in outcome.solution.windows:
        assert window.values_of_unknowns() == found.unknowns
    assert all(step.unknowns.keys() == step.errors.keys() == found.unknowns.keys() for step in outcome.windows)
    assert outcome.windows[-1].errors == outcome.spreads
    assert RunFolder(tmp_path / "run").windows() == outcome.windows


def test_noise_leaves_numbers_and_standard_errors_as_in_one_window(tmp_path):
    """The windows' recursion is, to first order, the one fit of all data."""
    measured(HEAT, 300, noise=0.01)
    at_once = config(HEAT, None)
    whole = quietly(at_once, tmp_path / "whole").solution
    said = []
    outcome = quietly(config(HEAT, 3), tmp_path / "run", said=said)
    errors = standard_errors(at_once, whole)
    for name, value in whole.values_of_unknowns().items():
        assert outcome.spreads[name] == pytest.approx(errors[name], rel=0.25)
        assert abs(outcome.solution.values_of_unknowns()[name] - value) < errors[name] / 2
        assert len({window.values_of_unknowns()[name] for window in outcome.solution.windows}) == 1
    assert outcome.windows[0].errors["D"] > 1.5 * outcome.spreads["D"], "the first window alone knows less"
    assert not any(step.halved for step in outcome.windows), "noise is no reason to halve a window"
    rows = [line.split(", ")[-1] for line in said if line.startswith("window")]
    assert sum(int(line.split(" of ")[0]) for line in rows) == 300
    assert abs(outcome.solution.fields_at(np.array([[0.4, 1 / 3]]))["u"]
               - outcome.solution.fields_at(np.array([[0.4, 1 / 3 + 1e-9]]))["u"]) < 1e-5  # fmt: skip


def test_resumed_bit_for_bit_with_numbers(tmp_path):
    measured(HEAT)
    cut = config(HEAT, 2, (7, 5), target_residual=None)
    asked = []
    straight = quietly(cut, tmp_path / "straight", lambda: asked.append(None))
    folder, seen, moment = tmp_path / "broken", iter(range(10_000)), len(asked) - 2
    assert quietly(cut, folder, lambda: "pause" if next(seen) == moment else None).wanted == "pause"
    assert len(checkpoints.load(RunFolder(folder).last).march.done) == 1
    outcome = quietly(cut, folder)
    one, other = (read_history(each / "history.arrows").columns for each in (tmp_path / "straight", folder))
    for name in ("loss", "lambda", "unknown_k"):
        np.testing.assert_array_equal(one[name], other[name])
    assert outcome.spreads == straight.spreads
    for a, b in zip(straight.solution.parameters(), outcome.solution.parameters(), strict=True):
        assert torch.equal(a, b)
    stored = checkpoints.load(RunFolder(folder).last)
    assert stored.whole.values_of_unknowns() == straight.solution.values_of_unknowns()
    assert stored.solution.values_of_unknowns() == straight.solution.values_of_unknowns()
    plain = [dataclasses.replace(step, seconds=0) for step in straight.windows]
    assert [dataclasses.replace(step, seconds=0) for step in stored.march.steps] == plain


def test_numbers_that_are_held_stay_where_they_start(tmp_path):
    measured(HEAT)
    found = config(HEAT, 2, (5, 4), target_residual=None)
    held = parse_config(found.model_dump(mode="json", by_alias=True) | {"lambda": {"mode": "fixed"}})
    outcome = quietly(held, tmp_path / "run")
    assert outcome.solution.values_of_unknowns() == {"D": 0.2, "k": 0.0}
    assert outcome.spreads == {}


def test_a_field_is_found_in_each_window_from_its_own_data(tmp_path):
    measured(FIELD)
    said = []
    outcome = quietly(config(FIELD, 2), tmp_path / "run", said=said)
    points = np.random.default_rng(0).random((100, 2))
    found, known = outcome.solution.fields_at(points), outcome.config.problem.exact(points)
    assert np.linalg.norm(found["a"] - known["a"]) < 1e-4 * np.linalg.norm(known["a"])
    assert np.linalg.norm(found["u"] - known["u"]) < 1e-6 * np.linalg.norm(known["u"])
    assert any("the windows found a, each from its own data, within" in line for line in said)
    begins = outcome.solution.windows[1].first_stages(0)  # the search of a window starts where the last one ended
    assert np.abs(begins.fields_at(points)["a"] - known["a"]).max() < 1e-3


def test_what_each_window_needs_data_for_is_said_before_the_first(tmp_path):
    measured(FIELD, 3)
    with pytest.raises(TrainingError, match="has no row of data, and each window finds a from its own"):
        quietly(config(FIELD, 8), tmp_path / "run")
    without = FIELD | {"conditions": FIELD["conditions"][:1]}
    assert Equation(**without).found_in_each_window == ("u", "a")
    assert Equation(**HEAT).found_in_each_window == ()


def test_a_window_without_data_takes_the_numbers_as_they_are(tmp_path):
    early = exact_samples(Equation(**HEAT | {"coordinates": {"x": [0, 1], "t": [0, 0.5]}}), 100)
    add("heat.csv", early)
    outcome = quietly(config(HEAT, 2), tmp_path / "run")
    first, second = outcome.windows
    assert first.unknowns == second.unknowns and first.errors == second.errors
    assert measure(outcome.solution).relative_l2_error < 1e-5


def test_a_side_of_a_field_that_is_not_handed_on_holds_in_later_windows(tmp_path):
    """Of p no window begins with a value, so its sides stand in full in each."""
    problem = {
        "kind": "equation",
        "coordinates": {"x": [0, 1], "t": [0, 1]},
        "time": "t",
        "fields": ["u", "p"],
        "equations": ["u_t = u_xx/10 + p", "p_xx = 0"],
        "conditions": [{"on": "boundary", "that": "u = 0"}, {"on": "t = 0", "that": "u = 0"},
                       {"on": "x = 0", "that": "p = 2"}, {"on": "x = 1", "that": "p = 1"}],
    }  # fmt: skip
    outcome = quietly(config(problem, 2, (12, 8), target_residual=None), tmp_path / "run")
    points = np.random.default_rng(0).random((50, 2))
    np.testing.assert_allclose(outcome.solution.fields_at(points)["p"], 2 - points[:, 0], atol=1e-8)


def test_what_still_cannot_be_cut_is_said():
    steady = HEAT | {"fields": ["u", "q(x)"], "equations": [*HEAT["equations"], "diff(q, x, 2) = 0"],
                     "conditions": [*HEAT["conditions"], {"on": "boundary", "that": "q = 0"}],
                     "exact": {}, "unmeasured": ["q"]}  # fmt: skip
    with pytest.raises(ConfigError, match="q doesn't depend on all coordinates"):
        config(steady, 2)
