"""How often a sample has which values."""

from __future__ import annotations

import numpy as np

BARS = 60


def histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges (n + 1,) and counts (n,) of what is finite; empty where nothing is."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros(0), np.zeros(0, int)
    counts, edges = np.histogram(finite, BARS if finite.min() < finite.max() else 1)
    return edges, counts
