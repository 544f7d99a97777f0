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
from core.training.objective.point_set import PointSet

AFFINE = 1e-4
"""Most that an affine residual may be off, relative to what the outputs add: far above rounding in float32."""


@dataclass(frozen=True)
class _Rows:
    names: tuple[str, ...]
    features: Tensor
    slope: Tensor
    """(equations, outputs, C, n)."""
    constant: Tensor
    """(equations, n)."""
    share: float
    """Part of the points that these are, over all processes."""


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
        if objective.together > 1:
            return None
        network = objective.solution.networks[-1]
        parameters = [p for layer in network.layers for p in (layer.weight, layer.bias)]
        first = next(p for p in parameters if p is not None)
        if network.basis is not None or not kernel.available(first, objective.solution.layout, parameters):
            return None
        problem = objective.solution.problem
        nonlocal_rows = any(points.matrices for points in objective.points.values())
        if not problem.linear or nonlocal_rows or objective.solution.lam is not None or objective.scaled:
            return None
        generator = torch.Generator().manual_seed(0)
        rows = [_affine_rows(points, generator) for points in objective.points.values()]
        return None if None in rows else cls(network, objective, rows)

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
            if rows.share != 1:
                gradient = gradient * rows.share
            total = gradient if total is None else total + gradient
        for p, part in zip(self._trained, total.split(self._sizes), strict=True):
            p.grad = part.view_as(p)
        return Residuals(by_name)


def _affine_rows(points: PointSet, generator: torch.Generator) -> _Rows | None:
    """A point set's residuals as affine functions of the last network's outputs.

    Each has a slope (C, n, outputs), and its values (n,) where these outputs are zero. None where a look at random
    outputs contradicts what the problem says of itself.
    """
    solution = points.solution
    (features,), frozen = points.features_and_frozen(None)
    shape = (*features.data.shape[:2], solution.problem.outputs)

    def residuals_at(outputs: Tensor) -> dict[str, Tensor]:
        raw = outputs * solution.epsilons[-1]
        return points.rows(raw if frozen is None else raw + frozen, None)

    zero = features.data.new_zeros(shape).requires_grad_()
    at_zero = residuals_at(zero)
    if not all(r.requires_grad for r in at_zero.values()):
        return None
    slopes = {key: torch.autograd.grad(r.sum(), zero, retain_graph=True)[0] for key, r in at_zero.items()}
    constants = {key: r.detach() for key, r in at_zero.items()}
    outputs = torch.randn(shape, generator=generator, dtype=torch.float64).to(features.data)
    for key, r in residuals_at(outputs).items():
        off = (slopes[key] * outputs).sum((0, 2)) + constants[key] - r
        if off.abs().max() > AFFINE * (r - constants[key]).abs().max():
            return None
    return _Rows(
        tuple(at_zero),
        features.data.contiguous(),
        torch.stack([slope.permute(2, 0, 1) for slope in slopes.values()]).contiguous(),
        torch.stack([*constants.values()]),
        points.share,
    )
