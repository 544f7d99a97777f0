"""How good a solution is, on points that were not used to train it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from core.errors import LabError
from core.networks.marched import Marched
from core.networks.solution import Solution
from core.problems.exact_error import exact_error, exact_fields, places_of

DENSE = {1: 4001, 2: 257, 3: 41}
"""Points along each axis of the dense grid; beyond three dimensions `SCATTERED` random points stand in."""
SCATTERED = 65_536


@dataclass(frozen=True)
class Measures:
    """Figures of a solution on the dense grid; None where the problem has no exact solution or no λ."""

    max_residual: float
    rms_residual: float
    relative_l2_error: float | None = None
    """‖u − u*‖ / ‖u*‖ over the grid, all fields together."""
    max_error: float | None = None
    """max |u − u*| over the grid and all fields."""
    exact_gap: str = ""
    """Where the exact solution has no value, so that errors are over the rest; empty where it has one everywhere."""
    lambda_: float | None = None
    lambda_reference: float | None = None
    unknowns: Mapping[str, float] = field(default_factory=dict)
    """Unknown numbers of an equation by name, λ's value among them."""
    references: Mapping[str, float] = field(default_factory=dict)
    """Those of them that are known exactly."""

    @property
    def lambda_error(self) -> float | None:
        """|λ − reference|."""
        if self.lambda_ is None or self.lambda_reference is None:
            return None
        return abs(self.lambda_ - self.lambda_reference)


def dense_points(problem) -> np.ndarray:
    """The points (N, d) inside of the domain at which solutions of a problem are judged."""
    points = _in_the_box(problem)
    return points[problem.contains(points)]


def _in_the_box(problem) -> np.ndarray:
    d = len(problem.coordinates)
    if d in DENSE:
        axes = [problem.axis(i, DENSE[d]) for i in range(d)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, d)
    low, high = np.array(problem.domain()).T
    return low + (high - low) * np.random.default_rng(20_250_914).random((SCATTERED, d))


def measure(solution: Solution | Marched, seen: Callable[[float], None] = lambda share: None) -> Measures:
    """Residuals, and errors against the exact solution where there is one.

    Args:
        solution: on the CPU; one in windows is measured as far as it is trained.
        seen: called with the share of the grid that is done.
    """
    problem = solution.problem
    points = dense_points(problem)
    if isinstance(solution, Marched):
        points = points[solution.reaches(points)]
    values = solution.evaluate(points, seen=seen)
    residuals = problem.value_names.residuals.values()
    residual = np.concatenate([rows for name, rows in values.items() if name in residuals])
    lam = None if solution.lam is None else float(solution.lam.detach())
    exact, error, unusable = None, None, ""
    try:
        exact = exact_fields(problem, points)
    except LabError as refused:
        unusable = str(refused)
    if exact is not None:
        errors = {name: values[name] - exact[name] for name in problem.fields}
        wanted = {name: exact[name] for name in problem.fields}
        error = exact_error(errors, wanted, places_of(problem.coordinates, points))
    return Measures(
        max_residual=float(np.abs(residual).max()),
        rms_residual=math.sqrt(float(np.square(residual).mean())),
        relative_l2_error=error and error.relative_l2,
        max_error=error and error.largest,
        exact_gap=error.gap if error else unusable,
        lambda_=lam,
        lambda_reference=problem.reference_lambda(),
        unknowns=solution.values_of_unknowns(),
        references=problem.references_of_unknowns(),
    )
