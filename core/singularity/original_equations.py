"""Residuals of a boundary profile's original equations, in vector form: the fields that people see, in y₁ and y₂.

Training makes a combination small that was divided by its decay, with what cancels cancelled by hand. Here nothing of
that is used: the fields are differentiated as they are shown, and put into the equations as they are published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.networks.solution import Solution

BESIDE_AXIS, BESIDE_ORIGIN = 1e-9, 1e-4
"""On the axis and at the origin all terms are zero: the equations are asked for so far beside them.

Near the origin ∂₁U₂, ∂₂U₁ and Ω shrink as r, while the rounding of the velocity's slopes does not: 1e-16 of them is
1e-12 of what is compared there, and would be 1e-7 at 1e-9.
"""


def residuals(solution: Solution, points: np.ndarray) -> dict[str, np.ndarray]:
    """Equation → residual (n,) over the local size of its terms, at points (n, 2) in w and z."""
    problem, lam = solution.problem, float(solution.lam.detach())
    points = np.stack([np.maximum(points[:, 0], BESIDE_ORIGIN), np.minimum(points[:, 1], 1 - BESIDE_AXIS)], axis=1)
    fields, slopes = solution.gradients(points)
    y = position(points, lam)
    gradients = {name: gradient(points, slope, lam) for name, slope in slopes.items()}
    found = problem.original(fields, gradients, y, lam)
    return {name: residual / np.maximum(size, np.finfo(float).tiny) for name, (residual, size) in found.items()}


def largest(solution: Solution, blocks: dict[str, np.ndarray]) -> dict[str, float]:
    """Equation → its largest relative residual over blocks of points; NaN where one of them is."""
    found = residuals(solution, np.concatenate(list(blocks.values())))
    return {name: float(np.abs(values).max()) for name, values in found.items()}


def position(points: np.ndarray, lam: float) -> np.ndarray:
    """Y (2, n) at points (n, 2) in w and z."""
    w, z = points.T
    r = w * (1 - w) ** -(1 + lam)
    return r * np.stack([np.sqrt((1 - z) * (1 + z)), z])


def gradient(points: np.ndarray, slope: np.ndarray, lam: float) -> np.ndarray:
    """∂₁ and ∂₂ (2, n) of a quantity whose derivatives by w and z are given, (n, 2), at points (n, 2) in w and z."""
    w, z = points.T
    c = np.sqrt((1 - z) * (1 + z))
    outward, around = w * (1 - w) / (1 + lam * w) * slope[:, 0], c * slope[:, 1]  # r∂_r and ∂_θ
    return np.stack([c * outward - z * around, z * outward + c * around]) / (w * (1 - w) ** -(1 + lam))
