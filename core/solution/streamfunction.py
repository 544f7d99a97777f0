"""The stream function ψ of a plane flow on a grid: u = ψ_y, v = −ψ_x, integrated by splines from one corner."""

from __future__ import annotations

import numpy as np

from core.errors import LabError

NAME = "streamfunction"
FEWEST = 4


def streamfunction(
    u: np.ndarray, v: np.ndarray, x: np.ndarray, y: np.ndarray, places: tuple[int, int]
) -> tuple[np.ndarray, float]:
    """ψ of a velocity, 0 at the first corner of each moment, and how far two paths of integration are apart.

    The second is 0 up to the splines' error where the flow's divergence is; it is what ψ is uncertain by.

    Args:
        u: velocity along x, (…).
        v: velocity along y, the same shape.
        x: positions along the axis `places[0]`.
        y: positions along the axis `places[1]`.
        places: of the two axes of space.

    Raises:
        LabError: fewer points than a cubic needs, or values that are not finite.
    """
    from scipy.interpolate import CubicSpline

    if min(len(x), len(y)) < FEWEST:
        raise LabError(f"A stream function needs {FEWEST} points along each axis of space.")
    if not (np.isfinite(u).all() and np.isfinite(v).all()):
        raise LabError("A stream function needs a velocity at every point of a box, and here some have none.")

    def integrated(values: np.ndarray, along: np.ndarray, axis: int) -> np.ndarray:
        return CubicSpline(along, values, axis=axis).antiderivative()(along)

    def first(values: np.ndarray, axis: int) -> np.ndarray:
        return np.take(values, [0], axis=axis)

    across, up = -integrated(v, x, places[0]), integrated(u, y, places[1])
    one = across + first(up, places[0])  # up along the first side, then across
    other = up + first(across, places[1])
    return (one + other) / 2, float(np.abs(one - other).max())
