"""Continuation: from a parent's problem to another along a path, in steps that shrink, resumed bit for bit."""

import numpy as np
import pytest
import torch

from core.config import parse_config, start_of_path
from core.errors import ConfigError, LabError, TrainingError
from core.jets import Jet, coordinates
from core.problems.boussinesq import Boussinesq
from core.problems.ccf import CCF
from core.problems.gclm import GCLM
from core.problems.ipm import IPM
from core.runs import RunFolder
from core.runs.history import PATH
from core.runs.path import along, travelled
from core.training import checkpoint as checkpoints
from core.training.objective import Objective
from core.training.parent import start_from
from tests.training import curve, train

PARENT = "0" * 32
FEATURES = {
    "fourier": {"features": 24, "sigma": 5.0},
    "optimizer": {"kind": "gauss_newton", "damping": 1e-2, "minimum_damping": 1e-20},
    "iterations": 12,
    "collocation": {"points": 90},
}
POLYNOMIALS = {
    "chebyshev": {"degrees": [10, 9]},
    "optimizer": {"kind": "gauss_newton", "damping": 1e-3, "minimum_damping": 1e-20},
    "iterations": 8,
    "collocation": {"sampler": "gauss", "points": 132, "shape": [12, 11]},
}


def gclm(a, **path):
    data = {"problem": {"kind": "gclm", "a": a}, "stages": [FEATURES]}
    return parse_config(data | ({"parent": PARENT, "continuation": {"path": "a", **path}} if path else {}))


def started(config, folder):
    """The start of a run from the run in another folder."""
    stored = checkpoints.load(folder / "checkpoints" / "last.pt")
    return start_from(config, stored.config.problem, stored.solution, print)


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """The folder of a run of gCLM at a = −0.5."""
    folder = tmp_path_factory.mktemp("solved")
    train(gclm(-0.5), folder)
    return folder


@pytest.fixture(scope="module")
def whole(solved, tmp_path_factory):
    """The config, the folder and the outcome of a run from a = −0.5 to −0.7 that nothing interrupted."""
    config, folder = gclm(-0.7, first_step=0.3), tmp_path_factory.mktemp("whole")
    return config, folder, train(config, folder, parent=started(config, solved))


def steps(folder):
    return RunFolder(folder).path_steps()


# -- the description --------------------------------------------------------------------------------------------------


def test_configs_from_before_there_were_paths_keep_their_hash():
    assert parse_config({"problem": {"kind": "gclm"}}).hash.startswith("40d532a491b1")
    assert parse_config({"problem": {"kind": "boussinesq"}}).hash.startswith("da032f15ce70")
    assert "continuation" not in parse_config({"problem": {"kind": "heat1d"}}).canonical_json()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"continuation": {"path": "b"}}, "has no numeric parameter 'b'; it has scale, focus, focus_width, a"),
        ({"continuation": {"path": "kind"}}, "no numeric parameter 'kind'"),
        ({"continuation": {"path": "scale"}}, "scale is empty here, so nothing leads to it"),
        ({"continuation": {"path": "a"}, "parent": None}, "a path starts from the solution of a parent run"),
        ({"continuation": {"path": "a", "smallest_step": 0.5}}, "0.5 is more than first_step, 0.1"),
        ({"continuation": {"path": "a", "target_residual": 0}}, "target_residual"),
        ({"continuation": {"path": "x"}, "problem": {"kind": "poisson2d"}}, "'x'; it has none"),
    ],
)
def test_a_path_that_is_none_is_one_line(change, line):
    with pytest.raises(ConfigError) as refused:
        parse_config({"problem": {"kind": "gclm"}, "parent": PARENT, **change})
    assert line in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "problem", "solved", "line"),
    [
        ("a", GCLM(a=-1.0), CCF(), "The parent run solves ccf, this one gclm: no path along a leads"),
        ("order", Boussinesq(order=1), IPM(), "solves ipm, this one boussinesq: no path along order"),
        ("epsilon", Boussinesq(order=1), IPM(), "differs in order too: it has order = 0, this run 1"),
        ("a", GCLM(a=-1.0), GCLM(a=-1.0), "The parent has a = -1 as this run has"),
        ("a", GCLM(a=-1.0), GCLM(a=-0.5, scale=2.0), "goes along a alone, and the parent differs in scale too"),
        ("scale", GCLM(scale=1.0), GCLM(), "The parent has no value of scale"),
        ("order", CCF(order=1), CCF(), "no start for each other"),
    ],
)
def test_a_parent_from_which_no_path_leads_is_one_line(name, problem, solved, line):
    with pytest.raises(LabError) as refused:
        start_of_path(name, problem, solved)
    assert line in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_path_goes_by_equal_steps_or_ratios_and_ends_where_it_should():
    assert along(-0.5, -1.2, 0.5) == pytest.approx(-0.85)
    assert along(0.3, 0.1, 0.5) == pytest.approx(0.2)
    assert along(1e-3, 10.0, 0.25) == pytest.approx(1e-2)  # a decade or more
    assert along(0.1, 0.01, 0.5) == pytest.approx(0.1**1.5)
    assert along(-0.01, 1.0, 0.5) == pytest.approx(0.495)  # ratios would not lead through zero
    assert [along(1, 4, k / 3, whole=True) for k in range(4)] == [1, 2, 3, 4]
    assert along(0.1, 0.7, 1.0) == 0.7


# -- on the way -------------------------------------------------------------------------------------------------------


def test_lambda_follows_a_far_path_and_all_of_it_is_written_down(solved, tmp_path):
    config = gclm(-1.2, target_residual=1e-3)
    outcome = train(config, tmp_path, parent=started(config, solved))
    assert float(outcome.solution.lam.detach()) == pytest.approx(1.41234, abs=0.03)
    assert outcome.solution.problem == config.problem
    assert len(outcome.solution.networks) == 1  # features take the parent's place
    found = steps(tmp_path)
    assert [step.fault for step in found] == [""] * len(found)
    assert found[-1].value == -1.2
    assert np.diff([abs(step.value) for step in found]).max() > 0.1  # an easy step doubles the next
    rows = curve(tmp_path, ("phase", "lambda", "iteration"))
    on_path = rows["phase"] == PATH
    assert on_path.sum() == sum(step.iterations for step in found) == found[-1].total
    assert rows["lambda"][on_path][-1] == pytest.approx(found[-1].lambda_, abs=1e-3)
    assert travelled(found) == f"a from -0.5 to -1.2 in {len(found)} steps"


def test_a_run_that_was_interrupted_anywhere_on_its_path_goes_on_bit_for_bit(solved, whole, tmp_path):
    config, uninterrupted, outcome = whole
    count = sum(step.iterations for step in steps(uninterrupted))
    assert count > 5
    for after in (1, count - 1, count):
        folder = tmp_path / str(after)
        asked = iter(range(1, 1000))
        first = train(
            config, folder, wanted=lambda asked=asked, n=after: "pause" if next(asked) == n else None,
            parent=started(config, solved),
        )  # fmt: skip
        assert first.wanted == "pause"
        assert ("on its path to a = -0.7, at a = -0." in first.underway) == (after < count)
        kept = checkpoints.load(folder / "checkpoints" / "last.pt")
        if after < count:  # whoever looks at it, or starts from it, knows at which a it stands
            assert -0.7 <= kept.solution.problem.a < -0.5
        second = train(config, folder, resume=True, parent=started(config, solved))
        assert steps(folder) == steps(uninterrupted)
        for name, values in curve(folder).items():
            np.testing.assert_array_equal(values, curve(uninterrupted)[name], err_msg=f"{name} after {after}")
        for a, b in zip(second.solution.parameters(), outcome.solution.parameters(), strict=True):
            assert (a == b).all()


def test_a_run_that_was_killed_inside_a_step_does_that_step_again_bit_for_bit(solved, whole, tmp_path):
    config, uninterrupted, _ = whole
    first, second = (step.iterations for step in steps(uninterrupted)[:2])
    assert second > 1
    asked = iter(range(1, 1000))

    def killed():
        if next(asked) > first + 1:  # in the second step
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "killed", wanted=killed, parent=started(config, solved))
    assert len(curve(tmp_path / "killed")["loss"]) == first + 2
    train(config, tmp_path / "killed", resume=True)
    assert steps(tmp_path / "killed") == steps(uninterrupted)
    for name, values in curve(tmp_path / "killed").items():
        np.testing.assert_array_equal(values, curve(uninterrupted)[name], err_msg=name)


def test_a_step_that_fails_is_taken_back_and_halved(solved, tmp_path):
    config = gclm(-1.0, first_step=1.0, iterations=3, target_residual=1e-3)
    outcome = train(config, tmp_path, parent=started(config, solved))
    found = steps(tmp_path)
    failed = [step for step in found if step.fault]
    assert failed[0].value == -1.0
    assert "its residual is still" in failed[0].fault
    assert found[len(failed)].value > -1.0
    assert "more taken back" in travelled(found)
    assert float(outcome.solution.lam.detach()) == pytest.approx(1.18078, abs=0.03)


def test_a_path_without_a_step_that_succeeds_says_where_it_ends_and_keeps_what_it_has(solved, tmp_path):
    config = gclm(-1.0, first_step=0.2, smallest_step=0.1, iterations=2, target_residual=1e-9)
    parent = started(config, solved)
    lam, points = float(parent.lam), np.linspace(0, 20, 50)[:, None]
    before = parent.evaluate(points)["Omega"]
    with pytest.raises(TrainingError, match=r"ends at -0.5, before -1: at -0.55 .* less than 0.1 of"):
        train(config, tmp_path, parent=parent)
    kept = checkpoints.load(tmp_path / "checkpoints" / "last.pt")
    assert (kept.config.problem.a, float(kept.solution.lam)) == (-0.5, lam)
    assert kept.solution.evaluate(points)["Omega"] == pytest.approx(before, abs=1e-6)
    further = gclm(-0.55, target_residual=1e-2)  # another run starts from there
    outcome = train(further, tmp_path / "further", parent=started(further, tmp_path))
    assert float(outcome.solution.lam.detach()) == pytest.approx(0.65641, abs=1e-3)


def test_a_lambda_that_jumps_to_another_profile_is_a_failed_step(solved, tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.path_phase.JUMP", 1e-5)
    config = gclm(-0.7, first_step=0.5, smallest_step=0.3)
    with pytest.raises(TrainingError, match=r"λ jumped to 0\.\d+, and 0\.\d+ was expected"):
        train(config, tmp_path, parent=started(config, solved))


def test_a_step_at_which_the_origin_has_no_root_is_a_failed_step(solved, tmp_path, monkeypatch):
    settle, asked = Objective.settle_lambda, iter([False])
    monkeypatch.setattr(Objective, "settle_lambda", lambda self: next(asked, True) and settle(self))
    data = gclm(-0.6, first_step=1.0).model_dump(mode="json", by_alias=True) | {"lambda": {"mode": "analytic"}}
    config = parse_config(data)
    outcome = train(config, tmp_path, parent=started(config, solved))
    first, second, *_ = steps(tmp_path)
    assert (first.value, first.iterations, first.rms_residual) == (-0.6, 0, np.inf)
    assert "the condition at the origin has no root" in first.fault
    assert (second.value, second.fault) == (-0.55, "")
    assert float(outcome.solution.lam.detach()) == pytest.approx(0.715, abs=0.01)


def test_any_number_of_a_problem_is_a_path_and_a_plain_network_corrects_along_it(tmp_path):
    def heat(diffusivity, **path):
        stage = {"iterations": 15, "collocation": {"points": 150}, "warmup": {"iterations": 3}}
        data = {
            "problem": {"kind": "heat1d", "diffusivity": diffusivity}, "network": {"hidden": [10]}, "stages": [stage],
        }  # fmt: skip
        return parse_config(data | ({"parent": PARENT, "continuation": {"path": "diffusivity"} | path} if path else {}))

    train(heat(0.1), tmp_path / "first")
    config = heat(0.3, first_step=0.5, target_residual=5e-3)
    outcome = train(config, tmp_path / "second", parent=started(config, tmp_path / "first"))
    assert len(outcome.solution.networks) == 2
    assert [step.value for step in steps(tmp_path / "second")] == [0.2, 0.3]
    assert outcome.records[0].max_residual < 0.1
    x = np.random.default_rng(0).random((200, 2))
    assert outcome.solution.evaluate(x)["u"] == pytest.approx(config.problem.exact(x)["u"], abs=0.02)
    assert 0 not in curve(tmp_path / "second")["phase"]  # a warm-up is for networks that know nothing yet


# -- profiles above a wall --------------------------------------------------------------------------------------------


def wall(kind, order=0, **more):
    data = {"problem": {"kind": kind, "order": order}, "stages": [POLYNOMIALS], "lambda": {"mode": "fixed"}}
    return parse_config(data | more)


@pytest.fixture(scope="module")
def porous(tmp_path_factory):
    """The folder of a coarse run of IPM."""
    folder = tmp_path_factory.mktemp("porous")
    train(wall("ipm"), folder)
    return folder


def test_ipm_becomes_boussinesq_along_epsilon(porous, tmp_path):
    path = {"path": "epsilon", "first_step": 0.5, "target_residual": 5e-2}
    config = wall("boussinesq", parent=PARENT, continuation=path, **{"lambda": {}})
    asked = iter(range(1, 1000))
    first = train(
        config, tmp_path, wanted=lambda: "pause" if next(asked) == 2 else None, parent=started(config, porous)
    )
    assert first.solution.problem == Boussinesq(epsilon=0.5)
    outcome = train(config, tmp_path, resume=True)
    assert [step.value for step in steps(tmp_path)] == [0.5, 1.0]
    assert outcome.solution.problem == Boussinesq()
    assert float(outcome.solution.lam.detach()) == pytest.approx(Boussinesq().reference_lambda(), abs=0.1)


def test_a_path_interrupted_while_its_features_are_searched_for_begins_anew(porous, tmp_path):
    path = {"path": "epsilon", "first_step": 1.0, "target_residual": 1.0}
    few = FEATURES | {"fourier": {"features": 24, "sigma": "search"}, "iterations": 2}
    config = wall("boussinesq", parent=PARENT, continuation=path, stages=[few])
    first = train(config, tmp_path, wanted=lambda: "pause", parent=started(config, porous))
    assert (first.wanted, first.underway) == ("pause", "It was interrupted before its path began.")
    assert not RunFolder(tmp_path).has_checkpoint  # there is nothing to go on from but the parent
    assert train(config, tmp_path, parent=started(config, porous)).solution.problem == Boussinesq()


def test_boussinesq_without_inertia_takes_the_profile_of_ipm_over(porous):
    start = Boussinesq(epsilon=0.0)
    ipm = checkpoints.load(porous / "checkpoints" / "last.pt").solution
    x = np.random.default_rng(1).random((40, 2))
    jets = coordinates(torch.as_tensor(x), ipm.layout)
    ipm.requires_grad_(False)
    lam = ipm.lam.expand(len(x))
    raw = [Jet(output, ipm.layout) for output in ipm.raw(ipm.features(jets, lam)).unbind(-1)]
    f, h, s = start.taken_over(ipm.problem, raw, jets, lam)
    fields = ipm.evaluate(x)
    w, z = torch.as_tensor(x).T
    omega = w * (1 - w) * (1 - z * z).sqrt() * start.vorticity({"h": Jet(h[None], ipm.layout)}, w, z, lam)
    np.testing.assert_allclose(omega.numpy(), fields["Omega"], rtol=1e-12)
    assert (f == raw[0].value).all()
    assert (s == raw[1].value).all()


def test_a_path_to_another_equation_needs_a_first_stage_that_is_linear(porous):
    data = {"problem": {"kind": "boussinesq"}, "parent": PARENT, "continuation": {"path": "epsilon"}}
    with pytest.raises(LabError, match="needs a first stage that is linear in its weights"):
        started(parse_config(data), porous)


def test_lambda_is_free_on_the_way_and_kept_at_its_start_where_the_run_says_so(solved, tmp_path):
    data = gclm(-0.6, first_step=0.5).model_dump(mode="json", by_alias=True)
    for mode, start in (({"mode": "fixed"}, GCLM(a=-0.6).lambda_start()), ({"mode": "fixed", "start": 0.7}, 0.7)):
        folder = tmp_path / str(start)
        config = parse_config(data | {"lambda": mode})
        outcome = train(config, folder, parent=started(config, solved))
        assert steps(folder)[-1].lambda_ == pytest.approx(0.715, abs=0.01)
        assert float(outcome.solution.lam) == start


def test_orders_go_by_ones_with_the_lambda_of_each(porous, tmp_path):
    path = {"path": "order", "target_residual": 1.0}
    config = wall("ipm", 2, parent=PARENT, continuation=path)
    train(config, tmp_path, parent=started(config, porous))
    assert [(step.value, step.lambda_) for step in steps(tmp_path)] == [
        (n, IPM(order=n).lambda_start()) for n in (1, 2)
    ]
    hopeless = wall("ipm", 2, parent=PARENT, continuation=path | {"target_residual": 1e-9})
    with pytest.raises(TrainingError, match=r"at 1 its residual is still .* whole numbers go by ones"):
        train(hopeless, tmp_path / "hopeless", parent=started(hopeless, porous))
