"""Presets in windows of time against spectral references; Kuramoto–Sivashinsky takes minutes: benchmarks.pinnacle."""

import numpy as np
import pytest

from core.presets import presets
from tests import marching
from tests.training import train

pytestmark = pytest.mark.accuracy


@pytest.mark.parametrize(
    ("name", "reference", "bar"),
    [
        pytest.param("typed-allen-cahn", marching.allen_cahn, 3e-6, marks=pytest.mark.proof),
        pytest.param("typed-cahn-hilliard", marching.cahn_hilliard, 1e-4, marks=pytest.mark.proof),
    ],
)
def test_a_preset_in_windows_follows_the_spectral_reference(tmp_path, name, reference, bar):
    outcome = train(presets()[name].config, tmp_path / "run")
    moments, x, wanted = reference()
    points = np.stack(np.meshgrid(x, moments), axis=-1).reshape(-1, 2)
    off = outcome.solution.fields_at(points)["u"].reshape(wanted.shape) - wanted
    assert np.linalg.norm(off) / np.linalg.norm(wanted) < bar


def test_gray_scott_follows_its_spectral_reference(tmp_path):
    outcome = train(presets()["typed-gray-scott"].config, tmp_path / "run")
    (waves,) = marching.gray_scott([20.0])
    places = np.random.default_rng(0).random((1_000, 2))
    found = outcome.solution.fields_at(np.column_stack([places, np.full(len(places), 20.0)]))
    wanted = waves.at(places)
    assert np.linalg.norm(np.stack([found["u"], found["v"]]) - wanted) < 1e-3 * np.linalg.norm(wanted)
