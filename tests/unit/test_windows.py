"""Time in windows: each begins where the last one ended, and all of them are one solution."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from core.config import Windows, parse_config, size
from core.errors import ConfigError, NotFiniteError, TrainingError
from core.problems.typed.end_state import Axis, EndState, end_state
from core.runs import RunFolder
from core.runs.windows import WindowStep, marched
from core.training import checkpoint as checkpoints
from core.training.measure import measure
from core.training.meter import peak_bytes
from core.training.recorder import Recorder
from core.training.second_order import SecondOrderPhase
from core.training.train import train as run_in
from tests.training import curve, train

HEAT = {
    "kind": "equation",
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "parameters": {"k": 0.1},
    "equations": ["u_t = k*u_xx"],
    "conditions": [{"on": "t = 0", "that": "u = sin(pi*x)"}, {"on": "boundary", "that": "u = 0"}],
    "exact": {"u": "sin(pi*x)*exp(-k*pi^2*t)"},
}
WAVE = HEAT | {
    "equations": ["u_tt = k*u_xx"],
    "conditions": [
        {"on": "t = 0", "that": "u = sin(pi*x); u_t = cos(2*x)"},
        {"on": "x = 0", "that": "u = sin(3*t)"},
        {"on": "x = 1", "that": "u = t*t"},
    ],
    "manufactured": True,
    "exact": {"u": "sin(pi*x)*cos(t) + sin(3*t)*exp(x)"},
}
REACTION = HEAT | {  # moving sides, one of them a slope, and a nonlinear equation
    "equations": ["u_t = k*u_xx - u^3"],
    "conditions": [],
    "manufactured": True,
    "exact": {"u": "exp(-t)*sin(2*x + t)"},
}
ROBIN = REACTION | {
    "manufactured": False,
    "equations": ["u_t = u_xx"],
    "conditions": [
        {"on": "t = 0", "that": "u = cos(x)"},
        {"on": "x = 0", "that": "u_x = 0"},
        {"on": "x = 1", "that": "dn(u) + u = exp(-t)*(cos(1) - sin(1))"},
    ],
    "exact": {"u": "exp(-t)*cos(x)"},
}
PERIODIC = HEAT | {
    "coordinates": {"x": [0, 1], "y": [-1, 1], "t": [0, 1]},
    "equations": ["u_t + u_x/4 = k*u_yy"],
    "conditions": [
        {"on": "t = 0", "that": "u = sin(2*pi*x)*cos(pi*y/2)"},
        {"on": "y = -1", "that": "u = 0"},
        {"on": "y = 1", "that": "u = 0"},
        {"on": "periodic in x"},
    ],
    "exact": {"u": "sin(2*pi*(x - t/4))*cos(pi*y/2)*exp(-k*pi^2*t/4)"},
}
FOURTH = HEAT | {
    "coordinates": {"x": [0, "2*pi"], "t": [0, 1]},
    "equations": ["u_t + u*u_x + u_xx + k*u_xxxx = 0"],
    "conditions": [{"on": "t = 0", "that": "u = sin(x)"}, {"on": "periodic in x"}],
    "manufactured": True,
    "exact": {"u": "exp(-t)*sin(x + t)"},
}


def stage(problem, count=13, **changes):
    if len(problem["coordinates"]) == 3:
        count = min(count, 7)
    d, side = len(problem["coordinates"]), count + 3
    features = {
        "chebyshev": {"degrees": [count] * d},
        "collocation": {"sampler": "gauss", "shape": [side] * d, "points": side**d},
    }
    solver = {"kind": "gauss_newton", "damping": 1e-26, "minimum_damping": 1e-32}
    return {"optimizer": solver, "iterations": 5, **features, **changes}


def config(problem, windows, *stages, **other):
    whole = {"problem": problem, "stages": stages or [stage(problem)], **other}
    return parse_config(whole | ({"windows": windows} if windows else {}))


@pytest.mark.parametrize(
    ("problem", "error"),
    [(HEAT, 1e-12), (WAVE, 1e-10), (REACTION, 1e-11), (ROBIN, 1e-10), (PERIODIC, 1e-6), (FOURTH, 1e-10)],
    ids=["heat", "wave", "reaction", "robin", "periodic", "fourth"],
)
def test_windows_are_as_exact_as_one(tmp_path, problem, error):
    outcome = train(config(problem, {"count": 3, "target_residual": 1e-2}), tmp_path / "run")
    assert [step.halved for step in outcome.windows] == [False] * 3
    assert measure(outcome.solution).relative_l2_error < error


def test_a_window_begins_with_the_values_rates_and_derivatives_that_the_last_one_ended_with(tmp_path):
    outcome = train(config(WAVE, {"count": 2}), tmp_path / "run")
    before, after = outcome.solution.windows
    points = np.stack([np.linspace(0, 1, 40), np.full(40, 0.5)], axis=1)
    for one, other in zip(before.gradients(points), after.gradients(points), strict=True):
        np.testing.assert_allclose(one["u"], other["u"], atol=2e-11)
    like = torch.zeros(0, dtype=torch.float64)
    with torch.no_grad():
        curvatures = [each._fields_at(points, like)[0]["u"].form("form_0") for each in (before, after)]
    np.testing.assert_allclose(*map(np.asarray, curvatures), atol=1e-7)
    for x, value in ((0.0, np.sin(3 * 0.8) * 1), (1.0, np.sin(3 * 0.8) * np.e)):  # sides hold in later windows too
        np.testing.assert_allclose(after.fields_at(np.array([[x, 0.8]]))["u"], value, atol=1e-12)


def test_resumed_bit_for_bit_wherever_it_was_cut_off(tmp_path):
    two = [stage(REACTION, 6, checkpoint_every=1), stage(REACTION, 9, begins="fitted", checkpoint_every=1)]
    cut = config(REACTION, {"count": 3, "target_residual": None}, *two)
    asked = []
    straight = train(cut, tmp_path / "straight", wanted=lambda: asked.append(None))
    stages = curve(tmp_path / "straight")["stage"]
    assert sorted(set(stages)) == list(range(6))
    for moment in (2, len(asked) // 2, len(asked) - 1):
        folder, seen = tmp_path / f"broken{moment}", iter(range(10_000))
        assert train(cut, folder, wanted=lambda: "pause" if next(seen) == moment else None).wanted == "pause"  # noqa: B023
        outcome = train(cut, folder, resume=True)
        np.testing.assert_array_equal(curve(tmp_path / "straight")["loss"], curve(folder)["loss"])
        for one, other in zip(straight.solution.parameters(), outcome.solution.parameters(), strict=True):
            assert torch.equal(one, other)
        assert [dataclasses.replace(step, seconds=0) for step in outcome.windows] == [
            dataclasses.replace(step, seconds=0) for step in straight.windows
        ]


def test_a_checkpoint_has_all_windows_so_far(tmp_path):
    cut = config(HEAT, {"count": 4})
    seen = iter(range(10_000))
    ends = train(cut, tmp_path / "run", wanted=lambda: "pause" if next(seen) == 5 else None)
    stored = checkpoints.load(RunFolder(tmp_path / "run").last)
    points = np.stack([np.linspace(0, 1, 9), np.linspace(0, 1, 9)], axis=1)
    np.testing.assert_array_equal(stored.whole.fields_at(points)["u"], ends.solution.fields_at(points)["u"])
    assert len(stored.march.done) < 4
    assert f"trained to t = {stored.whole.ends[-1]:g} of 1" in ends.underway
    assert np.isnan(stored.whole.fields_at(np.array([[0.5, 1.0]]))["u"]).all()  # nothing is known there yet
    assert np.isnan(stored.whole.evaluate(points)["u"]).any()
    assert measure(ends.solution).relative_l2_error < 1e-9  # as far as it is trained


class Killed(BaseException):
    """As SIGKILL would."""


def test_killed_at_any_save_it_goes_on_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.recorder.WRITING", 0.0)  # each save is made, however quick the windows are
    steep = REACTION | {"exact": {"u": "sin(12*t)*cos(x)"}}
    one = stage(steep, 6, checkpoint_every=1, iterations=3)
    one |= {"chebyshev": None, "fourier": {"features": 12, "sigma": "measured"}, "collocation": {"points": 60}}
    cut = config(steep, {"count": 2, "target_residual": 3e-3}, one, stage(steep, 5, iterations=2, begins="fitted"))
    save, seen, last = Recorder.save, [], None

    def killing(self):
        save(self)
        seen.append(self.run.position.total)
        if len(seen) == last:
            raise Killed

    monkeypatch.setattr(Recorder, "save", killing)
    straight = run_in(cut, RunFolder(tmp_path / "straight"), say=lambda line: None)
    assert any(step.halved for step in straight.windows)
    count = len(seen)
    for moment in (count // 3, 2 * count // 3):
        folder, seen[:], last = tmp_path / f"killed{moment}", [], moment
        with pytest.raises(Killed):
            run_in(cut, RunFolder(folder), say=lambda line: None)
        last = None
        outcome = run_in(cut, RunFolder(folder), say=lambda line: None)
        np.testing.assert_array_equal(curve(tmp_path / "straight")["loss"], curve(folder)["loss"])
        for a, b in zip(straight.solution.parameters(), outcome.solution.parameters(), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("target", [1e-2, None])
def test_a_window_that_diverges_is_halved(tmp_path, monkeypatch, target):
    iterate = SecondOrderPhase._iterate

    def diverging(self, optimizer, objective):
        low, high = objective.solution.problem.domain()[1]
        if high - low > 0.3:
            raise TrainingError("It diverged.") from NotFiniteError("The residuals are not finite.")
        return iterate(self, optimizer, objective)

    monkeypatch.setattr(SecondOrderPhase, "_iterate", diverging)
    outcome = train(config(HEAT, {"count": 2, "target_residual": target}, stage(HEAT, 6)), tmp_path / "run")
    assert [step.halved for step in outcome.windows] == [True, False, False] * 2
    assert RunFolder(tmp_path / "run").windows() == outcome.windows
    assert outcome.underway == ""
    with pytest.raises(TrainingError, match="diverges after it was halved 0 times: It diverged"):
        train(config(HEAT, {"count": 2, "halvings": 0}, stage(HEAT, 6)), tmp_path / "never")
    assert [step.halved for step in RunFolder(tmp_path / "never").windows()] == [True]


def test_a_finished_run_is_all_in_its_checkpoint(tmp_path):
    outcome = train(config(HEAT, {"count": 3}, stage(HEAT, 6)), tmp_path / "run")
    stored = checkpoints.load(RunFolder(tmp_path / "run").last)
    assert stored.whole.ends == outcome.solution.ends == [1 / 3, 2 / 3, 1]
    again = train(config(HEAT, {"count": 3}, stage(HEAT, 6)), tmp_path / "run", resume=True)
    assert again.windows == outcome.windows


def test_memory_at_a_windows_end_does_not_grow_with_the_points(tmp_path):
    solution = train(
        config(PERIODIC, {"count": 2, "target_residual": None}, stage(PERIODIC, 4, iterations=1)), tmp_path / "run"
    ).solution
    window = solution.windows[0]
    few, many = (np.random.default_rng(0).random((n, 3)) * 0.5 for n in (window._chunk, 4 * window._chunk))
    for asked in (window.fields_at, lambda points: window.slopes_at(points, 2)):
        assert peak_bytes(lambda: asked(many)) < 1.5 * peak_bytes(lambda: asked(few))  # noqa: B023


def test_a_window_that_leaves_too_much_is_halved(tmp_path):
    said = []
    steep = REACTION | {"exact": {"u": "sin(12*t)*cos(x)"}}
    few = stage(steep, 5)
    outcome = train(config(steep, {"count": 2, "target_residual": 3e-3}, few), tmp_path / "run", say=said.append)
    halved = [step for step in outcome.windows if step.halved]
    assert halved
    taken = [step for step in outcome.windows if not step.halved]
    assert (taken[0].begin, taken[-1].end) == (0, 1)
    assert all(one.end == other.begin for one, other in itertools.pairwise(taken))
    assert all(step.rms_residual <= 3e-3 for step in taken)
    assert any("it is halved" in line for line in said)
    assert measure(outcome.solution).relative_l2_error < 3e-3
    assert f"{len(halved)} halved" in marched(RunFolder(tmp_path / "run").windows())


def test_a_window_that_no_halving_helps_ends_the_run(tmp_path):
    few = stage(HEAT, 2)
    with pytest.raises(TrainingError, match="after it was halved 1 times"):
        train(config(HEAT, {"count": 2, "target_residual": 1e-9, "halvings": 1}, few), tmp_path / "run")


def test_later_windows_take_the_sigma_that_the_first_one_found(tmp_path):
    searched = {"features": 12, "sigma": "search"}
    one = stage(HEAT) | {"chebyshev": None, "fourier": searched, "collocation": {"points": 60}, "iterations": 2}
    said = []
    cut = config(HEAT, {"count": 2, "target_residual": None}, one)
    outcome = train(cut, tmp_path / "run", say=said.append)
    assert sum("search for σ" in line for line in said) == 1
    bases = [window.networks[0].basis for window in outcome.solution.windows]
    assert torch.equal(*bases)
    assert bases[0] is bases[1]  # a checkpoint has it once


@pytest.mark.parametrize(
    ("problem", "windows", "words"),
    [
        ({"kind": "poisson2d"}, {"count": 2}, "windows go with equations that are typed"),
        (HEAT | {"time": None, "conditions": [], "manufactured": True}, {"count": 2}, "it has no time"),
        (
            HEAT | {"conditions": [*HEAT["conditions"], {"on": "t = 1", "that": "u_x = 0"}], "exact": {}},
            {"count": 2},
            "'u_x = 0' holds at a moment that is not its beginning",
        ),
        (HEAT, {"count": 2, "length": 0.1}, "a count or a length, not both"),
        (HEAT, {"length": 1e-6}, "would be 1,000,000 windows between 0 and 1"),
        (HEAT, {"count": 1}, "windows.count"),
    ],
)
def test_what_cannot_be_cut_is_said_before_a_launch(problem, windows, words):
    with pytest.raises(ConfigError, match=words):
        config(problem, windows, stage(HEAT))


def test_a_config_without_windows_keeps_its_hash():
    assert "windows" not in config(HEAT, None).canonical_json()
    assert config(HEAT, {"count": 2}).hash != config(HEAT, {"count": 3}).hash
    assert size(config(HEAT, {"count": 3})) == 3 * size(config(HEAT, None))


def test_time_is_cut_evenly_or_by_a_length():
    assert Windows(length=0.4).cut(0, 1) == [(0, 0.4), (0.4, 0.8), (0.8, 1)]
    assert Windows(length=0.1).cut(0, 1)[-1][1] == 1
    assert len(Windows(length=0.1).cut(0, 1)) == 10
    assert len(Windows().cut(0, 1)) == 8
    assert Windows(length=5).cut(0, 1) == [(0, 1)]
    assert [end for _, end in Windows(length=0.333333).cut(0, 1)] == [0.333333, 0.666666, 1]  # no sliver
    steps = [WindowStep(0, 1, 5, 5, 1, 1, 1, True), WindowStep(0, 0.5, 5, 10, 1, 0, 0, False),
             WindowStep(0.5, 1, 5, 15, 1, 0, 0, False)]  # fmt: skip
    assert marched(steps) == "2 windows of length 0.5, from 0 to 1, 1 halved"


@pytest.mark.parametrize("periodic", [True, False])
def test_series_hold_smooth_fields_with_their_derivatives(periodic):
    axes = [Axis(-1, 2, periodic), Axis(0, 1, False)]
    unit = 2 * np.pi / 3

    def values(points):
        x, y = points.T
        return {"u": [np.exp(np.sin(unit * x)) * np.cos(y)], "v": [np.sin(unit * x), y * np.cos(unit * x)]}

    state, off = end_state(axes, values)
    assert off < 1e-13
    state = EndState.of_plain(state.plain())
    points = np.random.default_rng(0).random((200, 2)) * [3, 1] + [-1, 0]
    x, y = torch.from_numpy(points).T
    np.testing.assert_allclose(state.derivative("u", 0, [x, y], []), values(points)["u"][0], atol=1e-13)
    third = state.derivative("u", 0, [x, y], [0, 0, 1])
    s, c = np.sin(unit * x), np.cos(unit * x)
    np.testing.assert_allclose(third, -np.exp(s) * unit**2 * (c**2 - s) * np.sin(y), atol=1e-8)
    fourth = state.derivative("v", 0, [x, y], [0] * 4)
    np.testing.assert_allclose(fourth, unit**4 * s, atol=1e-10 if periodic else 1e-4)
    assert max(state.fields["v"][1].shape) < (10 if periodic else 60)  # what is rounding is left out
