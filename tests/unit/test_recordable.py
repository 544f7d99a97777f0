"""No problem's step waits for the device or copies to it: what a CUDA graph can't record, found on a CPU."""

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from core.config import Fourier
from core.kernel import library
from core.networks.layers import fourier
from core.networks.solution import Term
from core.optimizers.adam import Adam
from core.problems import BUILT_IN
from core.problems.ccf import CCF
from core.training.arithmetic import ARITHMETICS
from core.training.cuda_graph import AdamStep
from core.training.objective import Objective
from tests.training import objective

COPIES_FROM_THE_HOST = {"lift_fresh"}
"""The operation in which tensors of Python's or NumPy's numbers begin, whatever made them."""
ASKS_THE_DEVICE = {
    "_local_scalar_dense", "nonzero", "masked_select", "repeat_interleave", "bincount", "equal", "allclose",
    "is_nonzero", "_unique", "_unique2", "unique_dim", "unique_consecutive",
}  # fmt: skip
"""Operations whose result is a number of Python's, or of a size that only the device knows."""
READS_ALL = {"numpy", "__array__", "tolist", "cpu"}
"""Methods that a CPU answers without an operation."""


class Recording(TorchDispatchMode):
    """As in a recording, what waits for the device or copies to it raises RuntimeError."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name = operation.overloadpacket.__name__
        indices = args[1] if name.startswith("index") and isinstance(args[1], (list, tuple)) else ()
        by_mask = any(index is not None and index.dtype == torch.bool for index in indices)
        if name in COPIES_FROM_THE_HOST | ASKS_THE_DEVICE or by_mask:
            raise RuntimeError(f"{operation} can't be recorded")
        return operation(*args, **(kwargs or {}))


class NothingRead(TorchFunctionMode):
    """Likewise for methods that read a whole tensor."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in READS_ALL:
            raise RuntimeError(f"{function.__name__} can't be recorded")
        return function(*args, **(kwargs or {}))


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Without the compiled kernel, which a GPU has not, either."""
    monkeypatch.setattr(library, "kernel", lambda dtype: (None, "as on a GPU"))


def recorded(function):
    with Recording(), NothingRead():
        return function()


@pytest.mark.parametrize("problem", [*[problem() for problem in BUILT_IN], CCF(order=2)], ids=lambda p: p.kind)
@pytest.mark.parametrize("free", [True, False])
def test_a_step_asks_the_host_for_nothing(as_on_a_gpu, problem, free):
    first = objective(problem, points=40)
    lam = first.solution.lam
    if lam is not None:
        lam.requires_grad_(free)
    recorded(step_of(first).run)
    features = fourier(Fourier(features=8), 3.0, problem.inputs, problem.outputs, torch.Generator().manual_seed(1))
    first.solution.add(Term(features, 0.1, None if lam is None else float(lam.detach())))
    points = problem.collocation(np.random.default_rng(0).random((40, len(problem.coordinates))))
    recorded(step_of(Objective(first.solution, points)).run)


def step_of(system):
    return AdamStep(system, ARITHMETICS["float64"], Adam(system.parameters(), 1e-3))


@pytest.mark.parametrize(
    "asked",
    [
        lambda r: r.new_tensor(2.0),
        lambda r: r * torch.tensor(2.0),
        lambda r: r + torch.as_tensor([1.0, 2.0, 3.0]),
        lambda r: r * r.detach().numpy(),
        lambda r: r * float(r.detach().max()),
        lambda r: r if (r > 0).all() else -r,
        lambda r: r * r.abs().max().item(),
        lambda r: r[r > 0],
        lambda r: r.index_select(0, (r > 0).nonzero()[:, 0]),
        lambda r: torch.where(r > 0)[0],
        lambda r: r.masked_select(r > 0),
        lambda r: r * r.detach().tolist()[0],
        lambda r: r.detach().cpu(),
        lambda r: r.detach().unique(),
    ],
)
def test_what_can_not_be_recorded_is_seen_here(asked):
    r = torch.linspace(-1, 1, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="can't be recorded"):
        recorded(lambda: asked(r))


def test_what_can_be_recorded_passes():
    r = torch.linspace(-1, 1, 3, requires_grad=True)
    recorded(lambda: (r.where(r > 0, 2.0) * r.new_ones(()) + r[1:2] + r.masked_fill(r > 0, 0.0)).sum().backward())
