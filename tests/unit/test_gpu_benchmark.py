"""benchmarks.gpu where there is no GPU, and what mixed precision saves, which a CPU can count too."""

import pytest
import torch

from benchmarks import gpu
from benchmarks.gpu import (
    AIMS,
    PARTS,
    SMALLER,
    accuracy,
    amp,
    main,
    second_order,
    show_accuracy,
    show_second_order,
    system,
)
from core.config import override
from core.kernel import library
from core.presets import resolve
from core.training.arithmetic import ARITHMETICS

CPU = torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_a_device_it_says_so_and_what_it_would_measure_and_exits_with_2(capsys):
    assert main([]) == 2
    out, error = capsys.readouterr()
    assert not out
    first, *parts = error.splitlines()
    assert "needs a CUDA device" in first
    assert [line.split(":")[0].strip() for line in parts] == list(PARTS)
    (accuracy,) = (line for line in parts if line.strip().startswith("accuracy"))
    assert all(f"{name} {bar:.0e} in {seconds} s" in accuracy for name, (bar, seconds) in AIMS.items())
    assert main(["--parts", "graph"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_second_order_iterations_are_timed_by_device_size_and_way():
    found = list(second_order([(120, 60)], [CPU]))
    assert [(row["rows"], row["parameters"], row["solved_by"]) for row in found] == [
        (120, 60, "normal equations"),
        (120, 60, "QR"),
    ]
    assert all(rate > 0 for row in found for rate in row["cpu"])
    shown = list(show_second_order(row | {"cuda": row["cpu"]} for row in found))
    assert len(shown) == 2


def test_accuracy_is_that_of_training_in_this_process(monkeypatch, capsys):
    short = override(resolve("poisson2d-quick"), ["stages.0.iterations=15", "network.hidden=[12, 12]"])
    inverse = override(resolve("burgers-profile"), ["stages.0.iterations=2", "stages.0.warmup.iterations=2"])
    inverse = inverse.model_copy(update={"stages": inverse.stages[:1]})
    broken = override(resolve("burgers-inverse"), [])  # its dataset is not in this lab
    monkeypatch.setattr(gpu, "resolve", {"poisson2d": short, "burgers-profile": inverse, "b": broken}.get)
    plain, with_lambda, failed = show_accuracy(accuracy(["poisson2d", "burgers-profile", "b"], [3], CPU))
    assert (plain["preset"], plain["seed"]) == ("poisson2d", 3)
    assert plain["relative_l2_error"] < 0.1
    assert plain["bar"] == AIMS["poisson2d"][0]
    assert plain["met"] is False
    assert plain["lambda_error"] is None
    assert 0 < plain["train_s"] < 60
    assert with_lambda["lambda_error"] > 0
    assert "met" not in with_lambda
    assert "dataset" in failed["failed"]
    lines = capsys.readouterr().out.splitlines()
    assert len({line.count("|") for line in lines if line}) == 1
    assert "not met" in lines[2]


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
