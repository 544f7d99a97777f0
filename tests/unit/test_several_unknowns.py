"""Several unknown numbers of one equation, found from data: values, history, standard errors, checkpoint, replay."""

import numpy as np
import pytest
import torch

from core.config import parse_config
from core.datasets import add
from core.errors import ConfigError
from core.execution.unknown_numbers import standard_errors
from core.problems.equation import Equation
from core.problems.exact_samples import exact_samples
from core.reports.summary import summary
from core.runs import RunFolder
from core.training import checkpoint as checkpoints
from core.training.measure import Measures
from core.training.train import train

D, K = 0.08, 0.5
"""Of diffusion and growth, as the data have them."""
PROBLEM = {
    "kind": "equation",
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "unknowns": {"D": {"start": 0.2, "low": 0}, "k": 0},
    "equations": ["u_t = D*u_xx + k*u"],
    "conditions": [{"on": "boundary", "that": "u = 0"}],
    "exact": {
        "u": f"exp(({K} - {D}*pi^2)*t)*sin(pi*x) + exp(({K} - 4*{D}*pi^2)*t)*sin(2*pi*x)/2",
        "D": f"{D}",
        "k": f"{K}",
    },
    "dataset": "measured.csv",
}
STAGE = {
    "fourier": {"features": 40, "sigma": 2.0},
    "optimizer": {"kind": "gauss_newton", "damping": 1e-8, "minimum_damping": 1e-32},
    "iterations": 40,
    "collocation": {"points": 250, "sampler": "chebyshev"},
}


def measure():
    """Put the data into the lab home of the moment."""
    add("measured.csv", exact_samples(Equation(**PROBLEM), 300, noise=0.01))


@pytest.fixture(autouse=True)
def data(found):
    """Each test has a lab home of its own."""
    measure()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A run that has looked for both in data with noise: its config, folder and outcome."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(home))
        measure()
        config = parse_config({"problem": PROBLEM, "stages": [STAGE]})
        folder = RunFolder(home / "run")
        yield config, folder, train(config, folder, say=lambda line: None)


def test_both_are_found_as_well_as_their_standard_errors_say(found):
    config, _, outcome = found
    values, errors = outcome.solution.values_of_unknowns(), standard_errors(config, outcome.solution)
    assert list(values) == list(errors) == ["D", "k"]
    for name, exact in (("D", D), ("k", K)):
        assert 0 < errors[name] < 0.05 * exact
        assert abs(values[name] - exact) < 4 * errors[name]
    assert config.problem.references_of_unknowns() == {"D": D, "k": K}


def test_each_stands_in_every_row_of_the_history_and_in_the_last_checkpoint(found):
    _, folder, outcome = found
    columns, values = folder.history_columns(), outcome.solution.values_of_unknowns()
    assert columns["lambda"][-1] == values["D"]
    assert columns["unknown_k"][-1] == values["k"]
    assert np.isfinite(columns["unknown_k"]).all()
    saved = checkpoints.load(folder.last).solution
    assert saved.values_of_unknowns() == values
    points = np.random.default_rng(0).random((5, 2))
    for name, values in outcome.solution.evaluate(points).items():  # residuals too, which both numbers are in
        np.testing.assert_array_equal(saved.evaluate(points)[name], values)


def test_a_run_of_the_config_in_force_finds_the_same_to_the_bit(found, tmp_path):
    config, _, outcome = found
    effective = {}
    again = train(config, RunFolder(tmp_path / "again"), say=lambda line: None, in_force=effective.update)
    assert again.solution.values_of_unknowns() == outcome.solution.values_of_unknowns()
    assert effective["problem"]["unknowns"]["k"]["start"] == 0


def test_the_summary_has_all_with_what_they_are_known_to(found):
    config, _, outcome = found
    measures = Measures(1.0, 1.0, lambda_=0.08, unknowns={"D": 0.08, "k": 0.5}, references={"k": 0.5})
    text = summary("run", "finished", config, measures, outcome.records, 1.0, {}, spreads={"D": 1e-4, "k": 2e-3})
    assert "| D | 0.08 ± 1.0e-04 |" in text
    assert "| k | 0.5 ± 2.0e-03 (exactly 0.5) |" in text


def test_a_step_that_takes_one_out_of_its_range_is_none_and_a_column_is_the_slope_in_each(found):
    from core.datasets.pinning import samples_of
    from core.training.objective import Objective
    from core.training.points import collocation

    config, _, outcome = found
    solution = outcome.solution
    solution.free_unknowns()
    objective = Objective(solution, collocation(config, config.stages[0], 0, 0), samples=samples_of(config.problem))
    _, r, J = objective.linearise()
    step = torch.zeros(J.shape[1], dtype=torch.float64)
    step[-1] = 1e-6
    moved = objective.mover().rows(step)
    torch.testing.assert_close((moved - r) / 1e-6, J[:, -1], atol=1e-6, rtol=1e-6)
    objective.mover().move(-step)
    narrow = PROBLEM | {"unknowns": {"D": 0.2, "k": {"start": 0, "low": -1, "high": 0.6}}}
    solution.problem = Equation(**narrow)
    step[-1] = 1.0
    assert np.isnan(objective.mover()(step))
    assert "only values from -1 to 0.6 mean something" in objective.rejected_further
    with pytest.raises(ConfigError, match="low"):
        parse_config({"problem": PROBLEM | {"unknowns": {"D": 1, "k": {"start": 3, "low": 4}}}, "stages": [STAGE]})


def test_a_sum_of_stages_has_all_of_them(found):
    _, _, outcome = found
    points = np.random.default_rng(0).random((40, 2))
    whole, first = outcome.solution.evaluate(points), outcome.solution.first_stages(None).evaluate(points)
    for name, value in whole.items():
        np.testing.assert_array_equal(first[name], value)
