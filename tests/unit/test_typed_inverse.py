"""Fields found from data: where they start, how smooth they are held, data whose truth is known."""

import numpy as np
import pytest
import torch

from core.config import parse_config
from core.datasets import add
from core.datasets.pinning import samples_of
from core.errors import ConfigError, LabError
from core.jets import coordinates
from core.networks.solution import Solution
from core.presets import presets
from core.presets.samples import SAMPLES
from core.problems.equation import Equation
from core.problems.exact_samples import exact_samples
from core.problems.typed.ansatz import Derivatives
from tests.training import train

DARCY = {
    "kind": "equation",
    "coordinates": {"x": [0, 2], "y": [0, 1]},
    "fields": ["u", "a"],
    "coefficients": ["a"],
    "equations": ["-div(a*grad(u)) = 0"],
    "conditions": [{"on": "boundary", "that": "u = 0"}],
    "manufactured": True,
    "exact": {"u": "sin(pi*x/2)*sin(pi*y)", "a": "1 + x*y^2"},
    "dataset": "mine.csv",
}


def test_a_field_found_from_data_starts_at_one_or_where_it_is_said():
    def starts(**changes):
        problem = Equation(**DARCY | changes)
        network = Solution(problem, None)
        x = coordinates(torch.rand(5, 2, dtype=torch.float64), network.layout)
        zero = torch.zeros(network.layout.components, 5, 2, dtype=torch.float64)
        return network.fields(zero, x, None)["a"].value, x

    assert torch.equal(starts()[0], torch.ones(5, dtype=torch.float64))
    found, x = starts(start={"a": "2 + x"})
    assert torch.allclose(found, 2 + x[0].value)


@pytest.mark.parametrize(
    "start, line",
    [({"b": "1"}, "'b' is no field"), ({"a": "u"}, "a field in a start"), ({"a": "1/0"}, "division by 0")],
)
def test_a_start_that_cannot_be_is_told_at_its_field(start, line):
    with pytest.raises(ConfigError) as caught:
        parse_config({"problem": DARCY | {"start": start}})
    assert line in str(caught.value)
    assert f"problem.start.{next(iter(start))}" in str(caught.value)


def test_a_dataset_measures_something_and_a_start_that_is_not_used_is_said():
    with pytest.raises(ConfigError, match="measures no field"):
        parse_config({"problem": DARCY | {"unmeasured": ["u"]}})
    words = Equation(**DARCY | {"start": {"u": "x"}}).how_conditions_are_met
    assert words[-1] == "u starts as its conditions say: where it is to start is not looked at."


def test_smoothness_is_the_weight_of_second_derivatives_over_the_unit_cube():
    problem = Equation(**DARCY | {"smoothness": 0.1})
    assert problem.residual_names == ("equation", "smooth_a_xx", "smooth_a_xy", "smooth_a_yy")
    solution = Solution(problem, None)
    x = coordinates(torch.rand(7, 2, dtype=torch.float64), solution.layout)
    u = {name: Derivatives(node, problem.coordinates)(x) for name, node in problem.system.exact.items()}
    rows = problem.residuals("interior", u, x, None)
    assert rows["equation"].abs().max() < 1e-12
    xs, ys = x[0].value, x[1].value
    assert torch.allclose(rows["smooth_a_xx"], torch.zeros_like(xs), atol=1e-14)
    assert torch.allclose(rows["smooth_a_xy"], 0.1 * 2**0.5 * 2 * 2 * ys)
    assert torch.allclose(rows["smooth_a_yy"], 0.1 * 2 * xs)
    assert Equation(**DARCY).residual_names == ("equation",)
    assert {"smoothness", "start"}.isdisjoint(Equation(**DARCY).model_dump(by_alias=True)), (
        "older hashes are as they were"
    )


def test_samples_of_an_exact_solution_are_the_same_everywhere_and_as_noisy_as_said():
    problem = Equation(**DARCY)
    exact, noisy = exact_samples(problem, 2000), exact_samples(problem, 2000, noise=0.05, seed=0)
    assert exact == exact_samples(problem, 2000)
    assert exact.startswith(b"x,y,u\n")
    rows, others = (np.loadtxt(data.decode().splitlines(), delimiter=",", skiprows=1) for data in (exact, noisy))
    assert np.array_equal(rows[:, :2], others[:, :2])
    assert np.allclose(rows[:, 2], problem.exact(rows[:, :2])["u"], atol=1e-15)
    assert np.isclose((others - rows)[:, 2].std(), 0.05, rtol=0.05)
    with pytest.raises(LabError, match="no exact solution"):
        exact_samples(Equation(**DARCY | {"exact": {}, "manufactured": False}), 10)
    with pytest.raises(LabError, match="measures no field"):
        exact_samples(Equation(**DARCY | {"dataset": None}), 10)


def test_every_sample_is_the_dataset_of_a_preset():
    learning = [preset for preset in presets().values() if preset.config.problem.uses_data]
    named = {preset.config.problem.dataset for preset in learning}
    assert named == set(SAMPLES)


def test_a_field_is_found_from_samples(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    add("mine.csv", exact_samples(Equation(**DARCY), 200))
    stage = {
        "chebyshev": {"degrees": [7, 7]},
        "optimizer": {"kind": "gauss_newton", "damping": 1e-8, "minimum_damping": 1e-32},
        "iterations": 12,
        "collocation": {"sampler": "gauss", "points": 100, "shape": [10, 10]},
    }
    config = parse_config({"problem": DARCY, "stages": [stage]})
    outcome = train(config, tmp_path / "run")
    assert len(samples_of(config.problem).points) == 200
    points = np.random.default_rng(1).random((100, 2)) * [2, 1]
    found, exact = outcome.solution.evaluate(points)["a"], config.problem.exact(points)["a"]
    assert np.linalg.norm(found - exact) < 3e-3 * np.linalg.norm(exact)


def test_the_preset_for_noisy_samples_finds_its_field_within_the_noise(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    config = presets()["typed-darcy-noisy"].config
    add(config.problem.dataset, SAMPLES[config.problem.dataset]())
    outcome = train(config, tmp_path / "run")
    points = np.random.default_rng(1).random((400, 2))
    found, exact = outcome.solution.evaluate(points)["a"], config.problem.exact(points)["a"]
    assert np.linalg.norm(found - exact) < 3e-2 * np.linalg.norm(exact)
    data = samples_of(config.problem)
    left = outcome.solution.evaluate(data.points)["u"] - data.values["u"]
    largest = np.abs(config.problem.exact(data.points)["u"]).max()
    assert np.isclose(left.std(), 0.01 * largest, rtol=0.1), "what is left of the data is their noise"
