"""Evenly spaced positions that are as symmetric as their range."""

from __future__ import annotations

import numpy as np


def evenly(low: float, high: float, n: int) -> np.ndarray:
    """`n` increasing positions (n,), ends included; of a range −r to r exact opposites of each other, the middle 0.

    np.linspace leaves 2e-15 in the middle of some: a place that nobody meant, where U/y is not U′(0).
    """
    positions = np.linspace(low, high, n)
    return (positions - positions[::-1]) / 2 if low == -high else positions
