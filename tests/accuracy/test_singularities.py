"""λ of self-similar blow-up, untuned: published digits, an independent solver, and what is not claimed."""

import numpy as np
import pytest

from core.problems.ccf import PUBLISHED
from core.runs import run_folder
from core.runs.funnel import bracket
from core.tracking import store
from tests.spectral import stable_lambda

pytestmark = pytest.mark.accuracy


@pytest.mark.parametrize(
    ("order", "seed", "error", "residual"),
    [
        (0, 1, 1e-11, 1e-11),
        pytest.param(1, 2, 1e-11, 1e-9, marks=pytest.mark.proof),
        pytest.param(2, 0, 1e-5, 1e-6, marks=pytest.mark.proof),
    ],
)
def test_ccf_of_every_published_order(train, order, seed, error, residual):
    result = train("ccf", f"problem.order={order}", f"seed={seed}")
    assert result["lambda_reference"] == PUBLISHED[order]
    assert result["lambda_error"] <= error
    certificate = result["certificate"]
    assert certificate["max_residual"] <= residual
    assert certificate["holds"] == (certificate["max_residual"] <= 1e-8)
    if order < 2:  # what is claimed holds the published value, which is exact to 1e-13
        assert result["lambda_error"] <= certificate["lambda_uncertainty"] + 1e-13
    else:  # an independent solver has 0.471324227767 (arXiv 2511.22819: 0.47132422); the published digits end before
        assert abs(result["lambda"] - 0.471324227767) <= 1e-10


@pytest.mark.proof
def test_gclm_agrees_with_a_spectral_solver(train):
    result = train("gclm", "problem.a=-0.6")
    reference, residual = stable_lambda(-0.6, result["lambda"] + 0.01, 2 * float(np.exp(0.92 * -0.6)))
    assert residual <= 1e-11
    assert abs(result["lambda"] - reference) <= 1e-10
    assert result["certificate"]["max_residual"] <= 1e-8
    assert result["max_residual"] <= 1e-10  # the dense grid has the origin itself, and agrees
    assert result["certificate"]["lambda_uncertainty"] <= 1e-11


def test_clm_is_exact(train):
    result = train("gclm", "problem.a=0.0")
    assert result["lambda_error"] <= 1e-11
    assert result["relative_l2_error"] <= 1e-12
    assert result["certificate"]["max_residual"] <= 1e-10


@pytest.mark.proof
def test_the_funnel_finds_the_unstable_profile_from_a_lambda_that_is_off(train):
    result = train("ccf-funnel")
    assert result["lambda_error"] <= 1e-8
    points = run_folder(result["run_id"]).funnel()
    assert points[0].lambda_ == 0.61
    assert bracket(points) is not None
    assert abs(points[-1].lambda_ - PUBLISHED[1]) < 1e-4


def test_a_funnel_without_a_sign_change_claims_nothing(train):
    settings = ("lambda.start=0.9", "lambda.relax=5", "stages.0.iterations=30")
    result = train("ccf-funnel", *settings)
    assert result["state"] == "finished"
    assert not result["certificate"]["holds"]
    reason = store.get_run(result["run_id"]).tags["lab.reason"]
    assert "no sign change" in reason
    assert result["iterations"] == 30  # no later stage released λ


def test_an_order_nobody_found_is_not_claimed(train):
    result = train("ccf", "problem.order=3")
    record = store.get_run(result["run_id"])
    assert "none of order 3 was found" in record.tags["lab.reason"]
    assert "lambda_error" not in result
