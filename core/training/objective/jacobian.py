"""Jacobians of a point set's rows, without a graph for each sample.

A residual depends on its own sample alone, so one backward pass of Σ r gives the cotangent of every layer's output for
every sample, and J is a batched product with the layers' inputs. Where it depends on integrals too, these are leaves of
that pass, and J gains (∂r/∂I)·K·∂φ/∂θ for each I = Kφ.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.networks.layers import Tape
from core.training.objective.point_set import Leaves, PointSet


def jacobian(points: PointSet) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Residuals (n,) by name, and ∂r/∂θ (n, P) of each, θ the last network's parameters, then λ where it is free."""
    tape: Tape = []
    free = points.solution.free_lambda
    lam = points.lambda_values()
    if free:
        lam = lam.detach().clone().requires_grad_()
    leaves = Leaves()
    residuals = points.residuals(lam, tape, leaves)
    inputs = [out for _, _, out in tape] + ([lam] if free else [])

    def by_sample(values: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Each value's gradient (n, P), and its slope in each integral."""
        # data rows need not depend on λ: its column is zero there
        wanted = [*inputs, *leaves.values.values()]
        cotangents = torch.autograd.grad(values.sum(), wanted, retain_graph=True, materialize_grads=True)
        columns = [
            part
            for (layer, data, _), cotangent in zip(tape, cotangents, strict=False)
            for part in layer.sample_gradients(data.detach(), cotangent)
        ]
        if free:
            columns.append(cotangents[len(tape)][:, None])
        return torch.cat(columns, dim=1), cotangents[len(inputs) :]

    of_integrated = {field: by_sample(value)[0] for field, value in leaves.integrated.items()}
    blocks = {}
    for key, r in residuals.items():
        block, by_integral = by_sample(r)
        block = block[: len(r)]
        for integral, slope in zip(leaves.values, by_integral, strict=True):
            field, matrix = points.matrices[integral]
            block.addcmul_(slope[:, None], matrix @ of_integrated[field])
        blocks[key] = block
    return {key: r.detach() for key, r in residuals.items()}, blocks
