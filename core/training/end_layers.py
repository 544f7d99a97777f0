"""Steep layers beside an end of a coordinate, found in coefficients of polynomials: few of asinh(distance/width) do.

What decays at a rate R from t = 0 on takes about 5√R polynomials of t to rounding, and for R from 200 to 20,000 between
39 and 70 of asinh(t/δ).
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebvander

WIDTHS = tuple(2.0**-k for k in range(1, 15))
"""Of layers that are tried, as parts of a coordinate's range."""
STEEP = 0.01
"""Of polynomials whose last coefficients are larger, beside all, nothing is known of what lies between their nodes."""
FEWEST = 12
"""Polynomials below which no layer is looked for."""
SPARED = 0.8
"""Part of the polynomials that another width must do with: each size has found its own a little better."""
DIRECTIONS = 8
"""Singular vectors along a coordinate that are looked at."""


def positions(z: np.ndarray, layer: float | None) -> np.ndarray:
    """Where in [0, 1] a coordinate is whose polynomials read 2z − 1.

    Args:
        z: in [0, 1].
        layer: width of a layer beside the lower end, negative: beside the upper one; None: no layer.
    """
    if layer is None:
        return z
    if layer < 0:
        return 1 - positions(1 - z, -layer)
    return layer * np.sinh(z * np.arcsinh(1 / layer))


def read_at(position: np.ndarray, layer: float | None) -> np.ndarray:
    """`positions`, inverted."""
    if layer is None:
        return position
    if layer < 0:
        return 1 - read_at(1 - position, -layer)
    return np.arcsinh(position / layer) / np.arcsinh(1 / layer)


def best_layer(coefficients: np.ndarray, layer: float | None) -> tuple[float | None, np.ndarray] | None:
    """A layer in whose polynomials the same functions take fewer, down to the last coefficients there are.

    Args:
        coefficients: (n, m) of m functions in the n polynomials there are, together of size about 1.
        layer: that these have.

    Returns:
        It, with the sizes of its coefficients, see `polynomial_sizes`; None where none spares enough.
    """
    present = _sizes(coefficients)
    count, tail = len(coefficients), present[-1]
    if count < FEWEST or tail > STEEP:
        return None
    u, s, _ = np.linalg.svd(coefficients, full_matrices=False)
    few = (u * s)[:, :DIRECTIONS]
    found = {}
    for other in (None, *WIDTHS, *(-width for width in WIDTHS)):
        if other != layer:
            sizes = _sizes(_in_others(few, layer, other))
            needed = int(np.flatnonzero(sizes > max(tail, sizes.min()))[-1]) + 2
            found[other] = sizes[:needed]
    best = min(found, key=lambda other: len(found[other]))
    return (best, found[best]) if len(found[best]) <= SPARED * count else None


def _in_others(coefficients: np.ndarray, layer: float | None, other: float | None) -> np.ndarray:
    """The coefficients of the same functions in the polynomials of another layer, by values at twice as many nodes."""
    nodes = 2 * len(coefficients)
    angles = np.pi * (np.arange(nodes) + 0.5) / nodes
    z = (1 - np.cos(angles)) / 2
    values = chebvander(2 * read_at(positions(z, other), layer) - 1, len(coefficients) - 1) @ coefficients
    found = chebvander(2 * z - 1, nodes - 1).T @ values * (2 / nodes)  # discretely orthogonal
    found[0] /= 2
    return found


def _sizes(coefficients: np.ndarray) -> np.ndarray:
    """Of each polynomial and the one before it."""
    squares = (coefficients**2).sum(axis=1)
    squares[1:] = squares[1:] + squares[:-1]
    return np.sqrt(squares)
