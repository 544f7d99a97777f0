"""Which arithmetic `auto` is, where."""

import pytest
import torch

from core.training import checkpoint as checkpoints
from core.training import first_order
from core.training.arithmetic import arithmetic
from tests.training import small, train, trained


def test_auto_is_float64_on_a_cpu():
    assert arithmetic("auto", torch.device("cpu")).dtype == torch.float64


@pytest.mark.parametrize(("capability", "name"), [((7, 0), "amp-fp16"), ((7, 5), "amp-fp16"), ((9, 0), "amp-bf16")])
def test_auto_is_amp_on_a_gpu_in_what_it_computes(monkeypatch, capability, name):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    chosen = arithmetic("auto", torch.device("cuda"))
    assert chosen.name == name
    assert chosen.scaled == (name == "amp-fp16")
    assert arithmetic("float32", torch.device("cuda")).autocast is None


def test_what_is_frozen_keeps_all_its_digits_while_a_later_stage_warms_up_in_float32(tmp_path, monkeypatch):
    config = small("stages.1.warmup={iterations: 30, precision: float32}", "stages.1.checkpoint_every=7")
    trained(config, tmp_path / "whole")
    before = checkpoints.load(tmp_path / "whole" / "checkpoints" / "stage-1.pt").solution.networks[0]

    monkeypatch.setattr(first_order, "SAVE_INTERVAL", 0.0)
    last = tmp_path / "cut" / "checkpoints" / "last.pt"

    def killed_in_the_warm_up():
        if last.exists() and len(checkpoints.load(last).solution.networks) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "cut", wanted=killed_in_the_warm_up)

    for name in ("whole", "cut"):
        kept = checkpoints.load(tmp_path / name / "checkpoints" / "last.pt").solution
        for layer, same in zip(kept.networks[0].layers, before.layers, strict=True):
            assert torch.equal(layer.weight, same.weight)
            assert not torch.equal(layer.weight, layer.weight.float().double())
        assert not torch.equal(kept.networks[1].basis, kept.networks[1].basis.float().double())
