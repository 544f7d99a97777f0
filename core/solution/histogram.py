"""How often a sample has which values."""

from __future__ import annotations

import numpy as np

from core.solution.drawing import value_range

BARS = 60


def histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges (n + 1,) and counts (n,) of what is finite; empty where nothing is."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros(0), np.zeros(0, int)
    low, high = value_range(finite, False)
    if not low < high:  # one bar; numpy finds no room for many in a spread of rounding
        half = max(abs(low), 1.0) / 2
        return np.array([low - half, low + half]), np.array([finite.size])
    counts, edges = np.histogram(finite, BARS)
    return edges, counts
