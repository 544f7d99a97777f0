"""Unknown numbers of an equation whose time is cut into windows: one value each in the end, with one standard error.

They are constants of the whole run, so no window may have its own. The first window with data looks for them as a run
without windows does. Every later one is trained with the values so far, then linearised in them, and its data move
them: a recursive least-squares estimate, in which what a window leaves at its end carries its slopes in the numbers on
(an extended Kalman filter of constants; Simon, Optimal State Estimation, 2006, ch. 13). At the end all windows are
moved to the last values along their own slopes. It is all one least-squares fit to first order, as if it had been
linearised at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.errors import TrainingError
from core.networks.solution import Solution
from core.optimizers.rows import dense_bytes
from core.problems import Problem
from core.problems.base import FieldsAt, Follows
from core.training.objective import SHARE, Objective

DIRECTIONS = 1e-12
"""Directions of the network that move its rows by less than this, relatively, can't be followed in float64."""
MOST_STEPS, SETTLED = 8, 1e-10
"""Of Gauss–Newton at a window's end; numbers that a step moves by less than this part need no further one."""
STEP = 1e-4
"""Part of the weights by which they are moved to find slopes, where the solution is not linear in them."""


@dataclass
class Numbers:
    """What the windows so far say of the unknown numbers."""

    names: tuple[str, ...]
    values: list[float]
    information: list[list[float]] = field(default_factory=list)
    """Σ AᵀA over the windows, A their rows' slopes in the numbers where the network follows as well as it can."""
    spread: list[list[float]] = field(default_factory=list)
    """Σ AᵀVA, V the variance that each row is taken to have."""
    known: bool = False
    """A window with data has looked for them."""

    @classmethod
    def of(cls, problem: Problem, start: float | None) -> Numbers | None:
        """Before the first window; None for an equation without such numbers."""
        if not problem.has_lambda:
            return None
        first = problem.lambda_start() if start is None else start
        values = [first, *(begin for begin, *_ in problem.further_unknowns.values())]
        zero = [[0.0] * len(values) for _ in values]
        return cls((problem.unknown, *problem.further_unknowns), values, zero, [list(row) for row in zero])

    def solution(self, problem: Problem) -> Solution:
        """Without networks yet, with the present values."""
        found = Solution(problem, self.values[0])
        put(found, self.values)
        return found

    def errors(self) -> dict[str, float]:
        """Name → standard error; empty before a window with data. See `execution.unknown_numbers` for what it is."""
        if not self.known:
            return {}
        inverse = np.linalg.pinv(np.array(self.information), hermitian=True)
        covariance = inverse @ np.array(self.spread) @ inverse
        return dict(zip(self.names, np.sqrt(covariance.diagonal().clip(0)).tolist(), strict=True))

    def learn(self, objective: Objective, weight: float, say: Callable[[str], None]) -> Linearised:
        """Move the values, and a window's solution with them, to where its data and all earlier ones lead.

        By Gauss–Newton's steps in numbers and network together, the earlier windows' information standing beside the
        window's rows; a step that does not lower their sum is not taken. The window as it is left, linearised.

        Args:
            objective: the window's rows; its solution is moved.
            weight: of the window among all of them; 0 leaves everything as it is.
            say: receives a line where a step would leave what the numbers stay between.
        """
        solution, known = objective.solution, np.array(self.information)
        prior, found = np.array(self.values), linearised(objective)
        for _ in range(MOST_STEPS if weight else 0):
            off = np.array(values_of(solution)) - prior
            gradient = weight * found.gradient() + known @ off
            step = -np.linalg.pinv(known + weight * found.information(), hermitian=True) @ gradient
            if outside := _outside(solution.problem, (prior + off + step).tolist()):
                say(f"  its data would take {outside}: that step is left out")
                break
            before = weight * found.loss + off @ known @ off
            if not self._taken(objective, found, step, before, weight, prior):
                break
            found = linearised(objective)
            if (np.abs(step) <= SETTLED * np.abs(prior + off + step)).all():
                break
        if weight:
            self.information = (known + weight * found.information()).tolist()
            self.spread = (np.array(self.spread) + weight**2 * found.spread()).tolist()
            self.values, self.known = values_of(solution), True
        return found

    def _taken(
        self, objective: Objective, found: Linearised, step: np.ndarray, before: float, weight: float, prior: np.ndarray
    ) -> bool:
        """Take a step if it lowers the loss, with the network's own step or else without; whether it did."""
        solution, known = objective.solution, np.array(self.information)
        kept = [part.detach().clone() for part in solution.parameters()]
        for own in (found.own, torch.zeros_like(found.own)):
            follow(solution, found.follows, step.tolist(), own)
            objective.forget_frozen()
            with torch.no_grad():
                loss = float(objective.residuals().loss())
            off = np.array(values_of(solution)) - prior
            if weight * loss + off @ known @ off < before:
                return True
            _restore(solution, kept)
            objective.forget_frozen()
        return False

    def plain(self) -> dict[str, Any]:
        """For a checkpoint."""
        return vars(self) | {"names": list(self.names)}

    @classmethod
    def of_plain(cls, data: dict[str, Any] | None) -> Numbers | None:
        """From what `plain` gave."""
        return None if data is None else cls(**data | {"names": tuple(data["names"])})


@dataclass(frozen=True)
class Linearised:
    """The weighted rows of a window, to first order in the unknown numbers, its last network following."""

    r: Tensor
    """(M,)"""
    A: Tensor
    """(M, count): ∂r/∂numbers along it."""
    wrong: Tensor
    """(M,): the variance each row is taken to have: what its equation, or its column of data, leaves on average."""
    follows: Tensor
    """(count, P): what the network's parameters change by with each number."""
    own: Tensor
    """(P,): what they change by where the numbers stay."""

    @property
    def loss(self) -> float:
        """|r|²."""
        return float(self.r.square().sum())

    def information(self) -> np.ndarray:
        """AᵀA."""
        return (self.A.T @ self.A).numpy()

    def spread(self) -> np.ndarray:
        """AᵀVA."""
        return (self.A.T @ (self.wrong[:, None] * self.A)).numpy()

    def gradient(self) -> np.ndarray:
        """Aᵀr."""
        return (self.A.T @ self.r).numpy()


def check_memory(objective: Objective) -> None:
    """Raise TrainingError where a window of such an objective can't be linearised in the numbers."""
    rows, columns = objective.shape()
    needed, free = 2 * dense_bytes(rows + columns, columns, "columns", whole=True), objective.free_memory()
    if needed > SHARE * free:
        raise TrainingError(
            f"Unknown numbers in windows take each window's Jacobian, {rows} × {columns}, and its factorisation, "
            f"whatever trains it: {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free. Use fewer collocation "
            "points or parameters in the last stage."
        )


def linearised(objective: Objective) -> Linearised:
    """A window's rows where it is trained, by one QR decomposition of their Jacobian.

    Raises TrainingError where that does not fit into memory.
    """
    solution = objective.solution
    count = sum(part.numel() for part in solution.unknowns())
    solution.free_unknowns()
    objective.forget_frozen()
    try:
        check_memory(objective)
        _, slopes = objective.slopes()
        joined = slopes.whole().cpu()
    finally:
        solution.free_unknowns(False)
        objective.forget_frozen()
    of_weights, of_numbers, r = joined[:, : -count - 1], joined[:, -count - 1 : -1], joined[:, -1]
    rows, columns = of_weights.shape
    sizes = of_weights.norm(dim=0).clamp_min(torch.finfo(joined.dtype).tiny)
    eye = DIRECTIONS * torch.eye(columns, dtype=joined.dtype)
    Q, R = torch.linalg.qr(torch.cat([of_weights / sizes, eye]))
    both = torch.cat([of_numbers, r[:, None]], dim=1)
    solved = torch.linalg.solve_triangular(R, Q[:rows].T @ both, upper=True) / sizes[:, None]
    along = solved[:, :-1]
    A = of_numbers - of_weights @ along
    spare = rows / max(1, rows - columns - count)  # what is fitted leaves less than what was wrong
    wrong = torch.cat([(spare * each.square().mean() / len(each)).expand(len(each))
                       for each in slopes.residuals.values()]).cpu()  # fmt: skip
    return Linearised(r, A, wrong, -along.T, -solved[:, -1])


def values_of(solution: Solution) -> list[float]:
    """Of the unknown numbers, in their order."""
    return list(solution.values_of_unknowns().values())


@torch.no_grad()
def put(solution: Solution, values: list[float]) -> None:
    """Give a solution other unknown numbers."""
    solution.lam.fill_(values[0])
    if solution.further is not None:
        solution.further.copy_(torch.tensor(values[1:], dtype=torch.float64))


@torch.no_grad()
def follow(solution: Solution, follows: Tensor, by: list[float], own: Tensor | None = None) -> None:
    """Move a solution's unknown numbers, and its last network along with them.

    Args:
        solution: that is moved.
        follows: see `Linearised.follows`.
        by: how far each number goes.
        own: what the network moves by beside that, (P,).
    """
    put(solution, [value + step for value, step in zip(values_of(solution), by, strict=True)])
    step = torch.tensor(by, dtype=torch.float64) @ follows
    _move(solution, step if own is None else step + own)


@torch.no_grad()
def _restore(solution: Solution, kept: list[Tensor]) -> None:
    for part, value in zip(solution.parameters(), kept, strict=True):
        part.copy_(value)
    solution.networks[-1].forget()


def _move(solution: Solution, step: Tensor) -> None:
    start = 0
    for layer in solution.networks[-1].layers:
        for part in (layer.weight, layer.bias):
            if part is not None:
                part.data += step[start : start + part.numel()].view_as(part).to(part)
                start += part.numel()
    solution.networks[-1].forget()


def how_fields_follow(solution: Solution, follows: Tensor, clock: int, linear: bool) -> list[Follows]:
    """How fields and their rates of a window change with each unknown number, by differences to both sides.

    Args:
        solution: of the window, trained.
        follows: see `Linearised.follows`.
        clock: the place of time among the coordinates.
        linear: whether the solution is linear in its last network's parameters, so that any difference is exact.
    """
    parameters = torch.cat([part.detach().reshape(-1).cpu() for layer in solution.networks[-1].layers
                            for part in (layer.weight, layer.bias) if part is not None])  # fmt: skip

    def one(k: int) -> Follows:
        along = follows[k]
        size = float(parameters.norm() / along.norm().clamp_min(torch.finfo(along.dtype).tiny))
        h = (1.0 if linear else STEP) * min(max(size, STEP), 1 / STEP)

        def slope(ask: FieldsAt) -> FieldsAt:
            def at(points: np.ndarray) -> dict[str, np.ndarray]:
                base = [part.detach().clone() for part in solution.parameters()]
                sides = []
                for sign in (1, -1):
                    by = [0.0] * len(follows)
                    by[k] = sign * h
                    follow(solution, follows, by)
                    sides.append(ask(points))
                    _restore(solution, base)
                return {name: (ahead - sides[1][name]) / (2 * h) for name, ahead in sides[0].items()}

            return at

        return slope(solution.fields_at), slope(lambda points: solution.slopes_at(points, clock))

    return [one(k) for k in range(len(follows))]


def _outside(problem: Problem, values: list[float]) -> str:
    """Which number is outside of what it stays between, in words; empty where none is."""
    ends = [problem.lambda_range, *((low, high) for _, low, high in problem.further_unknowns.values())]
    for name, value, (low, high) in zip([problem.unknown, *problem.further_unknowns], values, ends, strict=True):
        if not low < value < high:
            return f"{name} to {value:.4g}, and only values from {low:g} to {high:g} mean something"
    return ""
