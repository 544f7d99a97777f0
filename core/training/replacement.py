"""A network, linear in its weights, in the place of the stages so far: near them, the equation is linear enough.

With the stages' sum u and the network's v, the residuals are r(u) + J(v − u): the system [J r] of a correction, without
what u itself does to r along J.
"""

from __future__ import annotations

from torch import Tensor

from core.optimizers.gauss_newton import ColumnScale, DampedSystem
from core.optimizers.report import Slopes
from core.optimizers.rows import read
from core.training.objective import Objective


class InPlace:
    """The system [J r] without what the stages so far do to r.

    Args:
        slopes: of the last network, which is zero, beside them.
        frozen: J u (M,), as `Objective.along_frozen` gives it.
    """

    def __init__(self, slopes: Slopes, frozen: Tensor):
        self._slopes, self._frozen = slopes, frozen
        self.r, self.shape = slopes.r - frozen, slopes.shape

    def write(self, out: Tensor, start: int) -> None:
        """See `Slopes.write`."""
        self._slopes.write(out, start)
        out[:, -1] -= self._frozen[start : start + len(out)]

    def whole(self) -> Tensor:
        """See `Slopes.whole`."""
        joined = self._slopes.whole()
        joined[:, -1] -= self._frozen
        return joined


def solve_in_place(objective: Objective, damping: float) -> None:
    """Give the last network, which is zero, the weights with which it is the next iterate of Newton's method alone.

    Args:
        objective: of the stages so far and that network.
        damping: relative damping of the step.
    """
    rows = read(InPlace(objective.slopes()[1], objective.along_frozen()))
    scale = ColumnScale().update(rows.norms())
    objective.mover().move(DampedSystem(rows, scale).step(damping))
