"""Growth: as many features, points and stages as it takes, kept in the config in force, replayed and resumed."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from core.config import override, parse_config
from core.errors import ConfigError
from core.networks.solution import Solution
from core.presets import resolve
from core.problems.heat1d import Heat1D
from core.problems.taylor_green import TaylorGreen
from core.runs import RunFolder
from core.runs.history import HistoryWriter
from core.training import checkpoint as checkpoints
from core.training import stage_network
from core.training.growth import Growth
from core.training.input_groups import input_groups
from core.training.polynomial_sizes import PolynomialSizes, _until_rounding, grown_by
from core.training.recorder import Recorder
from core.training.sizes import iterations
from core.training.state import RunState
from core.training.train import train
from core.training.trainer import Trainer
from tests.training import curve, features_alone, trainer_of

ENOUGH = 1e-5


def growing(*settings):
    """Helmholtz with far too few features to begin with, and what is asked for within reach of a second."""
    config = features_alone("search", features=40, points=200)
    return override(config, [f"growth={{target: {ENOUGH}, seconds: 1000}}", "problem.a2=3", *settings])


@pytest.fixture
def waves_alone(monkeypatch):
    """No polynomials, which leave less than waves at any size here."""
    monkeypatch.setattr(PolynomialSizes, "fit", staticmethod(lambda run: False))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that has grown: trainer, outcome, what it said, folder, and how often it asked whether to go on."""
    folder, asked = tmp_path_factory.mktemp("grown") / "run", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PolynomialSizes, "fit", staticmethod(lambda run: False))
        return (*trainer_of(growing(), folder, lambda: asked.append(1)), folder, len(asked))


def test_features_and_points_double_until_enough_is_left(whole):
    _, outcome, said, *_ = whole
    last = outcome.config.stages[1]
    assert last.fourier.features in [40 * 2**k for k in range(1, 6)]
    assert last.collocation.points == 5 * last.fourier.features
    assert len(last.fourier.sigma) == 2
    assert len(outcome.solution.networks) == 1  # it takes the place of what is too small
    assert outcome.records[1].max_residual < 100 * ENOUGH < outcome.records[0].max_residual
    assert any(line.startswith("growth: ") and str(last.fourier.features) in line for line in said)
    assert "growth has ended" in said[-1]
    assert f"{ENOUGH:.1e} is asked for" in said[-1]


def test_what_has_grown_is_the_config_in_force_and_trains_again_bit_by_bit_without_a_search(whole, tmp_path):
    trainer, outcome, _, folder, _ = whole
    effective = trainer.effective_config()
    assert "growth" not in effective
    again, other, said = trainer_of(parse_config(effective), tmp_path / "again")
    assert not any("search" in line or "growth" in line for line in said)
    assert again.effective_config() == effective
    for name, column in curve(folder).items():
        np.testing.assert_array_equal(curve(tmp_path / "again")[name], column)
    for a, b in zip(outcome.solution.parameters(), other.solution.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.usefixtures("waves_alone")
@pytest.mark.parametrize("before_its_end", [3, 1])
def test_a_run_goes_on_from_the_middle_of_its_search_or_of_its_stage(whole, tmp_path, before_its_end):
    asked = 0

    def wanted():
        nonlocal asked
        asked += 1
        return "pause" if asked == whole[4] - before_its_end else None

    trainer, outcome, _ = trainer_of(growing(), tmp_path / "run", wanted)
    assert outcome.wanted == "pause"
    assert trainer.effective_config()["growth"]["target"] == ENOUGH
    trainer, outcome, _ = trainer_of(growing(), tmp_path / "run", resume=True)
    assert outcome.wanted is None
    assert trainer.effective_config() == whole[0].effective_config()
    for name, column in curve(whole[3]).items():
        np.testing.assert_array_equal(curve(tmp_path / "run")[name], column)


@pytest.mark.usefixtures("waves_alone")
@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["growth.most_features=70", "growth.target=1e-9"], "as many as may be"),
        (["growth.seconds=0.001"], "s are gone"),
        (["growth.target=1"], "is asked for"),
    ],
)
def test_growth_ends_where_it_is_told_to_and_says_why(tmp_path, settings, why):
    _, outcome, said = trainer_of(growing(*settings), tmp_path / "run")
    assert all(stage.fourier.features <= 70 for stage in outcome.config.stages)
    assert why in " ".join(said[-4:])


def test_a_stage_that_made_it_worse_is_taken_back_and_leaves_no_trace(tmp_path, monkeypatch):
    worse = growing().stages[0].model_copy(update={"begins": "fitted"})
    worse = worse.model_copy(update={"fourier": worse.fourier.model_copy(update={"features": 8, "sigma": 90.0})})
    monkeypatch.setattr(Growth, "next_stage", lambda self: worse)
    trainer, outcome, said = trainer_of(growing(), tmp_path / "run")
    assert "taken back" in said[-1]
    assert outcome.config.stages == growing().stages
    assert [record.index for record in outcome.records] == [0]
    assert set(curve(tmp_path / "run")["stage"]) == {0}
    _, other, _ = trainer_of(parse_config(trainer.effective_config()), tmp_path / "again")
    for a, b in zip(outcome.solution.parameters(), other.solution.parameters(), strict=True):
        assert torch.equal(a, b)


def test_growth_is_named_in_one_word_and_leaves_the_hash_of_others_alone():
    config = resolve("typed-stokes").model_copy(update={"growth": None})
    assert override(config, ["growth=auto"]).growth.target == 1e-13
    assert "growth" not in config.model_dump(mode="json")
    assert override(config, ["growth=auto"]).hash != config.hash
    for preset, setting in (
        ("heat2d", "growth=quick"),
        ("heat2d", "growth={target: 0}"),
        ("ccf", "growth=auto"),
        ("typed-darcy-noisy", "growth=auto"),
    ):
        with pytest.raises(ConfigError, match="growth"):
            override(resolve(preset), [setting])


def test_waves_that_few_features_say_nothing_of_are_found_by_more_polynomials(tmp_path):
    config = features_alone("search", features=80, points=400)
    waves = ["problem.a1=8", "problem.a2=10", "problem.wavenumber=10", "growth={target: 1e-6, seconds: 1000}"]
    _, outcome, said = trainer_of(override(config, waves), tmp_path / "run")
    tried = [line for line in said if "Chebyshev polynomials at" in line and "one step leaves" in line]
    assert sum(float(line.split("leaves ")[1].split(" ")[0]) > 0.1 for line in tried) > 1  # and they went on
    last = outcome.config.stages[-1]
    x, y = last.chebyshev.degrees
    assert last.fourier is None
    assert last.begins == "solved"
    assert last.chebyshev.parity == ("odd", "odd")  # as the solution is about the middle
    assert last.collocation.shape == (2 * (x + 2), 2 * (y + 2))  # few: as many rows as both sides have
    assert any(last.chebyshev.words in line and line.startswith("growth: ") for line in said)
    assert outcome.records[-1].max_residual < 1e-6


def test_polynomials_that_still_fall_go_on_though_few_leave_more_than_waves_do(tmp_path):
    fast = features_alone("search", features=80, points=400).model_copy(update={"problem": Heat1D(diffusivity=4)})
    _, outcome, said = trainer_of(override(fast, ["growth={target: 1e-10, seconds: 1000}"]), tmp_path / "run")
    few = [line for line in said if "Chebyshev polynomials at" in line and "one step leaves" in line]
    left = [float(line.split("leaves ")[1].split(" ")[0]) for line in few]
    begun = next(float(line.split("growth: ")[1].split(" ")[0]) for line in said if "is left at points" in line)
    assert left[1] > begun and left[1] < 0.1  # more than there was, of what resolves the solution
    assert outcome.config.stages[-1].chebyshev is not None
    assert left[-1] < 1e-10


STEEPENING = {
    "problem": {"kind": "burgers_viscous", "viscosity": 0.2, "stretch": 0.5},
    "growth": {"target": 1e-7, "seconds": 1000},
    "stages": [
        {
            "chebyshev": {"degrees": [7, 6]},
            "optimizer": {"kind": "gauss_newton", "damping": 1e-8, "minimum_damping": 1e-32},
            "iterations": 20,
            "collocation": {"points": 72, "sampler": "gauss", "shape": [9, 8]},
        }
    ],
}
"""Not linear, with polynomials to begin with."""


def test_a_stage_begins_with_what_its_try_has_found_and_a_replay_which_solves_comes_out_the_same(tmp_path, monkeypatch):
    solved = []
    solve = stage_network.solve_in_place
    monkeypatch.setattr(stage_network, "solve_in_place", lambda *of: (solved.append(1), solve(*of)))
    trainer, outcome, _ = trainer_of(parse_config(STEEPENING), tmp_path / "run")
    assert len(outcome.config.stages) > 1 and not solved
    assert all(stage.chebyshev is not None for stage in outcome.config.stages)
    assert outcome.records[-1].rms_residual < 1e-7
    _, other, _ = trainer_of(parse_config(trainer.effective_config()), tmp_path / "again")
    assert len(solved) == len(outcome.config.stages) - 1
    for a, b in zip(outcome.solution.parameters(), other.solution.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_less_is_left_the_fewer_steps_a_stage_has():
    nonlinear, linear = resolve("burgers-viscous").problem, resolve("heat2d").problem
    assert [iterations(nonlinear, left) for left in (math.inf, 1.0, 1e-2, 3e-4, 1e-6, 0.0)] == [3, 3, 3, 2, 1, 1]
    assert iterations(linear, 1.0) == 1


def test_polynomials_grow_where_their_last_coefficients_are_the_largest_and_as_many_as_these_fall():
    degrees, slow, fast = np.array([20, 20]), 10.0 ** -(np.arange(20) / 4), 10.0 ** -(np.arange(20) / 2)
    x, y = grown_by(degrees, [slow, fast], 2.0)
    assert (x, y) in ((39, 20), (40, 20))  # 1e-9.5 both
    x, y = grown_by(np.array([39, 20]), [10.0 ** -(np.arange(39) / 4), fast], 2.0)
    assert x / 39 * y / 20 == pytest.approx(2, rel=0.05)
    assert x / 4 == pytest.approx(y / 2, rel=0.05)  # the last ones are as small
    assert (grown_by(degrees, [np.full(20, 0.3)] * 2, 2.0) == 28).all()  # they don't fall yet
    assert (grown_by(degrees, [10.0 ** -np.arange(20.0)] * 2, 2.0) == degrees).all()  # rounding: no more
    assert grown_by(degrees, [10.0 ** -(np.arange(20.0) * 0.7)] * 2, 4.0).max() < 25  # to rounding, and no further
    assert (grown_by(degrees, None, 4.0) == 40).all()
    stuck, low = np.full(20, 1e-2), 10.0 ** -(np.arange(20) / 4)
    assert (grown_by(degrees, [stuck, low], 2.0) == (40, 20)).all()  # more of the other would gain nothing yet
    waves = [10.0 ** -(np.arange(20) / 4.5), low]
    assert grown_by(degrees, waves, 2.0)[1] > 20
    assert (grown_by(degrees, waves, 2.0, resolved=False) == (40, 20)).all()  # of waves unresolved no fall tells
    assert (grown_by(degrees, [low, low], 2.0, resolved=False) == 28).all()
    falling = 10.0 ** -np.arange(10.0)  # 1e-9 at the last one, a digit each
    assert _until_rounding(falling) == pytest.approx(6)
    assert _until_rounding(np.append(falling, 0.0)) == 0
    assert math.isfinite(_until_rounding(np.array([0.0, 1e-3])))


def test_polynomials_are_for_coordinates_that_inputs_keep_apart():
    for name, fits in (("helmholtz", True), ("typed-advection", True), ("poisson3d", True), ("poisson5d", True)):
        problem = resolve(name).problem
        run = RunState(resolve(name), torch.device("cpu"), Solution(problem, None), None, None, None)
        assert PolynomialSizes.fit(run) is fits


def test_inputs_of_one_coordinate_share_their_factor():
    assert input_groups(Solution(TaylorGreen(), None)) == ((0, 1), (2, 3), (4,))
    assert input_groups(Solution(resolve("beltrami").problem, None)) == ((0, 1, 2), (3,))
    assert input_groups(Solution(resolve("poisson5d").problem, None)) == ()
    assert input_groups(Solution(resolve("burgers-viscous").problem, None)) == ((0,), (1,))


WORSE = growing().stages[0].model_copy(update={"begins": "fitted"})
WORSE = WORSE.model_copy(update={"fourier": WORSE.fourier.model_copy(update={"features": 8, "sigma": 90.0})})


class Killed(BaseException):
    """As SIGKILL would."""


def in_folder(folder):
    """The last and the best checkpoint's stages, and which checkpoints there are."""
    kept = RunFolder(folder)
    stages = [len(checkpoints.load(path).config.stages) for path in (kept.last, kept.best)]
    return stages, sorted(path.name for path in kept.checkpoints.iterdir())


@pytest.mark.parametrize("killed", [None, "save", "truncate"])
def test_taking_back_may_be_cut_off_anywhere_and_is_remembered(tmp_path, monkeypatch, killed):
    monkeypatch.setattr(Growth, "next_stage", lambda self: WORSE)
    folder, taken = tmp_path / "run", []
    save, truncate, take_back = checkpoints.save, HistoryWriter.truncate, Recorder.take_back

    def begin(self, before):
        taken.append(before)
        take_back(self, before)

    def dying(name, work):
        def done(*arguments):
            work(*arguments)
            if taken and killed == name:
                raise Killed

        return done

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "take_back", begin)
        patch.setattr(checkpoints, "save", dying("save", save))
        patch.setattr(HistoryWriter, "truncate", dying("truncate", truncate))
        if killed:
            with pytest.raises(Killed):
                train(growing(), RunFolder(folder), say=lambda line: None)
        else:
            train(growing(), RunFolder(folder), say=lambda line: None)
    said = []
    outcome = train(growing(), RunFolder(folder), say=said.append)
    assert len(taken) == 1
    assert not any(line.startswith("stage 2 of") for line in said)  # it is not trained again
    assert outcome.config.stages == growing().stages
    assert set(curve(folder)["stage"]) == {0}
    assert in_folder(folder) == ([1, 1], ["best.pt", "last.pt", "stage-1.pt"])


def test_a_stage_that_was_enough_for_the_last_asked_one_does_not_leave_out_what_grew(tmp_path):
    config, asked = growing("stages.0.enough=1e3", "growth.most_features=90"), []
    trainer, outcome, _ = trainer_of(config, tmp_path / "whole", lambda: asked.append(1))
    assert len(outcome.records) == 2
    assert trainer.effective_config()["stages"][0].get("enough") is None
    _, again, _ = trainer_of(parse_config(trainer.effective_config()), tmp_path / "again")
    assert len(again.records) == 2
    moments = iter(range(len(asked)))
    trainer_of(config, tmp_path / "r", lambda: "pause" if next(moments) == len(asked) - 1 else None)
    _, resumed, _ = trainer_of(config, tmp_path / "r", resume=True)
    assert [record.ended for record in resumed.records] == [record.ended for record in outcome.records]
    for one, other in zip(outcome.solution.parameters(), resumed.solution.parameters(), strict=True):
        assert torch.equal(one, other)


def test_growth_ends_at_as_many_stages_as_a_run_may_have(monkeypatch):
    plain = growing().model_dump(mode="json", by_alias=True)
    few = {"fourier": {"features": 8, "sigma": 2.0}, "optimizer": {"kind": "gauss_newton"}, "iterations": 1,
           "collocation": {"points": 60}}  # fmt: skip
    with pytest.raises(ConfigError, match="12 already"):
        parse_config(plain | {"stages": [few] * 12})
    config = parse_config(plain | {"stages": [few] * 11})
    run = RunState(config, torch.device("cpu"), Solution(config.problem, None), None, None, print)
    run.grow(WORSE)
    said = []
    run.say = said.append
    run.position.stage = 12
    monkeypatch.setattr(Growth, "_left_by", lambda self, solution: 1.0)
    assert Growth(run, None).next_stage() is None
    assert "12 stages" in said[-1]


@pytest.mark.usefixtures("waves_alone")
def test_a_comparison_whose_checkpoint_was_tidied_away_is_left_out_and_said(tmp_path, monkeypatch):
    compared = Trainer._before_it_grew

    def tidied_away(self):
        self.folder.of_stage(1).unlink()
        return compared(self)

    monkeypatch.setattr(Trainer, "_before_it_grew", tidied_away)
    _, outcome, said = trainer_of(growing("growth.most_features=90"), tmp_path / "run")
    assert any("without being compared" in line for line in said)
    assert len(outcome.records) == 2


def test_the_best_checkpoint_outlives_a_resume(tmp_path):
    config, folder = features_alone(6.0, features=40, points=200), RunFolder(tmp_path / "run")
    trainer_of(config, folder.path, wanted=lambda: "pause")
    best = dataclasses.replace(checkpoints.load(folder.last), max_residual=0.0)
    checkpoints.save(best, folder.best)
    trainer_of(config, folder.path, resume=True)
    assert checkpoints.load(folder.best).max_residual == 0


def test_features_beyond_the_most_do_not_shrink_and_the_first_size_has_an_estimate(tmp_path):
    most = growing("stages.0.fourier.sigma=6.0", "growth.most_features=20")
    _, outcome, said = trainer_of(most, tmp_path / "most")
    assert "40 features are as many as may be" in said[-1]
    assert len(outcome.config.stages) == 1
    trainer, *_ = trainer_of(growing("growth.target=1"), tmp_path / "run")
    trainer.run.record.seconds = 1e4
    trainer.run.say = (said := []).append
    growth = Growth(trainer.run, trainer._recorder)
    growth._growth = growth._growth.model_copy(update={"target": 1e-9, "seconds": 50})
    assert growth.next_stage() is None
    assert "would take about" in said[-1]
