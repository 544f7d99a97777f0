"""Expressions and jets that meet what is given at the ends of a box: u = G + B·N, G the interpolant, B zero there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.equations.algebra import negative, number, power, product, total
from core.equations.calculus import ZERO, derivatives, substituted
from core.equations.places import Frame
from core.equations.sampling import inner_points, values_of
from core.equations.tree import Coordinate, Expression, bounded
from core.problems.typed.conditions import Ends

if TYPE_CHECKING:
    from core.jets import Jet

MOST_WORK = 100_000
"""Nodes built for one interpolant."""
NOTHING = 1e-14
"""Of the values' size: what differs by less is the same."""


def interpolant(sides: Mapping[str, Ends], frame: Frame) -> Expression:
    """The boolean sum of Hermite's interpolants along each coordinate (Gordon, 1971).

    Raises:
        TreeError: it is too large.
    """
    found = ZERO
    with bounded(MOST_WORK):
        for coordinate, ends in sides.items():
            low, high = frame.domain[coordinate]
            polynomials = bounded_hermite(len(ends.low), len(ends.high))
            s = product(number(1 / (high - low)), total(Coordinate(coordinate), number(-low)))
            parts = []
            given = [*((low, k, g) for k, g in enumerate(ends.low)), *((high, k, g) for k, g in enumerate(ends.high))]
            for (at, order, value), polynomial in zip(given, polynomials, strict=True):
                there = substituted(derivatives(found, [coordinate] * order), {Coordinate(coordinate): number(at)})
                value = substituted(value, {Coordinate(coordinate): number(at)})
                gap = total(value, negative(there))
                if not _is_nothing(gap, value, frame):
                    parts.append(product(number((high - low) ** order), gap, _polynomial(polynomial, s)))
            found = total(found, *parts)
    return found


def _is_nothing(gap: Expression, value: Expression, frame: Frame) -> bool:
    off, size = (np.abs(each).max() for each in values_of([gap, value], inner_points(frame), frame))
    return bool(off <= NOTHING * max(size, 1e-300)) or gap == ZERO


def hermite(low: int, high: int) -> list[list[Fraction]]:
    """Coefficients of the polynomials on [0, 1] of which each has one of the end's derivatives 1, all others 0.

    First those of 0, orders 0 … low−1, then those of 1.
    """
    n = low + high
    rows = [[Fraction(math.factorial(k) if j == k else 0) for j in range(n)] for k in range(low)]
    rows += [[Fraction(math.perm(j, k)) for j in range(n)] for k in range(high)]
    inverse = _inverse(rows)
    return [[inverse[j][i] for j in range(n)] for i in range(n)]


def bounded_hermite(low: int, high: int) -> list[list[Fraction]]:
    """`hermite`, but with rates at one end alone, the highest one fades towards the other end.

    An initial velocity that goes on for all of a long time is far from any solution, and Newton's method starts there.
    """
    found = hermite(low, high)
    if min(low, high) == 0 and max(low, high) > 1:
        fading = [1, -2, 1] if low else [0, 0, 1]  # (1 − s)², or s²
        found[-1] = [sum(found[-1][k - i] * fading[i] for i in range(3) if 0 <= k - i < len(found[-1]))
                     for k in range(len(found[-1]) + 2)]  # fmt: skip
    return found


def _inverse(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    n = len(rows)
    joined = [[*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(rows)]
    for column in range(n):
        pivot = next(i for i in range(column, n) if joined[i][column] != 0)
        joined[column], joined[pivot] = joined[pivot], joined[column]
        head = joined[column][column]
        joined[column] = [each / head for each in joined[column]]
        for i in range(n):
            if i != column and joined[i][column] != 0:
                factor = joined[i][column]
                joined[i] = [a - factor * b for a, b in zip(joined[i], joined[column], strict=True)]
    return [row[n:] for row in joined]


def _polynomial(coefficients: Iterable[Fraction], s: Expression) -> Expression:
    return total(*(product(number(c), power(s, number(k))) for k, c in enumerate(coefficients) if c))


def bubble(sides: Mapping[str, Ends], x: Mapping[str, Jet], frame: Frame) -> Jet | None:
    """The product of the distances from the ends, to the power of how many orders are given; None without ends.

    Its largest value is 1.
    """
    found = None
    for coordinate, ends in sides.items():
        low, high = frame.domain[coordinate]
        s = (x[coordinate] - low) * (1 / (high - low))
        for part, orders in ((s, len(ends.low)), (1 - s, len(ends.high))):
            for _ in range(orders):
                found = part if found is None else found * part
        p, q = len(ends.low), len(ends.high)
        if p and q:
            found = found * float((p + q) ** (p + q) / (p**p * q**q))
    return found
