"""The weighted system of polynomials on grids by its products, axis by axis: for as many unknowns as memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from core.jets import TensorSums
from core.training.objective.averaged import Averaged, levelled
from core.training.objective.point_set import PointSet


class GridRows:
    """J of a point set's rows: what each changes by with each component of the layer's jet, times the layer's matrices.

    Args:
        points: of the set; its last network must be polynomials, on a grid there.
        sums: of that network at these points.
    """

    def __init__(self, points: PointSet, sums: TensorSums):
        self.sums = sums
        solution, lam = points.solution, points.lambda_values()
        features, frozen = points.features_and_frozen(lam)
        with torch.no_grad():
            raw = solution.raw(features, start=len(solution.networks) - 1)
        raw.requires_grad_()
        rows = points.rows(raw if frozen is None else raw + frozen, lam)
        self.residuals: dict[str, Tensor] = {name: r.detach() for name, r in rows.items()}
        """(n,) by name."""
        slopes = torch.stack([
            torch.autograd.grad(r.sum(), raw, retain_graph=True, materialize_grads=True)[0] * len(r) ** -0.5
            for r in rows.values()
        ])  # fmt: skip
        felt = (slopes != 0).any(2).any(-1).any(0)
        self.components = felt.nonzero().flatten().tolist()
        """Of the layer's jet, those that rows depend on."""
        self.slopes = (slopes[:, felt] * solution.epsilons[-1]).transpose(2, 3).contiguous()
        """(rows at a point, components, outputs, n)."""
        self._pairs = (self.slopes != 0).any(-1).nonzero().tolist()
        """Row, component and output, where they are not 0 everywhere."""

    def times(self, weight: Tensor) -> Tensor:
        """Jv (rows·n,) for weights (outputs, products)."""
        jets = self.sums.components(weight, self.components)
        found = jets.new_zeros(len(self.slopes), jets.shape[-1])
        for row, component, output in self._pairs:
            found[row].addcmul_(self.slopes[row, component, output], jets[component, output])
        return found.reshape(-1)

    def transposed(self, w: Tensor) -> Tensor:
        """Jᵀw (outputs, products) for w (rows·n,)."""
        w = w.view(len(self.slopes), -1)
        cotangent = torch.zeros_like(self.slopes[0])
        for row, component, output in self._pairs:
            cotangent[component, output].addcmul_(self.slopes[row, component, output], w[row])
        return self.sums.transposed(cotangent, self.components)


class ProductsByAxes:
    """J and Jᵀ of a layer of polynomials; see `core.optimizers.report.Products`.

    Args:
        sets: the rows of each point set, in their order; the first one's are those of the equations.
        outputs: of the layer.
    """

    stays = True

    def __init__(self, sets: Sequence[GridRows], outputs: int):
        self._sets, self._outputs = tuple(sets), outputs
        self.residuals: dict[str, Tensor] = {name: r for rows in sets for name, r in rows.residuals.items()}
        self.r = torch.cat([r * len(r) ** -0.5 for r in self.residuals.values()])
        self._lengths = [sum(map(len, rows.residuals.values())) for rows in sets]

    @cached_property
    def _averaged(self) -> Averaged | None:
        """Made when it is asked for: a method that levels nothing does without the blocks."""
        if not levelled([rows.sums for rows in self._sets], self._outputs):
            return None
        (equations,) = self._sets
        return Averaged.of(equations.sums, equations.slopes, equations.components)

    def times(self, v: Tensor) -> Tensor:
        """Jv (M,) for v (P,)."""
        weight = v.view(self._outputs, -1)
        return torch.cat([rows.times(weight) for rows in self._sets])

    def transposed(self, w: Tensor) -> Tensor:
        """Jᵀw (P,) for w (M,)."""
        parts = w.split(self._lengths)
        return sum(rows.transposed(part) for rows, part in zip(self._sets, parts, strict=True)).reshape(-1)

    def levelled(self, y: Tensor) -> Tensor:
        """R⁻¹y (P,) of the equations averaged over periodic coordinates, JᵀJ ≈ RᵀR."""
        return y if self._averaged is None else self._averaged.solved(y.view(self._outputs, -1)).reshape(-1)

    def levelled_transposed(self, g: Tensor) -> Tensor:
        """R⁻ᵀg (P,)."""
        return g if self._averaged is None else self._averaged.transposed(g.view(self._outputs, -1)).reshape(-1)
