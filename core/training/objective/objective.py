"""Residuals of a solution's last stage at fixed points, their loss, gradient, products and Jacobian."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import NotFiniteError, TrainingError
from core.jets import TensorSums
from core.names import beside
from core.networks.solution import Solution
from core.optimizers.rows import dense_bytes
from core.problems.base import Samples
from core.training.objective import origin
from core.training.objective.averaged import MOST, WIDEST, levelled
from core.training.objective.by_axes import GridRows, ProductsByAxes
from core.training.objective.data import DATA, Data
from core.training.objective.equations import Equations
from core.training.objective.memory import SHARE, free_memory
from core.training.objective.nonlocal_rows import NonlocalEquations
from core.training.objective.point_set import PointSet
from core.training.objective.products import Products
from core.training.objective.residuals import Residuals
from core.training.objective.slopes import Slopes
from core.training.objective.weighing import ALIKE, Weighing


class Objective:
    """All rows of a stage, at fixed points, as a function of the trained parameters.

    Args:
        solution: its last network is trained; λ too where it requires a gradient.
        points: point set → (n, d).
        dtype: of the computation; the solution must be in it.
        samples: measured values; their rows w(u − u_i) stand beside the equations'.
        weighing: what rows of equations count.
        analytic: λ is no parameter but what the problem's `origin_condition` makes it, for any network; J is that of
            the other residuals along this constraint.
    """

    together = 1
    """Processes that hold its rows."""

    def __init__(
        self,
        solution: Solution,
        points: dict[str, np.ndarray],
        dtype: torch.dtype = torch.float64,
        samples: Samples | None = None,
        weighing: Weighing = ALIKE,
        analytic: bool = False,
    ):
        self.solution = solution
        self.analytic = analytic
        self.rejected_lambda: float | None = None
        """A λ outside the problem's range that a step led to since the last `linearise`."""
        self.rejected_further = ""
        """In words, a further unknown number that a step likewise led out of its range."""
        self.points: dict[str, PointSet] = {
            name: _equations(solution, name, block, dtype, weighing) for name, block in points.items()
        }
        if samples is not None:
            self.points[beside(DATA, "samples", self.points)] = Data(solution, samples, dtype)
        self.scaled = not weighing.is_none

    @property
    def free_lambda(self) -> bool:
        """Whether λ is being solved for."""
        return self.solution.free_lambda

    def parameters(self) -> list[nn.Parameter]:
        """Trained parameters: the last network's, layer by layer (weight, bias), then λ."""
        own = [p for layer in self.solution.networks[-1].layers for p in (layer.weight, layer.bias) if p is not None]
        return [*own, *self.solution.unknowns()] if self.free_lambda and not self.analytic else own

    def forget_frozen(self) -> None:
        """Drop what was computed once; needed after λ changed from outside."""
        for points in self.points.values():
            points.forget_frozen()

    def residuals(self) -> Residuals:
        """All residuals at the current parameters, differentiable."""
        by_name: dict[str, Tensor] = {}
        for points in self.points.values():
            by_name.update(points.residuals(points.lambda_values()))
        return Residuals(by_name)

    def sizes(self) -> dict[str, Tensor]:
        """√Σ r² over the equations at each point, by point set: (n,)."""
        with torch.no_grad():
            return {
                name: sum(r.square() for r in points.residuals(points.lambda_values()).values()).sqrt()
                for name, points in self.points.items()
            }

    @torch.no_grad()
    def along_frozen(self) -> Tensor:
        """Slopes (M,) of the weighted residuals in s, where the stages before the last one are (1 + s) times theirs."""
        return self._along(last=False)

    @torch.no_grad()
    def along_last(self) -> Tensor:
        """Slopes (M,) of the weighted residuals in s, where the last network is s times what it says."""
        return self._along(last=True)

    def _along(self, last: bool) -> Tensor:
        by_name: dict[str, Tensor] = {}
        for points in self.points.values():
            by_name.update(points.along(points.lambda_values(), last))
        return Residuals(by_name).rows()

    def check_finite(self, residuals: Residuals) -> None:
        """Raise NotFiniteError where a residual is NaN or infinite, naming it."""
        bad = [name for name, r in residuals.by_name.items() if not bool(torch.isfinite(r).all())]
        if bad:
            raise NotFiniteError(
                f"The residual {', '.join(bad)} of {self.solution.problem.title} is NaN or infinite at some points. "
                "Look at the problem's residuals and its collocation points."
            )

    def gradient(self) -> tuple[Residuals, float, Tensor]:
        """Residuals, loss |r|², and its gradient (P,) by one backward pass."""
        residuals = self.residuals()
        self.check_finite(residuals)
        loss = residuals.loss()
        parts = torch.autograd.grad(loss, self.parameters(), materialize_grads=True)
        return residuals, float(loss.detach()), torch.cat([part.reshape(-1) for part in parts])

    def products(self) -> tuple[Residuals, Products | ProductsByAxes]:
        """Residuals, and the weighted system by its products instead of its Jacobian."""
        sums = self.on_grids()
        if sums is not None:
            parts = [GridRows(points, each) for points, each in zip(self.points.values(), sums, strict=True)]
            by_axes = ProductsByAxes(parts, self.solution.problem.outputs)
            found = Residuals(by_axes.residuals)
            self.check_finite(found)
            return found, by_axes
        residuals = self.residuals()
        self.check_finite(residuals)
        return residuals, Products(self.solution, self.parameters(), lambda: self.residuals().rows(), residuals.rows())

    @property
    def by_axes(self) -> bool:
        """Whether the last network's polynomials are on a grid, so that products go axis by axis."""
        return self.on_grids() is not None

    def how_multiplied(self) -> str:
        """How products of polynomials on a grid are made, in words; empty where they go by autograd."""
        sums = self.on_grids()
        if sums is None:
            return ""
        found = "products with the Jacobian go axis by axis: its rows and columns are never made"
        if levelled(sums, self.solution.problem.outputs):
            return found
        return (
            f"{found}; they may be many, since nothing levels them: that takes a periodic coordinate, of each an odd "
            "number of harmonics, and at least as many points; no rows of conditions beside the equations'; and "
            f"at most {WIDEST} unknowns a wave, {MOST / 2**30:.0f} GiB for all"
        )

    def on_grids(self) -> list[TensorSums] | None:
        """Of each point set what sums the last network there axis by axis; None where one has no such thing."""
        nonlocal_too = any(points.matrices for points in self.points.values())
        if self.solution.networks[-1].degrees is None or self.free_lambda or nonlocal_too:
            return None
        found = []
        for points in self.points.values():
            features, _ = points.features_and_frozen(points.lambda_values())
            found.append(self.solution.networks[-1].on_grid(features[-1]))
        return None if any(sums is None for sums in found) else found

    def slopes(self) -> tuple[Residuals, Slopes]:
        """Residuals, and the weighted system, rows scaled by 1/√n so that loss = |r|², to be written where wanted."""
        self.rejected_lambda, self.rejected_further = None, ""
        if self.analytic and not self.settle_lambda():
            raise TrainingError(
                f"The condition at the origin has no root in {self.solution.problem.unknown} near "
                f"{float(self.solution.lam):.6g}. Start nearer, or take another mode of lambda."
            )
        condition = self.solution.problem.origin_condition if self.analytic else None
        slopes = Slopes(list(self.points.values()), sum(p.numel() for p in self.parameters()), condition)
        found = Residuals(slopes.residuals)
        self.check_finite(found)
        return found, slopes

    def linearise(self) -> tuple[Residuals, Tensor, Tensor]:
        """Residuals, and that system: r (M,) and J = ∂r/∂θ (M, P), side by side in one matrix."""
        residuals, slopes = self.slopes()
        joined = slopes.whole()
        return residuals, joined[:, -1], joined[:, :-1]

    def mover(self) -> Move:
        """What sets the trained parameters to their present values plus a step, and returns the loss there."""
        return Move(self)

    def origin_residual(self) -> float:
        """The signed residual of the origin condition."""
        return origin.origin_residual(self.points["interior"])

    def settle_lambda(self) -> bool:
        """Set λ to the root of the origin condition near it; False where none is found."""
        settled = origin.settle_lambda(self.points["interior"])
        if settled.rejected is not None:
            self.rejected_lambda = settled.rejected
        return settled.found

    def shape(self) -> tuple[int, int]:
        """Rows and columns of the Jacobian; nothing large is allocated."""
        return sum(points.count() for points in self.points.values()), sum(p.numel() for p in self.parameters())

    def free_memory(self) -> int:
        """Bytes that the device has left."""
        return free_memory(next(self.solution.parameters()).device)

    def check_memory(self, squared: Literal["columns", "rows"] = "columns", whole: bool = False) -> None:
        """Raise TrainingError when the dense Jacobian and what is factorised would not fit.

        Args:
            squared: whether the factorised matrix is parameters² or rows².
            whole: whether all rows are kept, however many there are.
        """
        rows, columns = self.shape()
        needed, free = dense_bytes(rows, columns, squared, whole), self.free_memory()
        if needed > SHARE * free:
            raise TrainingError(
                f"A {rows} × {columns} Jacobian and its factorisation would need {needed / 2**30:.1f} GiB, and "
                f"{free / 2**30:.1f} GiB are free. Use fewer collocation points or parameters, or the optimizer "
                "conjugate_gradient, which stores no Jacobian."
            )


def _left_its_range(solution: Solution) -> str:
    """Which further unknown number is outside of what it stays between, in words; empty where none is."""
    values = solution.further.tolist()
    for value, (name, (_, low, high)) in zip(values, solution.problem.further_unknowns.items(), strict=True):
        if not low < value < high:
            return f"{name} to {value:.4g}, and only values from {low:g} to {high:g} mean something"
    return ""


def _equations(solution: Solution, name: str, points: np.ndarray, dtype: torch.dtype, weighing: Weighing) -> Equations:
    integrals = solution.problem.integrals_on(name, points)
    if not integrals:
        return Equations(solution, name, points, dtype, weighing)
    return NonlocalEquations(solution, name, points, dtype, weighing, integrals)


class Move:
    """Sets an objective's parameters to their value at creation plus a flat step, and returns the loss there."""

    def __init__(self, objective: Objective):
        self.parameters = objective.parameters()
        self.objective = objective
        self.base = [p.detach().clone() for p in self.parameters]
        lam = objective.solution.lam
        self.lam = None if lam is None else lam.detach().clone()

    @torch.no_grad()
    def __call__(self, step: Tensor) -> float:
        """Move by `step` (P,) from where the parameters were; the loss there, NaN allowed."""
        self.move(step)
        objective, solution = self.objective, self.objective.solution
        if objective.analytic and not objective.settle_lambda():
            return math.nan
        low, high = solution.problem.lambda_range
        if solution.lam is not None and not low < float(solution.lam) < high:
            objective.rejected_lambda = float(solution.lam)
            return math.nan
        if solution.further is not None and (left := _left_its_range(solution)):
            objective.rejected_further = left
            return math.nan
        return float(self.objective.residuals().loss())

    @torch.no_grad()
    def rows(self, step: Tensor) -> Tensor:
        """Move likewise; the weighted residuals (M,) there."""
        self.move(step)
        return self.objective.residuals().rows()

    @torch.no_grad()
    def move(self, step: Tensor) -> None:
        """Move likewise, and look at nothing."""
        start = 0
        if self.objective.analytic:
            self.objective.solution.lam.copy_(self.lam)
        for p, base in zip(self.parameters, self.base, strict=True):
            p.copy_(base + step[start : start + p.numel()].view_as(p))
            start += p.numel()
