"""The presets reach what they promise, from the command line, tracked, as a user runs them."""

import pytest

from core.home import home
from core.problems.burgers_inverse import SAMPLE_VISCOSITY
from core.runs.history import read_history
from core.tracking import store

pytestmark = pytest.mark.accuracy
POISSON_2D = 1e-13
"""What two stages leave of the relative L2 error."""


@pytest.mark.parametrize(
    ("name", "bars"),
    [
        pytest.param("poisson2d-quick", {"relative_l2_error": 1e-5}, marks=pytest.mark.proof),
        ("poisson2d", {"relative_l2_error": POISSON_2D, "max_residual": 1e-12}),
        pytest.param("poisson3d", {"relative_l2_error": 1e-8}, marks=pytest.mark.proof),
        ("helmholtz", {"relative_l2_error": 1e-12, "max_residual": 1e-11}),
        ("typed-lshape", {"relative_l2_error": 1e-11}),
        ("typed-holes", {"relative_l2_error": 1e-9}),
        ("wave", {"relative_l2_error": 1e-11, "max_residual": 1e-9}),
        ("taylor-green", {"relative_l2_error": 1e-8}),
        ("burgers-profile", {"lambda_error": 1e-12, "max_error": 1e-9, "max_residual": 1e-11}),
    ],
)
def test_preset_reaches_its_accuracy(train, name, bars):
    result = train(name)
    assert result["state"] == "finished"
    for key, bar in bars.items():
        assert result[key] <= bar, result
    folder = home().run_dir(result["run_id"])
    artifacts = {item.path for item in store.client().list_artifacts(result["run_id"])}
    assert {
        "config.json",
        "summary.md",
        "residuals.png",
        "history.arrows",
        "provenance.json",
        "checkpoints",
    } <= artifacts
    record = store.get_run(result["run_id"])
    assert record.state == "finished"
    assert record.tags["provenance.seed"] == "0"
    assert record.tags["lab.config_hash"] == record.params["config_hash"] == result["config_hash"]
    columns = read_history(folder / "history.arrows").columns
    assert len(columns["iteration"]) == result["iterations"]
    assert (folder / "residuals.png").read_bytes().startswith(b"\x89PNG")


def test_second_stage_gains_orders_of_magnitude(train):
    """Without one the preset stays far above what `test_preset_reaches_its_accuracy` asks of it."""
    one = train("poisson2d", "stages.1.iterations=1", "stages.1.fourier.features=1")
    assert one["relative_l2_error"] > 1e3 * POISSON_2D


@pytest.mark.parametrize(("order", "seed"), [(0, 1), (1, 2), (2, 0)])
def test_profiles_of_any_order_whatever_the_seed(train, order, seed):
    result = train("burgers-profile", f"seed={seed}", f"problem.order={order}")
    assert result["lambda_reference"] == 1 / (2 * order + 2)
    assert result["lambda_error"] <= 1e-12
    assert result["max_residual"] <= 1e-11


@pytest.mark.proof
def test_viscosity_is_found_from_samples(train, command_line):
    assert command_line("dataset", "sample").returncode == 0
    result = train("burgers-inverse")
    assert result["state"] == "finished"
    assert abs(result["lambda"] - SAMPLE_VISCOSITY) <= 1e-6
    assert "lambda_error" not in result  # the run does not know what its data were made with
