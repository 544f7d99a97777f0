"""benchmarks.gpu where there is no GPU, and what mixed precision saves, which a CPU can count too."""

import pytest
import torch

from benchmarks.gpu import SMALLER, amp, main, system
from core.kernel import library
from core.training.arithmetic import ARITHMETICS

CPU = torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_a_device_it_says_so_and_exits_with_2(capsys):
    assert main([]) == 2
    out, error = capsys.readouterr()
    assert not out
    assert len(error.splitlines()) == 1
    assert "needs a CUDA device" in error


def test_every_precision_takes_the_same_steps():
    found = amp((16, 16), 50, 3, CPU)
    assert [row["precision"] for row in found] == ["float32", "tf32", "amp-bf16", "amp-fp16"]
    losses = [row["loss"] for row in found]
    assert all(loss == pytest.approx(losses[0], rel=0.05) for loss in losses)


@pytest.mark.parametrize("precision", ["amp-bf16", "amp-fp16"])
def test_mixed_precision_keeps_half_for_the_backward_pass(precision, monkeypatch):
    # on a GPU there is no compiled kernel, which keeps less of float32's step than torch does
    monkeypatch.setattr(library, "kernel", lambda dtype: (None, "as on a GPU"))

    def kept(name):
        """Bytes of the tensors that autograd keeps; of a step's memory what grows with points times width."""
        sizes, tensors = {}, []

        def pack(tensor):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            tensors.append(tensor)
            return tensor

        objective = system((64, 64, 64), 500, CPU, torch.float32)
        with (
            torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
            ARITHMETICS[name].context(CPU),
        ):
            loss = objective.residuals().loss()
        loss.backward()
        return sum(sizes.values())

    assert kept(precision) < SMALLER * kept("float32")
