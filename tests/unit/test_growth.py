"""Growth: as many features, points and stages as it takes, kept in the config in force, replayed and resumed."""

import numpy as np
import pytest
import torch

from core.config import override, parse_config
from core.errors import ConfigError
from core.networks.solution import Solution
from core.presets import resolve
from core.problems.taylor_green import TaylorGreen
from core.runs import RunFolder
from core.runs.history import HistoryWriter
from core.training import checkpoint as checkpoints
from core.training.growth import Growth
from core.training.input_groups import input_groups
from core.training.sizes import PolynomialSizes
from core.training.state import RunState
from core.training.trainer import Trainer
from tests.training import curve, features_alone

ENOUGH = 1e-5


def growing(*settings):
    """Helmholtz with far too few features to begin with, and what is asked for within reach of a second."""
    config = features_alone("search", features=40, points=200)
    return override(config, [f"growth={{target: {ENOUGH}, seconds: 1000}}", "problem.a2=3", *settings])


def grown(config, folder, wanted=lambda: None, resume=False):
    """A trainer that has trained in a folder, how it ended, and what it said."""
    folder.mkdir(exist_ok=True)
    said, history = [], HistoryWriter(folder / "history.arrows", config.problem.row_names)
    trainer = Trainer(config, RunFolder(folder), wanted=wanted, history=history, say=said.append)
    if resume:
        trainer.resume(checkpoints.load(folder / "checkpoints" / "last.pt"))
    try:
        return trainer, trainer.train(), said
    finally:
        history.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that has grown: trainer, outcome, what it said, folder, and how often it asked whether to go on."""
    folder, asked = tmp_path_factory.mktemp("grown") / "run", []
    return (*grown(growing(), folder, lambda: asked.append(1)), folder, len(asked))


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
    again, other, said = grown(parse_config(effective), tmp_path / "again")
    assert not any("search" in line or "growth" in line for line in said)
    assert again.effective_config() == effective
    for name, column in curve(folder).items():
        np.testing.assert_array_equal(curve(tmp_path / "again")[name], column)
    for a, b in zip(outcome.solution.parameters(), other.solution.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("before_its_end", [3, 1])
def test_a_run_goes_on_from_the_middle_of_its_search_or_of_its_stage(whole, tmp_path, before_its_end):
    asked = 0

    def wanted():
        nonlocal asked
        asked += 1
        return "pause" if asked == whole[4] - before_its_end else None

    trainer, outcome, _ = grown(growing(), tmp_path / "run", wanted)
    assert outcome.wanted == "pause"
    assert trainer.effective_config()["growth"]["target"] == ENOUGH
    trainer, outcome, _ = grown(growing(), tmp_path / "run", resume=True)
    assert outcome.wanted is None
    assert trainer.effective_config() == whole[0].effective_config()
    for name, column in curve(whole[3]).items():
        np.testing.assert_array_equal(curve(tmp_path / "run")[name], column)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["growth.most_features=70", "growth.target=1e-9"], "as many as may be"),
        (["growth.seconds=0.001"], "s are gone"),
        (["growth.target=1"], "is asked for"),
    ],
)
def test_growth_ends_where_it_is_told_to_and_says_why(tmp_path, settings, why):
    _, outcome, said = grown(growing(*settings), tmp_path / "run")
    assert all(stage.fourier.features <= 70 for stage in outcome.config.stages)
    assert why in " ".join(said[-4:])


def test_a_stage_that_made_it_worse_is_taken_back_and_leaves_no_trace(tmp_path, monkeypatch):
    worse = growing().stages[0].model_copy(update={"begins": "fitted"})
    worse = worse.model_copy(update={"fourier": worse.fourier.model_copy(update={"features": 8, "sigma": 90.0})})
    monkeypatch.setattr(Growth, "next_stage", lambda self: worse)
    trainer, outcome, said = grown(growing(), tmp_path / "run")
    assert "taken back" in said[-1]
    assert outcome.config.stages == growing().stages
    assert [record.index for record in outcome.records] == [0]
    assert set(curve(tmp_path / "run")["stage"]) == {0}
    _, other, _ = grown(parse_config(trainer.effective_config()), tmp_path / "again")
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


def test_polynomials_that_leave_much_less_are_taken_and_called_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.growth.BETTER", 0.0)  # however little less
    trainer, outcome, said = grown(growing("growth.target=1e-9"), tmp_path / "run")
    last = outcome.config.stages[-1]
    x, y = last.chebyshev.degrees
    assert last.fourier is None
    assert last.begins == "solved"
    assert x < y  # a₂ is 3 a₁: the coordinate that needs more got more
    assert any(f"{x} × {y} Chebyshev polynomials" in line and line.startswith("growth: ") for line in said)
    assert outcome.records[-1].max_residual < 1e-6
    grown(parse_config(trainer.effective_config()), tmp_path / "again")
    for name, column in curve(tmp_path / "run").items():
        np.testing.assert_array_equal(curve(tmp_path / "again")[name], column)


def test_polynomials_are_for_few_coordinates_that_inputs_keep_apart():
    for name, fits in (("helmholtz", True), ("typed-advection", True), ("poisson3d", True), ("poisson5d", False)):
        problem = resolve(name).problem
        run = RunState(resolve(name), torch.device("cpu"), Solution(problem, None), None, None, None)
        assert PolynomialSizes.fit(run) is fits


def test_inputs_of_one_coordinate_share_their_factor():
    assert input_groups(Solution(TaylorGreen(), None)) == ((0, 1), (2, 3), (4,))
    assert input_groups(Solution(resolve("beltrami").problem, None)) == ((0, 1, 2), (3,))
    assert input_groups(Solution(resolve("poisson5d").problem, None)) == ()
    assert input_groups(Solution(resolve("burgers-viscous").problem, None)) == ((0,), (1,))
