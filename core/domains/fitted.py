"""Weights of points that are made right for all polynomials up to a degree.

What the polynomials' integrals over a domain are, its boundary says: the integral of p is that of P times the normal's
first component, P the integral of p along the first coordinate. So points need no cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

from core.domains.quadrature import BoundaryRule, Rule

SHARE = 5
"""Points for each polynomial: with so many more, weights are near to even ones."""
MOST_POLYNOMIALS = 400
BLOCK = 2**15


class Polynomials:
    """All up to a total degree, over a box.

    Args:
        points: how many there will be to weigh; they decide the degree.
        box: lower and upper ends, (d, 2).
    """

    def __init__(self, points: int, box: np.ndarray):
        self._box, dimension = box, len(box)
        most = min(points // SHARE, MOST_POLYNOMIALS)
        self.degree = 0
        while math.comb(self.degree + 1 + dimension, dimension) <= most:
            self.degree += 1
        self._powers = np.array([each for each in product(range(self.degree + 1), repeat=dimension)
                                 if sum(each) <= self.degree])  # fmt: skip

    def over(self, rule: Rule) -> np.ndarray:
        """Their integrals (m,) by a rule."""
        return sum(rule.weights[at] @ self._values(rule.points[at]) for at in _blocks(len(rule.weights)))

    def within(self, boundary: BoundaryRule) -> np.ndarray:
        """Their integrals (m,) over what a boundary encloses, by a rule that is exact for a degree more."""
        across = boundary.weights * boundary.normals[:, 0]
        return sum(across[at] @ self._values(boundary.points[at], True) for at in _blocks(len(across)))

    def fitted(self, rule: Rule, wanted: np.ndarray) -> Rule:
        """The rule nearest to another one, in parts of its weights, by which the integrals are as wanted (m,)."""
        values = self._values(rule.points)
        scale = np.sqrt(np.abs(rule.weights))
        change = np.linalg.lstsq((values * scale[:, None]).T, wanted - rule.weights @ values, rcond=1e-13)[0]
        return Rule(rule.points, rule.weights + scale * change)

    def _values(self, points: np.ndarray, integrated: bool = False) -> np.ndarray:
        """(n, m): products of Chebyshev's polynomials; the first coordinate's integrated where asked."""
        low, high = self._box.T
        found, degree = 1.0, self.degree + 1
        for k, column in enumerate((2 * (points - low) / (high - low) - 1).T):
            own = np.polynomial.chebyshev.chebvander(column, degree)
            if k == 0 and integrated:
                own = own @ np.polynomial.chebyshev.chebint(np.eye(degree), axis=0) * (high[0] - low[0]) / 2
            found = found * own[:, self._powers[:, k]]
        return found


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, count, BLOCK))
