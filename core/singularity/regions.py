"""Where a certificate asks for the residual: points that were not trained on, by region."""

from __future__ import annotations

import numpy as np

from core.problems.base import Problem
from core.problems.boundary_profile import LAST, BoundaryProfile
from core.singularity import similarity

WORDS = {
    "near": "near the origin",
    "wall": "along the wall",
    "axis": "along the axis",
    "inside": "inside, layer and ridge",
    "far": "far field",
    "beyond": "beyond the training reach",
    "domain": "the domain",
}
"""Regions as people read them."""
NEAR = 10.0
"""On the line, the neighbourhood of the origin ends, and the far field begins, at so many widths of the core."""
POINTS = {"near": 900, "far": 900, "beyond": 200}
"""Points of each region of the line, on one side of the origin: profiles are odd and their residuals even."""

CORE, INSIDE = 0.05, 0.6
"""In the plane, the neighbourhood of the origin ends, and the far field begins, at these w."""
FARTHEST = 1 - 1e-8
"""Beyond this w, where r is 10^{8(1+λ)}, 1 − w has no digits left."""
ALONG = 400
"""Points along the wall and along the axis."""
GOLDEN = (np.sqrt(5) - 1) / 2


def points(problem: Problem) -> dict[str, np.ndarray]:
    """Where a certificate asks for the residual, region → (n, d): no points of training, but for the origin."""
    if isinstance(problem, BoundaryProfile):
        return _plane(problem)
    if not similarity.is_profile(problem):
        from core.training.measure import dense_points

        return {"domain": dense_points(problem)}
    ends = [0.0, float(np.arcsinh(NEAR)), similarity.trained_reach(problem), similarity.valid_reach(problem)]
    result = {}
    for (name, count), low, high in zip(POINTS.items(), ends[:-1], ends[1:], strict=True):
        y = similarity.positions(low, high, count, similarity.width(problem))
        # the origin is where λ is decided, whoever asks for it
        result[name] = (np.concatenate([[0.0], y]) if name == "near" else y)[:, None]
    return result


def distance(problem: Problem, block: np.ndarray, lam: float) -> np.ndarray:
    """|y| (n,) at points (n, d) of a region; the first coordinate where the problem is no profile."""
    if isinstance(problem, BoundaryProfile):
        w = block[:, 0]
        return w * (1 - w) ** -(1 + lam)
    return np.abs(block[:, 0]) if similarity.is_profile(problem) else block[:, 0]


def _plane(problem: BoundaryProfile) -> dict[str, np.ndarray]:
    """Even in the coordinates of the problem's maps, at the golden section of cells: no Gauss node lies there."""
    along = _between(problem, 0.0, LAST, ALONG)
    wall, axis = (np.stack([along, np.full(ALONG, end)], axis=1) for end in (0.0, 1.0))
    return {
        "near": np.concatenate([[[0.0, 0.5]], _block(problem, 0.0, CORE, (20, 60))]),
        "wall": wall,
        "axis": axis,
        "inside": _block(problem, CORE, INSIDE, (60, 60)),
        "far": _block(problem, INSIDE, LAST, (40, 60)),
        "beyond": _beyond(problem),
    }


def _cells(n: int) -> np.ndarray:
    return (np.arange(n) + GOLDEN) / n


def _between(problem: BoundaryProfile, low: float, high: float, n: int) -> np.ndarray:
    first, last = problem.radial.spread(np.array([low, high]))
    return problem.radial.at(first + (last - first) * _cells(n))


def _block(problem: BoundaryProfile, low: float, high: float, shape: tuple[int, int]) -> np.ndarray:
    return _tensor(problem, _between(problem, low, high, shape[0]), shape[1])


def _beyond(problem: BoundaryProfile) -> np.ndarray:
    """Even in log(1 − w), as far as 1 − w has digits."""
    first, last = np.log(1 - LAST), np.log(1 - FARTHEST)
    return _tensor(problem, 1 - np.exp(first + (last - first) * _cells(20)), 30)


def _tensor(problem: BoundaryProfile, w: np.ndarray, n: int) -> np.ndarray:
    w, zeta = (axis.ravel() for axis in np.meshgrid(w, _cells(n), indexing="ij"))
    return np.stack([w, problem.angular.at(w, zeta)], axis=1)
