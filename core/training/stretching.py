"""Steep layers beside an end of a coordinate, found in coefficients of polynomials: few of asinh(distance/width) do.

What decays at a rate R from t = 0 on takes about 5√R polynomials of t to rounding, and for R from 200 to 20,000 between
39 and 70 of asinh(t/δ). Of a coordinate whose polynomials are even or odd the layer is about the middle.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from core.config import Parity

WIDTHS = tuple(2.0**-k for k in range(1, 15))
"""Of layers that are tried, as parts of a coordinate's range."""
STEEP = 0.01
"""Of polynomials whose last coefficients are larger, beside all, nothing is known of what lies between their nodes."""
FEWEST = 12
"""Polynomials below which no layer is looked for."""
SPARED = 0.8
"""Part of the polynomials that another width must do with: each size has found its own a little better."""
OWN = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
"""Which of all polynomials there are."""
DIRECTIONS = 8
"""Singular vectors along a coordinate that are looked at."""


def positions(z: np.ndarray, layer: float | None, middle: bool = False) -> np.ndarray:
    """Where in [0, 1] a coordinate is whose polynomials read 2z − 1.

    Args:
        z: in [0, 1].
        layer: width of a layer beside the lower end, negative: beside the upper one; None: no layer.
        middle: the layer is about 1/2, and its width a part of 1/2.
    """
    if layer is None:
        return z
    if middle:
        return (1 + layer * np.sinh((2 * z - 1) * np.arcsinh(1 / layer))) / 2
    if layer < 0:
        return 1 - positions(1 - z, -layer)
    return layer * np.sinh(z * np.arcsinh(1 / layer))


def read_at(position: np.ndarray, layer: float | None, middle: bool = False) -> np.ndarray:
    """`positions`, inverted."""
    if layer is None:
        return position
    if middle:
        return (1 + np.arcsinh((2 * position - 1) / layer) / np.arcsinh(1 / layer)) / 2
    if layer < 0:
        return 1 - read_at(1 - position, -layer)
    return np.arcsinh(position / layer) / np.arcsinh(1 / layer)


def best_layer(
    coefficients: np.ndarray, layer: float | None, parity: Parity = "all"
) -> tuple[float | None, np.ndarray] | None:
    """A layer in whose polynomials the same functions take fewer, down to the last coefficients there are.

    Args:
        coefficients: (n, m) of m functions in the n polynomials there are, together of size about 1.
        layer: that these have.
        parity: of these; of even or odd ones layers are about the middle.

    Returns:
        It, with the sizes of its coefficients, see `polynomial_sizes`; None where none spares enough.
    """
    present = _sizes(coefficients)
    count, tail = len(coefficients), present[-1]
    if count < FEWEST or tail > STEEP:
        return None
    u, s, _ = np.linalg.svd(coefficients, full_matrices=False)
    few = (u * s)[:, :DIRECTIONS]
    ends = WIDTHS if parity != "all" else (*WIDTHS, *(-width for width in WIDTHS))
    found = {}
    for other in (None, *ends):
        if other != layer:
            sizes = _sizes(_in_others(few, layer, other, parity))
            needed = int(np.flatnonzero(sizes > max(tail, sizes.min()))[-1]) + 2
            found[other] = sizes[:needed]
    best = min(found, key=lambda other: len(found[other]))
    return (best, found[best]) if len(found[best]) <= SPARED * count else None


def _in_others(coefficients: np.ndarray, layer: float | None, other: float | None, parity: Parity) -> np.ndarray:
    """The coefficients of the same functions in the polynomials of another layer, by values at twice as many nodes."""
    middle, own = parity != "all", OWN[parity]
    whole = np.zeros((len(coefficients) * (1 + middle), coefficients.shape[1]))
    whole[own] = coefficients
    nodes = 2 * len(whole)
    angles = np.pi * (np.arange(nodes) + 0.5) / nodes
    z = (1 - np.cos(angles)) / 2
    values = chebvander(2 * read_at(positions(z, other, middle), layer, middle) - 1, len(whole) - 1) @ whole
    found = chebvander(2 * z - 1, nodes - 1).T @ values * (2 / nodes)  # discretely orthogonal
    found[0] /= 2
    return found[own]


def _sizes(coefficients: np.ndarray) -> np.ndarray:
    """Of each polynomial and the one before it."""
    squares = (coefficients**2).sum(axis=1)
    squares[1:] = squares[1:] + squares[:-1]
    return np.sqrt(squares)
