"""Points on the faces of a box, for boundary conditions that no ansatz meets."""

from __future__ import annotations

import numpy as np


def faces(unit: np.ndarray, domain: tuple[tuple[float, float], ...], dimension: int) -> np.ndarray:
    """Points of the unit cube (n, d) moved to the faces of a box, (n, d).

    Point i lies on face i modulo 2·`dimension`: the first `dimension` coordinates have faces, those after them (time)
    have none.
    """
    low, high = np.array(domain).T
    points = low + (high - low) * unit
    rows = np.arange(len(points))
    axis, end = (rows // 2) % dimension, rows % 2
    points[rows, axis] = np.where(end == 1, high[axis], low[axis])
    return points
