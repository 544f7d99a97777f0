"""What a reader must know before believing a run that came to its end: one plain sentence, or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from core.runs.history import MAIN, PATH
from core.training.measure import Measures

FAR_OFF = 1.0
"""Relative error from which a solution is no better than zero everywhere."""
CLOSE = 0.1
"""Relative error below which a residual that hardly fell is no reason to doubt."""
HARDLY = 0.5
"""A residual has hardly fallen when more than this part of the first is left."""
SMALL = 1e-3
"""Residuals are divided by their natural scale: below this one there was little left to fall."""
NEXT = "Give it more iterations, another learning rate or optimizer, or a larger network."


def verdict(measures: Measures, columns: Mapping[str, np.ndarray]) -> str:
    """In which way a solution is far off, and what to do about it; empty where nothing says that it is.

    Args:
        measures: on the dense grid.
        columns: the run's whole history.
    """
    if not math.isfinite(measures.max_residual):
        return "The solution is not usable: its residual is NaN or infinite at points of the dense grid."
    error = measures.relative_l2_error
    if error is not None and not error <= FAR_OFF:
        return f"The solution is far off: its relative error is {error:.3g}, and zero everywhere would have 1. {NEXT}"
    rms = np.asarray(columns.get("rms_residual", ()), dtype=float)
    trained = np.asarray(columns.get("phase", np.full(len(rms), MAIN))) != PATH  # on a path it is of other problems
    rms = rms[np.isfinite(rms) & trained]
    if len(rms) < 2 or (error is not None and error < CLOSE):
        return ""
    first, last = float(rms[0]), float(rms[-1])
    if measures.max_residual > SMALL and last > HARDLY * first:
        return f"The residual hardly fell: from {first:.2g} to {last:.2g} (RMS), so this is no solution yet. {NEXT}"
    return ""
