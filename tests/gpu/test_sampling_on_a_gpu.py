"""What is sampled on a GPU is what is sampled on a CPU."""

import numpy as np
import pytest
import torch

from core.solution import device
from core.solution.sample import sample
from core.solution.wanted import Wanted
from tests.unit.test_formulas import folder  # noqa: F401

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def test_a_grid_and_a_formula_are_the_same_on_both(folder, monkeypatch):  # noqa: F811
    wanted = Wanted(formulas=("v_x - u_y",))
    torch.cuda.reset_peak_memory_stats()
    on_gpu = sample(folder, 21, wanted)
    assert torch.cuda.max_memory_allocated() > 0
    for path in folder.samples.iterdir():
        path.unlink()
    monkeypatch.setattr(device.torch.cuda, "is_available", lambda: False)
    on_cpu = sample(folder, 21, wanted)
    for name, value in on_cpu.values.items():
        np.testing.assert_allclose(on_gpu.values[name], value, rtol=0, atol=1e-11 * max(1.0, np.abs(value).max()))
