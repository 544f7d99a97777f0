"""Loss and gradient of a linear equation by one pass of the compiled kernel, without automatic differentiation.

A linear equation under an ansatz that is affine in the network gives residuals r = A·Φ + b, Φ the network's outputs
with their derivatives; A and b belong to the points and are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core import kernel
from core.networks.layers import Network
from core.training.objective import Objective, Residuals


@dataclass(frozen=True)
class _Rows:
    names: tuple[str, ...]
    features: Tensor
    slope: Tensor
    """(equations, outputs, C, n)."""
    constant: Tensor
    """(equations, n)."""


class AffineLoss:
    """What `Objective.residuals`, its loss and a backward pass give, for the parameters of a network alone."""

    def __init__(self, network: Network, objective: Objective, rows: list[_Rows]):
        self._network = network
        self._layout = objective.solution.layout
        self._rows = rows
        self._parameters = [p for layer in network.layers for p in (layer.weight, layer.bias)]
        self._trained = [p for p in self._parameters if p is not None]
        self._sizes = [p.numel() for p in self._trained]

    @classmethod
    def of(cls, objective: Objective) -> AffineLoss | None:
        """For an objective's present points; None where its residuals are not affine or there is no kernel for them."""
        network = objective.solution.networks[-1]
        parameters = [p for layer in network.layers for p in (layer.weight, layer.bias)]
        first = next(p for p in parameters if p is not None)
        if network.basis is not None or not kernel.available(first, parameters):
            return None
        affine = objective.affine()
        if affine is None:
            return None
        rows = [
            _Rows(
                tuple(residuals),
                features.contiguous(),
                torch.stack([slope.permute(2, 0, 1) for slope, _ in residuals.values()]).contiguous(),
                torch.stack([constant for _, constant in residuals.values()]),
            )
            for features, residuals in affine.values()
        ]
        return cls(network, objective, rows)

    @torch.no_grad()
    def backward(self) -> Residuals:
        """The residuals; the parameters' gradients of their loss are set."""
        by_name: dict[str, Tensor] = {}
        total = None
        for rows in self._rows:
            residuals, gradient = kernel.affine_gradient(
                rows.features, self._layout, self._network.activation, self._parameters, rows.slope, rows.constant
            )
            by_name.update(zip(rows.names, residuals.unbind(), strict=True))
            total = gradient if total is None else total + gradient
        for p, part in zip(self._trained, total.split(self._sizes), strict=True):
            p.grad = part.view_as(p)
        return Residuals(by_name)
