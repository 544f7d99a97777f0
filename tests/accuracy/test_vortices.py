"""Vortices as a user finds them, by both presets: the bar on the residual, and what a shooting solver finds."""

import pytest

from benchmarks.gp_vortices import MOST_RESIDUAL, against_shooting
from core.home import home
from tests.vortices import shoot

pytestmark = pytest.mark.accuracy


@pytest.mark.parametrize(("preset", "charge", "seed"), [("gp-vortex", 30, 2), ("gp-vortex-polynomials", 1, 0)])
def test_a_vortex_of_any_charge_whatever_the_seed(train, preset, charge, seed):
    result = train(preset, f"problem.charge={charge}", f"seed={seed}")
    assert result["state"] == "finished"
    assert result["max_residual"] <= MOST_RESIDUAL
    beside = against_shooting(result, home().root, shoot(charge))
    assert beside["a_relative_error"] <= 2e-13
    assert beside["f_error"] <= 1e-13
