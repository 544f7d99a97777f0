"""The objective whose rows are in several processes, as the first one sees it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from core.errors import NotFiniteError, TrainingError
from core.networks.solution import Solution
from core.optimizers import triangle
from core.optimizers.rows import dense_bytes
from core.training.arithmetic import Arithmetic
from core.training.checkpoint import carried
from core.training.objective import SHARE, Objective
from core.training.spread.calls import Call, announce, answer, packet, with_given
from core.training.spread.part import Part, Points
from core.training.spread.ranks import Ranks


class SpreadResiduals:
    """The figures of one pass over all rows; the answers of `Residuals` that training asks for.

    Args:
        rows: residual → how many rows it has.
        squares: Σ r² of each.
        largest: max |r| of each.
        loss: where it is differentiable, the loss.
    """

    def __init__(self, rows: dict[str, int], squares: Tensor, largest: Tensor, loss: Tensor | None = None):
        self._rows, self._squares, self._largest = rows, squares, largest
        counts = torch.tensor(list(rows.values()), dtype=torch.float64)
        self.mean_squares: dict[str, Tensor] = dict(zip(rows, (squares / counts).unbind(), strict=True))
        """Mean square of each equation."""
        self._loss = sum(self.mean_squares.values()) if loss is None else loss

    def loss(self) -> Tensor:
        """Σ over the equations of the mean square."""
        return self._loss

    def maximum(self) -> Tensor:
        """Largest absolute residual."""
        return self._largest.max()

    def rms(self) -> Tensor:
        """Root mean square over all points and equations."""
        return (self._squares.sum() / sum(self._rows.values())).sqrt()

    def rms_by_name(self) -> dict[str, Tensor]:
        """Root mean square of each equation."""
        return {name: square.sqrt() for name, square in self.mean_squares.items()}

    @property
    def bad(self) -> list[str]:
        """Names of those that are NaN or infinite somewhere."""
        finite = torch.isfinite(self._squares).tolist()
        return [name for name, good in zip(self._rows, finite, strict=True) if not good]


class _Known(torch.autograd.Function):
    """A loss whose gradient came with it."""

    @staticmethod
    def forward(ctx: Any, loss: Tensor, gradient: Tensor, *parameters: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        ctx.sizes = [(p.numel(), p.shape) for p in parameters]
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, factor: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        parts = gradient.split([count for count, _ in ctx.sizes])
        whole = factor.to(gradient)
        return None, None, *(part.view(shape) * whole for part, (_, shape) in zip(parts, ctx.sizes, strict=True))


class SpreadObjective(Objective):
    """All rows of a stage, a part of them in each of several processes.

    Args:
        ranks: the processes; this is the first.
        size: how many of them take part.
        solution: see `Objective`.
        points: all of the stage's.
        how: arithmetic of a pass.
        problem: what the others make the solution's problem from, as plain data.
    """

    def __init__(
        self,
        ranks: Ranks,
        size: int,
        solution: Solution,
        points: Points,
        how: Arithmetic,
        problem: Callable[[], dict[str, Any]],
    ):
        super().__init__(solution, dict(points.sets), how.dtype, points.samples, points.weighing)
        self.ranks, self.together = ranks, size
        whole = frozenset(name for name, each in self.points.items() if each.matrices)
        self._points, self._how, self._problem = replace(points, whole=whole), how, problem
        self._part: Part | None = None

    def forget_frozen(self) -> None:
        """See `Objective.forget_frozen`; the others are told anew before the next pass."""
        super().forget_frozen()
        self._part = None

    def call(self, call: Call, given: Tensor | None = None) -> Any:
        """Ask it of all processes; what comes of it for all rows."""
        part = self._begun()
        announce(self.ranks, call, self.together)
        if (given is not None) != with_given(call):
            raise ValueError(f"{call.name} comes with other numbers")
        return answer(self.ranks, call, self.together, part, given)

    def _begun(self) -> Part:
        """This process's part, once all others have theirs."""
        if self._part is not None:
            return self._part
        solution = self.solution
        self._part = Part(solution, self._points, 0, self.together, self._how)
        samples = self._points.samples
        data = {
            **self._problem(),
            "solution": carried(solution),
            "free": solution.free_lambda,
            "arithmetic": self._how.name,
            "names": self._part.names,
            "threads": torch.get_num_threads(),
            "weighing": self._points.weighing.plain(),
            "whole": sorted(self._points.whole),
            "points": {name: torch.from_numpy(block) for name, block in self._points.sets.items()},
            "samples": None
            if samples is None
            else {
                "points": torch.from_numpy(samples.points),
                "values": {field: torch.from_numpy(column) for field, column in samples.values.items()},
                "weight": float(samples.weight),
            },
        }
        sent = packet(data)
        announce(self.ranks, Call.BEGIN, self.together, len(sent))
        self.ranks.told(sent, self.together)
        return self._part

    @property
    def columns(self) -> int:
        """Numbers in the parameters, P."""
        return self._begun().count

    def residuals(self) -> SpreadResiduals:
        """Figures of all residuals at the present parameters; where gradients are on, with a loss that has one."""
        if not torch.is_grad_enabled():
            return self._figures(self.call(Call.LOSS, self._begun().theta()))
        residuals, gradient = self._sloped()
        parameters = self._part.parameters
        loss = _Known.apply(residuals.loss().to(gradient), gradient, *parameters)
        return SpreadResiduals(residuals._rows, residuals._squares, residuals._largest, loss)

    def check_finite(self, residuals: SpreadResiduals) -> None:
        """See `Objective.check_finite`."""
        if bad := residuals.bad:
            raise NotFiniteError(
                f"The residual {', '.join(bad)} of {self.solution.problem.title} is NaN or infinite at some points. "
                "Look at the problem's residuals and its collocation points."
            )

    def gradient(self) -> tuple[SpreadResiduals, float, Tensor]:
        """See `Objective.gradient`."""
        residuals, gradient = self._sloped()
        self.check_finite(residuals)
        return residuals, float(residuals.loss()), gradient

    def slopes(self) -> tuple[SpreadResiduals, SpreadSlopes]:
        """Residuals, and the weighted system, whose rows stay where they are."""
        self.rejected_lambda, self.rejected_further = None, ""
        residuals = self._figures(self.call(Call.LINEARISE, self._begun().theta()))
        self.check_finite(residuals)
        return residuals, SpreadSlopes(self, float(residuals.loss()))

    def linearise(self) -> tuple[SpreadResiduals, Tensor, Tensor]:
        """Not with rows in several processes: `core.config` refuses the methods that need them in one."""
        raise TrainingError("A Jacobian in one piece was asked for, and its rows are in several processes.")

    products = linearise

    def check_memory(self, squared: Literal["columns", "rows"] = "columns", whole: bool = False) -> None:
        """See `Objective.check_memory`: on a CPU all parts are in the same memory."""
        rows, columns = self.shape()
        each = dense_bytes(math.ceil(rows / self.together), columns, squared, whole)
        on_one_device = 1 if self.ranks.device.type == "cuda" else self.together
        needed, free = each * on_one_device, self.free_memory()
        if needed > SHARE * free:
            raise TrainingError(
                f"A {rows} × {columns} Jacobian in {self.together} parts, with their factorisations, would need "
                f"{needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free. Use fewer collocation points or "
                "parameters, or more GPUs."
            )

    def _sloped(self) -> tuple[SpreadResiduals, Tensor]:
        figures, gradient = self.call(Call.SLOPE, self._begun().theta())
        return self._figures(figures), gradient

    def _figures(self, figures: tuple[Tensor, Tensor]) -> SpreadResiduals:
        return SpreadResiduals(self._part.totals, *figures)


class SpreadSlopes:
    """[J r] with its rows in several processes; see `core.optimizers.rows.Elsewhere`.

    Args:
        objective: whose.
        loss: |r|².
    """

    def __init__(self, objective: SpreadObjective, loss: float):
        self._objective, self._loss = objective, loss

    def rows(self) -> SpreadRows:
        """As they are kept."""
        return SpreadRows(self._objective, self._loss)


class SpreadRows:
    """See `core.optimizers.rows.Rows`: sums over all processes, and once it was asked for the triangle of all rows.

    While the damping is large JᵀJ and Jᵀr are summed; below, each process reduces its rows to a triangle, and these
    are put together (TSQR). The stacked system is solved in the first process.
    """

    def __init__(self, objective: SpreadObjective, loss: float):
        self._objective, self._loss = objective, loss
        self._triangle: tuple[Tensor, Tensor] | None = None

    def loss(self) -> float:
        """See `Rows.loss`."""
        return self._loss

    def norms(self) -> Tensor:
        """See `Rows.norms`."""
        if self._triangle is None:
            return self._objective.call(Call.NORMS).sqrt()
        return triangle.norms_of_columns(self._triangle[0])

    def gradient(self) -> Tensor:
        """See `Rows.gradient`."""
        if self._triangle is None:
            return self._objective.call(Call.GRADIENT)
        return triangle.transposed_times(*self._triangle)

    def gram(self) -> Tensor:
        """See `Rows.gram`; exactly symmetric, since one triangle alone is summed."""
        if self._triangle is None:
            packed = self._objective.call(Call.GRAM)
            return triangle.mirrored(triangle.unpacked(packed, self._objective.columns))
        return triangle.gram(self._triangle[0].triu(), upper=True)

    def triangle(self) -> tuple[Tensor, Tensor]:
        """See `Rows.triangle`."""
        if self._triangle is None:
            self._triangle = self._objective.call(Call.TRIANGLE)
        return self._triangle

    def decrease(self, step: Tensor) -> float:
        """See `Rows.decrease`."""
        if self._triangle is None:
            return float(self._objective.call(Call.DECREASE, step.contiguous().clone()))
        R, c = self._triangle
        change = triangle.times(R, step)
        return float(-(2 * c + change) @ change)
