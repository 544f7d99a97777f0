"""Rows of data: a solution against measured values."""

from __future__ import annotations

import torch
from torch import Tensor

from core.networks.solution import Solution
from core.problems.base import Samples
from core.training.objective.point_set import Leaves, PointSet

DATA = "data"
"""The point set of the samples."""


class Data(PointSet):
    """Rows w(u(x_i) − u_i) for each measured field, named by the problem's `data_rows`."""

    def __init__(self, solution: Solution, samples: Samples, dtype: torch.dtype):
        super().__init__(solution, DATA, samples.points, dtype)
        device = next(solution.parameters()).device
        self._weight = samples.weight
        self._names = solution.problem.data_rows
        self._measured = {
            field: torch.as_tensor(values, dtype=dtype, device=device) for field, values in samples.values.items()
        }

    def rows(self, raw: Tensor, lam: Tensor | None, leaves: Leaves | None = None) -> dict[str, Tensor]:
        """See `PointSet.rows`."""
        fields = self.solution.fields(raw, self.x, lam)
        return {
            self._names[field]: self._weight * (fields[field].value - measured)
            for field, measured in self._measured.items()
        }

    def count(self) -> int:
        """See `PointSet.count`."""
        return sum(len(values) for values in self._measured.values())
