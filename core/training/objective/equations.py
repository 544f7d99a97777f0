"""Rows of equations: a problem's residuals at points of one of its sets."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.jets import Jet
from core.networks.solution import Solution
from core.training.objective.point_set import Leaves, PointSet


class Equations(PointSet):
    """A problem's equations, asked for at each point.

    Args:
        solution: see `PointSet`.
        name: see `PointSet`; the problem's residuals are asked for by it.
        points: see `PointSet`.
        dtype: see `PointSet`.
        gradient_scale: s where residuals are divided by √(1 + |∇u|²/s²), after arXiv 2511.22819; a point where the
            solution is steep then weighs less, and the quotient is differentiated as a whole.
    """

    def __init__(
        self,
        solution: Solution,
        name: str,
        points: np.ndarray,
        dtype: torch.dtype,
        gradient_scale: float | None = None,
    ):
        super().__init__(solution, name, points, dtype)
        self._gradient_scale = gradient_scale

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
        if self._gradient_scale is None:
            return residuals
        problem, inputs = self.solution.problem, range(len(self.x))
        steepness = sum(fields[field].first(i).square() for field in problem.fields for i in inputs)
        divisor = (1 + steepness / self._gradient_scale**2).sqrt()
        return {key: r / divisor for key, r in residuals.items()}
