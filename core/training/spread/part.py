"""A process's part of a stage's rows, and what is asked of it. Nothing here knows the other processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.networks.solution import Solution
from core.optimizers import triangle
from core.optimizers.rows import Rows, read
from core.problems.base import Samples
from core.training.affine_loss import AffineLoss
from core.training.arithmetic import Arithmetic
from core.training.objective import Objective, Residuals
from core.training.objective.slopes import Slopes
from core.training.objective.weighing import Weighing


@dataclass(frozen=True)
class Points:
    """All points of a stage, of which each process takes its part."""

    sets: Mapping[str, np.ndarray]
    """Point set → (n, d)."""
    samples: Samples | None
    weighing: Weighing
    whole: frozenset[str] = frozenset()
    """Sets that the first process has alone: rows that are integrals over all of them."""

    def part(self, rank: int, size: int) -> Points:
        """Those of one process: a piece of each set, the pieces as even as can be."""
        none = slice(0, 0)
        sets = {
            name: block[(slice(None) if rank == 0 else none) if name in self.whole else _piece(len(block), rank, size)]
            for name, block in self.sets.items()
        }
        samples = self.samples
        if samples is not None:
            piece = _piece(len(samples.points), rank, size)
            values = {field: column[piece] for field, column in samples.values.items()}
            samples = Samples(samples.points[piece], values, samples.weight)
        return Points(
            {name: block for name, block in sets.items() if len(block)},
            samples if samples is not None and len(samples.points) else None,
            self.weighing,
            self.whole,
        )


def _piece(count: int, rank: int, size: int) -> slice:
    """Which of so many a process takes: the first ones take one more where they don't come out even."""
    each, more = divmod(count, size)
    start = rank * each + min(rank, more)
    return slice(start, start + each + (rank < more))


class Part:
    """The rows of some of a stage's points.

    Args:
        solution: its last network is trained.
        points: all of the stage's.
        rank: of this process.
        size: how many there are.
        how: arithmetic of a gradient.
        names: of all residuals, in the order of figures; None in the first process, which has all of them.
    """

    def __init__(
        self,
        solution: Solution,
        points: Points,
        rank: int,
        size: int,
        how: Arithmetic,
        names: Sequence[str] | None = None,
    ):
        own = points.part(rank, size)
        self._how = how
        self._objective = Objective(solution, dict(own.sets), how.dtype, own.samples, own.weighing)
        self.totals: dict[str, int] = {}
        """Rows of each residual over all processes."""
        for key, each in self._objective.points.items():
            if key not in points.whole:
                of = points.sets.get(key)
                each.total = len(points.samples.points if of is None else of)
            if names is None:
                with torch.no_grad(), how.context(self.device_of(solution)):
                    found = each.residuals(each.lambda_values())
                self.totals |= {name: each.total or len(r) for name, r in found.items()}
        self.names = list(self.totals) if names is None else list(names)
        self.parameters = self._objective.parameters()
        self.count = sum(p.numel() for p in self.parameters)
        """Of numbers in the parameters, P."""
        self._affine: AffineLoss | None = None
        self._looked = False
        self._rows: Rows | None = None

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.device_of(self._objective.solution)

    @staticmethod
    def device_of(solution: Solution) -> torch.device:
        """Where a solution is."""
        return next(solution.parameters()).device

    def theta(self) -> Tensor:
        """The parameters' present values (P,)."""
        return torch.cat([p.detach().reshape(-1) for p in self.parameters])

    @torch.no_grad()
    def move(self, theta: Tensor) -> None:
        """Set the parameters to these values (P,)."""
        parts = theta.split([p.numel() for p in self.parameters])
        for p, part in zip(self.parameters, parts, strict=True):
            p.copy_(part.view_as(p))

    # -- figures: Σ r² (names,) and max |r| (names,) -------------------------------------------------------------------

    def loss(self) -> tuple[Tensor, Tensor]:
        """Of a pass without gradients."""
        with torch.no_grad(), self._how.context(self.device):
            return self._figures(self._objective.residuals())

    def linearise(self) -> tuple[Tensor, Tensor]:
        """Of a pass after which the rows of [J r] are kept, where its residuals are finite."""
        self._rows = None
        slopes = Slopes(list(self._objective.points.values()), self.count)
        squares, largest = self._figures(Residuals(slopes.residuals))
        if bool(torch.isfinite(squares).all()):
            self._rows = read(slopes)
        return squares, largest

    def slope(self) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Of a pass with the gradient (P,) of this part's share of the loss."""
        if not self._looked:
            self._looked = True
            self._affine = AffineLoss.of(self._objective) if self._how.autocast is None else None
        if self._affine is not None:
            residuals = self._affine.backward()
            gradient = torch.cat([p.grad.reshape(-1) for p in self.parameters])
            for p in self.parameters:
                p.grad = None  # whoever asked for it sets that of all rows
            return self._figures(residuals), gradient
        with torch.enable_grad():
            with self._how.context(self.device):
                by_set = [(each, each.residuals(each.lambda_values())) for each in self._objective.points.values()]
                loss = sum(r.square().sum() / (each.total or len(r)) for each, found in by_set for r in found.values())
            parts = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
        residuals = Residuals({name: r.detach() for _, found in by_set for name, r in found.items()})
        return self._figures(residuals), torch.cat([part.reshape(-1) for part in parts])

    def _figures(self, residuals: Residuals) -> tuple[Tensor, Tensor]:
        squares = torch.zeros(len(self.names), dtype=torch.float64)
        largest = torch.zeros_like(squares)
        for place, name in enumerate(self.names):
            if name in residuals.by_name:
                r = residuals.by_name[name].detach().double()
                squares[place], largest[place] = r.square().sum(), torch.linalg.vector_norm(r, torch.inf)
        return squares, largest

    # -- of the rows that are kept -------------------------------------------------------------------------------------

    @property
    def rows(self) -> Rows:
        """Those of the last `linearise`."""
        return self._rows

    def norms(self) -> Tensor:
        """Squares of the norms of J's columns (P,)."""
        return self._rows.norms().square()

    def gradient(self) -> Tensor:
        """Jᵀr (P,)."""
        return self._rows.gradient()

    def gram(self) -> Tensor:
        """The upper triangle of JᵀJ, packed."""
        return triangle.packed(self._rows.gram())

    def decrease(self, step: Tensor) -> Tensor:
        """|r|² − |r + Jδ|² of these rows, (1,)."""
        return torch.tensor([self._rows.decrease(step)], dtype=torch.float64)

    def drop(self) -> None:
        """Let go of the rows."""
        self._rows = None
