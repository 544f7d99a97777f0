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

AT_ONCE = 2**25
"""Bytes of rows that are made before they go to their place."""


class Jacobian:
    """∂r/∂θ of a point set's rows, to be written where it is wanted; valid until the parameters move.

    θ are the last network's parameters, then λ and further unknown numbers where these are free: P columns.
    """

    def __init__(self, points: PointSet):
        self._points, self._leaves = points, Leaves()
        self._tape: Tape = []
        free = points.solution.free_lambda
        lam = points.lambda_values()
        if free:
            lam = lam.detach().clone().requires_grad_()
        self._graph = points.residuals(lam, self._tape, self._leaves)
        self._inputs = [out for _, _, out in self._tape] + ([lam] if free else [])
        self.residuals: dict[str, Tensor] = {name: r.detach() for name, r in self._graph.items()}
        """(n,) by name."""
        self._of_integrated: dict[str, Tensor] | None = None
        self._last: tuple[str, tuple[Tensor, ...]] | None = None

    def write(self, name: str, start: int, out: Tensor) -> None:
        """Rows `start`, `start` + 1, … of ∂r/∂θ of one residual into `out` (count, P)."""
        cotangents = self._cotangents(name)
        at_once = max(1, AT_ONCE // (8 * out.shape[1]))
        for first in range(0, len(out), at_once):
            part = out[first : first + at_once]
            samples = slice(start + first, start + first + len(part))
            column = 0
            for block in self._by_sample(cotangents, samples):
                part[:, column : column + block.shape[1]] = block
                column += block.shape[1]
            slopes = cotangents[len(self._inputs) :]
            for integral, slope in zip(self._leaves.values, slopes, strict=True):
                field, matrix = self._points.matrices[integral]
                part.addcmul_(slope[samples, None], matrix[samples] @ self._integrated()[field])

    def _cotangents(self, name: str) -> tuple[Tensor, ...]:
        """Of one residual in the layers' outputs, λ and the integrals; those of the last one asked for are kept."""
        if self._last is None or self._last[0] != name:
            self._last = None
            self._last = name, self._backward(self._graph[name])
        return self._last[1]

    def _backward(self, values: Tensor) -> tuple[Tensor, ...]:
        # data rows need not depend on λ: its column is zero there
        wanted = [*self._inputs, *self._leaves.values.values()]
        if not values.requires_grad:  # an integrand without fields, as a manufactured condition has
            return tuple(torch.zeros_like(each) for each in wanted)
        return torch.autograd.grad(values.sum(), wanted, retain_graph=True, materialize_grads=True)

    def _by_sample(self, cotangents: tuple[Tensor, ...], samples: slice) -> list[Tensor]:
        """Gradients of the values of some samples in each parameter, (count, …), λ last."""
        found = [
            part
            for (layer, data, _), cotangent in zip(self._tape, cotangents, strict=False)
            for part in layer.sample_gradients(data.detach()[:, samples], cotangent[:, samples])
        ]
        if len(self._inputs) > len(self._tape):
            of_unknowns = cotangents[len(self._tape)][samples]
            found.append(of_unknowns.reshape(len(of_unknowns), -1))
        return found

    def _integrated(self) -> dict[str, Tensor]:
        """∂φ/∂θ (n, P) of each field that is integrated."""
        if self._of_integrated is None:
            everywhere = slice(None)
            self._of_integrated = {
                field: torch.cat(self._by_sample(self._backward(value), everywhere), dim=1)
                for field, value in self._leaves.integrated.items()
            }
        return self._of_integrated
