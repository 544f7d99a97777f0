"""When λ is released: after so many iterations, sooner where nothing is left to gain, or by a later stage."""

import numpy as np
import pytest

from core.config import parse_config
from core.errors import ConfigError
from core.problems.ipm import IPM
from core.training.parent import start_from
from tests.training import curve, train

STAGE = {
    "begins": "fitted",
    "chebyshev": {"degrees": [9, 8]},
    "optimizer": {"kind": "gauss_newton", "damping": 1e-3},
    "iterations": 25,
    "collocation": {"sampler": "gauss", "points": 110, "shape": [11, 10]},
}


def config(stages=2, order=0, **lam):
    return parse_config({"problem": {"kind": "ipm", "order": order}, "lambda": lam, "stages": [STAGE] * stages})


def rows(folder):
    """Of a run: the stage of each row and its λ."""
    found = curve(folder, ("stage", "lambda"))
    return found["stage"], found["lambda"]


def test_a_stage_releases_it_and_the_ones_before_end_as_if_it_were_known(tmp_path):
    outcome = train(config(release_stage=2), tmp_path)
    stage, lam = rows(tmp_path)
    start = IPM().lambda_start()
    assert (lam[stage == 0] == start).all()
    assert abs(lam[-1] - start) > 1e-5
    assert "no damping decreases the loss" in outcome.records[0].ended
    assert (stage == 0).sum() < 25  # nothing was left to gain: it did not go on, λ free


def test_it_is_released_sooner_where_nothing_is_left_to_gain(tmp_path):
    train(config(1, release_after=24), tmp_path)
    _, lam = rows(tmp_path)
    moved = np.flatnonzero(lam != lam[0])
    assert 5 < moved[0] < 23


def test_a_solution_whose_lambda_was_free_is_a_start_at_which_it_is_not(tmp_path):
    first = config(1, release_after=0)
    solution = train(first, tmp_path / "first").solution
    assert solution.lam.requires_grad
    second = config(order=1, release_stage=2)
    parent = start_from(second, first.problem, solution, print)
    train(second, tmp_path / "second", parent=parent)
    stage, lam = rows(tmp_path / "second")
    assert (lam[stage == 0] == IPM(order=1).lambda_start()).all()


def test_a_stage_that_is_not_there_can_not_release_it():
    with pytest.raises(ConfigError, match=r"release_stage: 3, and there are 2 stages"):
        config(release_stage=3)


def test_a_step_refused_while_it_waits_for_the_last_time_ends_nothing(tmp_path):
    undamped = {"kind": "gauss_newton", "damping": 1e-32, "minimum_damping": 1e-32}
    stages = [STAGE, STAGE | {"optimizer": undamped, "iterations": 9}]
    # on the same grid the first stage left nothing to gain at this λ: every undamped step is refused until it is free
    lam = {"release_stage": 2, "release_after": 1}
    train(parse_config({"problem": {"kind": "ipm"}, "lambda": lam, "stages": stages}), tmp_path)
    _, found = rows(tmp_path)
    assert abs(found[-1] - IPM().lambda_start()) > 1e-5


def test_it_is_released_at_the_same_iteration_of_a_stage_with_a_warm_up_that_is_interrupted(tmp_path):
    warm = STAGE | {"warmup": {"iterations": 6}, "iterations": 8}
    data = {"problem": {"kind": "ipm"}, "lambda": {"release_stage": 2, "release_after": 4}}
    data["stages"] = [STAGE | {"iterations": 2}, warm]
    train(parse_config(data), tmp_path / "straight")
    asked = iter(range(1, 100))
    broken = parse_config(data)
    assert train(broken, tmp_path / "broken", lambda: "pause" if next(asked) == 10 else None).wanted == "pause"
    train(broken, tmp_path / "broken", resume=True)
    whole, resumed = (curve(tmp_path / name) for name in ("straight", "broken"))
    for name, values in whole.items():
        np.testing.assert_array_equal(values, resumed[name], err_msg=name)
    assert np.flatnonzero(np.diff(whole["lambda"]))[0] + 1 == 2 + 6 + 4
