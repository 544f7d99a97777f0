"""A place inside a hole from which its features start: outside of the domain, or they would be singular inside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.domains.mesh_distance import crossed, nearest_facets

LINES = {2: 32, 3: 16}
"""Of the grid in which a place is looked for, by dimension."""


def place_in(
    hole: np.ndarray, every: np.ndarray, contains: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, ...] | None:
    """The centroid of a hole; where that is not in it, the place of a grid that is farthest from the boundary.

    A hole may be bent around the domain, and the domain may go on inside it. None where no place was found.

    Args:
        hole: sides (k, 2, 2) or triangles (k, 3, 3) that are its edge.
        every: the same of all of the domain's boundary.
        contains: whether points (n, d) lie in the domain.
    """
    d = hole.shape[-1]
    centroid = centroid_of(hole)
    if _free(centroid[None], hole, contains)[0]:
        return tuple(map(float, centroid))
    low, high = hole.min(axis=(0, 1)), hole.max(axis=(0, 1))
    lines = (np.arange(LINES[d]) + 0.5) / LINES[d]
    grid = low + (high - low) * np.stack(np.meshgrid(*d * [lines]), axis=-1).reshape(-1, d)
    grid = grid[_free(grid, hole, contains)]
    if not len(grid):
        return None
    return tuple(map(float, grid[nearest_facets(grid, every)[0].argmax()]))


def _free(points: np.ndarray, hole: np.ndarray, contains: Callable) -> np.ndarray:
    return crossed(points, hole) & ~contains(points)


def centroid_of(corners: np.ndarray) -> np.ndarray:
    """The middle (d,), by area or volume, of what closed sides or triangles enclose, whichever way they all face."""
    base = corners.mean(axis=(0, 1))
    off = corners - base
    sizes = np.linalg.det(off)  # of the triangle or tetrahedron from the base to each, times 2 or 6
    return base + np.einsum("n,nd->d", sizes, off.sum(axis=1)) / (corners.shape[-1] + 1) / sizes.sum()
