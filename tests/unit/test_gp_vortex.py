"""Vortices: the residual is the equation's, origin and far field are exact, and shooting finds the same profile."""

import math

import numpy as np
import pytest

from core.config import parse_config
from core.errors import ConfigError
from core.presets import presets
from core.problems.gp_vortex import GPVortex
from core.runs import RunFolder
from core.training.train import train
from tests.unit.test_problems import random_solution
from tests.vortices import shoot

CHARGES = (1, 2, 30)


def differences(values, h):
    """First and second derivative from values (n, 7) at −3h … 3h, of sixth order."""
    first = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60
    second = np.array([2, -27, 270, -490, 270, -27, 2]) / 180
    return values @ first / h, values @ second / h**2


@pytest.mark.parametrize("n", CHARGES)
def test_the_residual_is_that_of_the_equation_as_it_is_written(n):
    r = np.linspace(0.7, 3.0, 24) * max(1, n)
    h = 2e-3 * r[0]
    at = (r[:, None] + h * np.arange(-3, 4)).reshape(-1, 1)
    values = random_solution(GPVortex(charge=n)).evaluate(at)
    f = values["f"].reshape(-1, 7)
    first, second = differences(f, h)
    f = f[:, 3]
    equation = second + first / r - n**2 / r**2 * f + (1 - f**2) * f
    shown = values["residual_vortex"].reshape(-1, 7)[:, 3]
    size = np.abs(f).max() * (1 + n / r[0]) ** 2
    np.testing.assert_allclose(shown * f / (1 + (r / n) ** 2), equation, atol=1e-7 * size)
    np.testing.assert_allclose(values["f_r"].reshape(-1, 7)[:, 3], first, atol=1e-9 * size)


@pytest.mark.parametrize("n", CHARGES)
def test_any_network_begins_as_a_power_and_goes_to_one(n):
    problem = GPVortex(charge=n)
    far = problem.axis(0, 5)[-1]
    near = 10.0 ** np.array([-300.0, -20.0, -9.0, -5.0])
    values = random_solution(problem).evaluate(np.concatenate([[0.0], near, [far]])[:, None])
    a = math.exp(values["log_a"][0])
    assert values["f"][0] == 0
    assert values["f_r"][0] == (pytest.approx(a, rel=1e-13) if n == 1 else 0)
    np.testing.assert_allclose(values["f"][1:-1], a * near**n, rtol=1e-8)  # 0 where that is less than float64 has
    assert values["f"][-1] == pytest.approx(1, abs=1e-4)
    assert all(np.isfinite(found).all() for found in values.values())


@pytest.fixture(scope="module", params=CHARGES)
def trained(request, tmp_path_factory):
    """A charge, and its solution by the preset of polynomials."""
    config = presets()["gp-vortex-polynomials"].config.model_copy(update={"problem": GPVortex(charge=request.param)})
    return request.param, train(config, RunFolder(tmp_path_factory.mktemp("vortex"))).solution


def test_polynomials_reach_the_profile_that_shooting_finds(trained):
    n, solution = trained
    assert np.abs(solution.evaluate(solution.problem.axis(0, 2003)[:, None])["residual_vortex"]).max() < 1e-12
    a, path = shoot(n)
    if n == 1:
        assert a / 2 == pytest.approx(0.583189495860, abs=5e-13)  # as published
    log_a = solution.evaluate(np.zeros((1, 1)))["log_a"][0]
    assert log_a + n * math.log(2) + math.lgamma(n + 1) == pytest.approx(math.log(a), abs=3e-13)
    assert path[-1, 0] > 4 + n
    values = solution.evaluate(path[:, :1])
    np.testing.assert_allclose(values["f"], path[:, 1], atol=1e-12)
    np.testing.assert_allclose(values["f_r"], path[:, 2], atol=1e-12)


def test_the_far_field_is_that_of_the_expansion(trained):
    n, solution = trained
    r = solution.problem.scale * np.array([30.0, 100.0])
    values = solution.evaluate(r[:, None])
    expected = n**2 / (2 * r**2) + n**2 * (8 + n**2) / (8 * r**4)
    np.testing.assert_allclose(1 - values["f"], expected, rtol=1e-5, atol=1e-14)


@pytest.mark.parametrize(
    ("charge", "limit"),
    [
        (0, "0 is not allowed; it should be greater than or equal to 1"),
        (31, "31 is not allowed; it should be less than or equal to 30"),
        (1.5, "1.5 is not allowed; it should be a valid integer"),
        (True, "True is not allowed; it should be a valid integer"),
    ],
)
def test_a_charge_that_is_none_is_refused_in_one_line(charge, limit):
    with pytest.raises(ConfigError) as refused:
        parse_config({"problem": {"kind": "gp_vortex", "charge": charge}})
    assert str(refused.value) == f"problem.charge: {limit}"
