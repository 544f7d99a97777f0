"""What many values of a curve amount to: a moving average of one, median and quartiles of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def smooth(y: np.ndarray, weight: float, log: bool) -> np.ndarray:
    """Exponential moving average without the start's bias, of log y where the axis is logarithmic; NaN stays NaN.

    Args:
        y: values (n,).
        weight: of the past, in [0, 1); 0 gives y back.
        log: average logarithms: a residual that falls by decades has no meaningful arithmetic mean.
    """
    from scipy.signal import lfilter

    usable = np.isfinite(y) & ((y > 0) if log else True)
    if not 0 < weight < 1 or not usable.any():
        return y
    values = np.log(y[usable]) if log else y[usable]
    total = lfilter([1 - weight], [1, -weight], values)
    with np.errstate(under="ignore"):
        total /= 1 - weight ** np.arange(1, len(values) + 1)
    result = np.array(y, dtype=float)
    result[usable] = np.exp(total) if log else total
    return result


@dataclass(frozen=True)
class Band:
    """Curves of a group of runs: median and quartiles at common positions, each (m,)."""

    x: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    runs: int


def band(curves: Sequence[tuple[np.ndarray, np.ndarray]], log_y: bool, log_x: bool, points: int = 400) -> Band:
    """Median and quartiles of curves that have different lengths and positions.

    Each curve is interpolated (logarithms on a logarithmic axis) within its own range only; a run that ended earlier
    takes no part beyond its end.

    Args:
        curves: (x, y) of each run, x increasing.
        log_y: the y axis is logarithmic.
        log_x: the x axis is logarithmic.
        points: positions wanted.
    """
    usable = []
    for x, y in curves:
        kept = np.isfinite(y) & ((y > 0) if log_y else True) & ((x > 0) if log_x else True)
        if kept.sum() > 1:
            usable.append((np.log(x[kept]) if log_x else x[kept], np.log(y[kept]) if log_y else y[kept]))
    if not usable:
        return Band(*(np.empty(0) for _ in range(4)), runs=0)
    grid = np.linspace(min(x[0] for x, _ in usable), max(x[-1] for x, _ in usable), points)
    rows = np.array([np.interp(grid, x, y, left=np.nan, right=np.nan) for x, y in usable])
    covered = np.isfinite(rows).any(axis=0)
    low, median, high = np.nanquantile(rows[:, covered], (0.25, 0.5, 0.75), axis=0)
    back = np.exp if log_y else np.asarray
    return Band(np.exp(grid[covered]) if log_x else grid[covered], back(median), back(low), back(high), len(usable))
