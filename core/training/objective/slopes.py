"""The weighted system [J r] of all point sets, written row by row straight to where it is factorised."""

from __future__ import annotations

import torch
from torch import Tensor

from core.optimizers.triangle import column_major
from core.training.objective.jacobian import Jacobian
from core.training.objective.point_set import PointSet


class Slopes:
    """[J r], every row over the root of its equation's number of rows (over all processes), so that the loss is |r|².

    It holds what the Jacobian is made from: let go of it once the rows are written.

    Args:
        points: the point sets, in the order of the rows.
        parameters: columns, λ's included.
        condition: name of the residual whose first row λ is to keep at zero; J is then of the other parameters along
            this constraint, one column less. None: λ is no different from others.
    """

    def __init__(self, points: list[PointSet], parameters: int, condition: str | None = None):
        jacobians = [(each, Jacobian(each)) for each in points]
        self._parts = [(jacobian, name) for _, jacobian in jacobians for name in jacobian.residuals]
        self.residuals: dict[str, Tensor] = {name: jacobian.residuals[name] for jacobian, name in self._parts}
        """(n,) by name."""
        self._counts = {
            name: len(r) if each.total is None else each.total
            for each, jacobian in jacobians
            for name, r in jacobian.residuals.items()
        }
        self.r = torch.cat([r * self._counts[name] ** -0.5 for name, r in self.residuals.items()])
        self.shape = len(self.r), parameters
        self._along: Tensor | None = None
        if condition is not None:
            jacobian = next(jacobian for jacobian, name in self._parts if name == condition)
            row = self.r.new_empty(1, parameters + 1)
            jacobian.write(condition, 0, row)
            self._along = row[0, :-1] / row[0, -1]

    def write(self, out: Tensor, start: int) -> None:
        """Rows `start`, `start` + 1, … of [J r] into `out` (count, P+1)."""
        first, end = 0, start + len(out)
        for jacobian, name in self._parts:
            count = len(self.residuals[name])
            low, high = max(start, first), min(end, first + count)
            if low < high:
                here = out[low - start : high - start]
                self._write(jacobian, name, low - first, here)
                here[:, :-1] *= self._counts[name] ** -0.5
                here[:, -1] = self.r[low:high]
            first += count

    def _write(self, jacobian: Jacobian, name: str, start: int, out: Tensor) -> None:
        if self._along is None:
            jacobian.write(name, start, out[:, :-1])
            return
        jacobian.write(name, start, out)  # λ's column where r will be
        out[:, :-1].addr_(out[:, -1].clone(), self._along, alpha=-1)

    def whole(self) -> Tensor:
        """All of [J r] (M, P+1), column-major."""
        joined = column_major(self.shape[0], self.shape[1] + 1, self.r)
        self.write(joined, 0)
        return joined
