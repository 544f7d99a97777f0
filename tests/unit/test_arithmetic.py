"""Which arithmetic `auto` is, where."""

import pytest
import torch

from core.training.arithmetic import arithmetic


def test_auto_is_float64_on_a_cpu():
    assert arithmetic("auto", torch.device("cpu")).dtype == torch.float64


@pytest.mark.parametrize(("capability", "name"), [((7, 0), "amp-fp16"), ((7, 5), "amp-fp16"), ((9, 0), "amp-bf16")])
def test_auto_is_amp_on_a_gpu_in_what_it_computes(monkeypatch, capability, name):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    chosen = arithmetic("auto", torch.device("cuda"))
    assert chosen.name == name
    assert chosen.scaled == (name == "amp-fp16")
    assert arithmetic("float32", torch.device("cuda")).autocast is None
