"""The weighted system by its products, for methods that store no Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor, nn

from core.networks.solution import Solution


class Products:
    """J and Jᵀ at the parameters' present values, by products; valid until they move.

    Args:
        solution: that the parameters belong to.
        parameters: the columns of J.
        rows: the weighted residuals (M,) at the solution's present parameters.
        r: these, differentiable.
    """

    stays = False
    """The graph is of the tensors that parameters were."""

    def __init__(self, solution: Solution, parameters: Sequence[nn.Parameter], rows: Callable[[], Tensor], r: Tensor):
        self._parameters = parameters
        self._graph = r
        self._module = _RowsOf(solution, rows)
        names = {id(p): name for name, p in self._module.named_parameters()}
        self._names = [names[id(p)] for p in self._parameters]
        self.r = r.detach()

    def transposed(self, w: Tensor) -> Tensor:
        """Jᵀw (P,) for w (M,), by one backward pass."""
        parts = torch.autograd.grad(self._graph, self._parameters, w, retain_graph=True, materialize_grads=True)
        return torch.cat([part.reshape(-1) for part in parts])

    def levelled(self, y: Tensor) -> Tensor:
        """See `core.optimizers.report.Products`: nothing is known of JᵀJ."""
        return y

    def levelled_transposed(self, g: Tensor) -> Tensor:
        """See `levelled`."""
        return g

    def times(self, v: Tensor) -> Tensor:
        """Jv (M,) for v (P,), by one pass of forward-mode differentiation."""
        parts = v.split([p.numel() for p in self._parameters])
        with forward_ad.dual_level():
            duals = {
                name: forward_ad.make_dual(p.detach(), part.view_as(p))
                for name, p, part in zip(self._names, self._parameters, parts, strict=True)
            }
            tangent = forward_ad.unpack_dual(torch.func.functional_call(self._module, duals, ())).tangent
        return torch.zeros_like(self.r) if tangent is None else tangent.detach()


class _RowsOf(nn.Module):
    """Weighted residuals as a module, so that its parameters can be replaced by dual numbers."""

    def __init__(self, solution: Solution, rows: Callable[[], Tensor]):
        super().__init__()
        self.solution = solution
        self._rows = rows

    def forward(self) -> Tensor:
        return self._rows()
