"""Rows of equations: a problem's residuals at points of one of its sets."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.jets import Jet
from core.networks.solution import Solution
from core.training.objective.point_set import Leaves, PointSet
from core.training.objective.weighing import ALIKE, Weighing


class Equations(PointSet):
    """A problem's equations, asked for at each point.

    Args:
        solution: see `PointSet`.
        name: see `PointSet`; the problem's residuals are asked for by it.
        points: see `PointSet`.
        dtype: see `PointSet`.
        weighing: what rows count.
    """

    def __init__(
        self,
        solution: Solution,
        name: str,
        points: np.ndarray,
        dtype: torch.dtype,
        weighing: Weighing = ALIKE,
    ):
        super().__init__(solution, name, points, dtype)
        self._gradient_scale = weighing.gradient_scale
        weights = weighing.of_points(name, points)
        self._weights = None if weights is None else self.x[0].data.new_tensor(weights)

    def rows(self, raw: Tensor, lam: Tensor | None, leaves: Leaves | None = None) -> dict[str, Tensor]:
        """See `PointSet.rows`."""
        fields = self.solution.fields(raw, self.x, lam)
        return self._scaled(self.solution.residuals(self.name, fields, self.x, lam), fields)

    def count(self) -> int:
        """See `PointSet.count`: two points tell how many equations there are."""
        few = Equations(self.solution, self.name, self.points[:2], self.x[0].data.dtype)
        with torch.no_grad():
            return len(self.points) * len(few.residuals(few.lambda_values()))

    def _scaled(self, residuals: dict[str, Tensor], fields: dict[str, Jet]) -> dict[str, Tensor]:
        if self._weights is not None:
            residuals = {key: r * self._weights[: len(r)] for key, r in residuals.items()}
        if self._gradient_scale is None:
            return residuals
        problem, inputs = self.solution.problem, range(len(self.x))
        steepness = sum(fields[field].first(i).square() for field in problem.fields for i in inputs)
        divisor = (1 + steepness / self._gradient_scale**2).sqrt()
        return {key: r / divisor for key, r in residuals.items()}
