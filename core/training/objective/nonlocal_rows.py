"""Nonlocal rows: equations in which integrals of a field over the whole point set take part."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.networks.solution import Solution
from core.problems.base import Integral
from core.training.objective.equations import Equations
from core.training.objective.point_set import Leaves
from core.training.objective.weighing import Weighing


class NonlocalEquations(Equations):
    """Equations asked for at the first of the points, with integrals I = Kφ over all of them.

    Args:
        integrals: of this set, by name.
        others: as there.
    """

    def __init__(
        self,
        solution: Solution,
        name: str,
        points: np.ndarray,
        dtype: torch.dtype,
        weighing: Weighing,
        integrals: dict[str, Integral],
    ):
        super().__init__(solution, name, points, dtype, weighing)
        self._asked = len(next(iter(integrals.values())).matrix)
        device = next(solution.parameters()).device
        self.matrices = {
            key: (integral.field, torch.as_tensor(integral.matrix, dtype=dtype, device=device))
            for key, integral in integrals.items()
        }

    def rows(self, raw: Tensor, lam: Tensor | None, leaves: Leaves | None = None) -> dict[str, Tensor]:
        """See `PointSet.rows`."""
        fields = self.solution.fields(raw, self.x, lam)
        integrands = self.solution.problem.integrands(self.name, fields, self.x, lam)
        values = {key: matrix @ integrands[field] for key, (field, matrix) in self.matrices.items()}
        if leaves is not None:
            leaves.integrated = {field: integrands[field] for field, _ in self.matrices.values()}
            values = leaves.values = {key: v.detach().requires_grad_() for key, v in values.items()}
        asked = self._asked
        fields = {key: jet.first_points(asked) for key, jet in fields.items()} | values
        x = tuple(jet.first_points(asked) for jet in self.x)
        lam = None if lam is None else lam[:asked]
        return self._scaled(self.solution.residuals(self.name, fields, x, lam), fields)

    def count(self) -> int:
        """See `PointSet.count`."""
        with torch.no_grad():
            return self._asked * len(self.residuals(self.lambda_values()))
