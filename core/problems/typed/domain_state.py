"""Fields at one moment in a domain that is no box, as polynomials and what follows the domain, times polynomials.

Found by least squares at points of the domain: polynomials over its box hold smooth fields to rounding, though they are
no basis there, and the domain's own functions, of holes and corners, hold what is not smooth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from core.domains.regions import Region
from core.domains.sequences import halton
from core.problems.typed.end_state import ROUNDING, Axis, EndState
from core.problems.typed.local import LocalInputs

if TYPE_CHECKING:
    from core.jets import Jet

DEGREES = {1: (16, 32, 64), 2: (10, 16, 22, 28), 3: (4, 7, 10, 12)}
"""Total degrees that are tried, by how many coordinates of space there are."""
BESIDE = 4
"""Total degree of what stands before the domain's own functions."""
INVERTED, BESIDE_INVERTED, BESIDE_POWERS = 16, 6, 2
"""Powers of a hole's inverted coordinates; total degrees of what stands before the first one and before high ones:
for each further power one less."""
MOST_BESIDE = 600
"""Products of the domain's own functions and polynomials."""
POINTS = 2.5
"""For each function there are so many points; a part more lie on the boundary, and a part tell how good it is."""
ON_BOUNDARY, HELD_OUT = 0.3, 0.3
CUT = 1e-13
"""A function of which less than this part is no sum of others is left out."""
AS_GOOD = 3.0
"""A degree whose fit is off by so many times the best one's is as good: high degrees raise rounding in derivatives."""


class DomainState:
    """Fields at one moment, and their rates where those are needed: a sum of series, each times one function.

    Args:
        parts: the series, first of what stands alone, then of what stands before each of `own_functions`.
    """

    def __init__(self, parts: Sequence[EndState]):
        self.parts = tuple(parts)

    def jet(self, own: Sequence[Jet], series: Callable[[EndState], Jet]) -> Jet:
        """The jet of a field's value or rate.

        Args:
            own: the jets of `own_functions` at the points.
            series: makes the jet of one part's series there.
        """
        found = series(self.parts[0])
        for function, part in zip(own, self.parts[1:], strict=True):
            found = found + function * series(part)
        return found

    def plain(self) -> dict[str, Any]:
        """As numbers, texts and tensors alone, for a checkpoint."""
        return {"parts": [part.plain() for part in self.parts]}

    @classmethod
    def of_plain(cls, data: dict[str, Any]) -> DomainState:
        """From what `plain` gave."""
        return cls([EndState.of_plain(part) for part in data["parts"]])


def own_functions(local: LocalInputs, x: Sequence[Any]) -> list[Any]:
    """What a domain's holes and corners add, as arrays or jets: log r, corners' functions, harmonic powers of 1/r."""
    place = tuple(x[: local.space])
    found = [each for hole in local.holes for each in hole.functions(place)]
    found += [each for corner in local.corners for each in corner.functions(place)]
    for hole in local.holes:
        first = hole.inputs(place)
        found += first
        if hole.weight < 1 or len(first) != 2:
            continue
        p, q = first
        for _ in range(1, _inverted(len(local.holes))):
            p, q = p * first[0] - q * first[1], p * first[1] + q * first[0]
            found += [p, q]
    return found


def _inverted(holes: int) -> int:
    """How many powers of its inverted coordinates each of so many holes has."""
    return max(1, min(INVERTED, MOST_BESIDE // (4 * holes)))


def _beside(local: LocalInputs, dimension: int) -> list[int]:
    """The degree of what stands before each of `own_functions`."""
    count = len(local.holes) + sum(len(corner.exponents) for corner in local.corners)
    falling = [max(BESIDE_POWERS, BESIDE_INVERTED - k) for k in range(_inverted(max(1, len(local.holes))))
               for _ in range(2)]  # fmt: skip
    whole = [BESIDE] * count
    for hole in local.holes:
        whole += falling if hole.weight >= 1 and dimension == 2 else [BESIDE_POWERS] * dimension
    for less in range(BESIDE_INVERTED + 1):
        degrees = [max(each - less, 0) for each in whole]
        if sum(len(_powers(degree, dimension)) for degree in degrees) <= MOST_BESIDE:
            break
    return degrees


def domain_state(
    region: Region, local: LocalInputs, values: Callable[[np.ndarray], dict[str, list[np.ndarray]]]
) -> tuple[DomainState, float]:
    """What holds fields that are known at any points; and what it is off by at points held out, over the largest value.

    Args:
        region: the domain.
        local: its own functions.
        values: at points (n, d), of each field its value and rates (n,).
    """
    fit = _fit_of(region, local)
    known = values(fit.points)
    columns = np.stack([each for held in known.values() for each in held], axis=1)
    size = np.abs(columns).max(0).clip(1e-300)
    tried = []
    for degree in fit.degrees:
        coefficients = fit.solved(degree, columns[fit.used])
        off = np.abs(fit.columns(degree)[fit.held_out] @ coefficients - columns[fit.held_out]).max(0) / size
        tried.append((float(off.max()), degree, coefficients))
        if off.max() <= ROUNDING * AS_GOOD:
            break
    best = min(off for off, *_ in tried)
    off, degree, coefficients = next(each for each in tried if each[0] <= AS_GOOD * best)
    names = [(name, k) for name, held in known.items() for k in range(len(held))]
    return fit.state(degree, names, coefficients), off


class _Fit:
    """Points of a domain, and for each degree the functions there and what finds their coefficients."""

    def __init__(self, region: Region, local: LocalInputs):
        d = region.dimension
        self._axes = tuple(Axis(float(low), float(high), False) for low, high in region.box())
        self.degrees = DEGREES[d]
        self._beside = _beside(local, d)
        most = sum(len(_powers(degree, d)) for degree in (self.degrees[-1], *self._beside))
        inside = region.interior(halton(int((POINTS + HELD_OUT) * most), d, np.zeros(d)), walls=1.0)
        edge = region.boundary(halton(int(ON_BOUNDARY * most) + 64, d, np.full(d, 0.5)), least=0.5).points
        self.points = np.concatenate([inside, edge])
        lot = halton(len(self.points), 1, np.zeros(1))[:, 0]
        self.held_out = lot < HELD_OUT / (POINTS + ON_BOUNDARY + HELD_OUT)
        self.used = ~self.held_out
        self._local, self._factors = local, {}

    @cached_property
    def _own(self) -> np.ndarray:
        found = own_functions(self._local, list(self.points.T))
        return np.stack(found, axis=1) if found else np.empty((len(self.points), 0))

    def columns(self, degree: int) -> np.ndarray:
        """(n, m): all functions at all points."""
        beside = [self._own[:, [k]] * self._polynomials(own) for k, own in enumerate(self._beside)]
        return np.concatenate([self._polynomials(degree), *beside], axis=1)

    def solved(self, degree: int, values: np.ndarray) -> np.ndarray:
        """Coefficients (m, fields) from values at the points that are used."""
        from scipy.linalg import qr, solve_triangular

        if degree not in self._factors:
            q, r, order = qr(self.columns(degree)[self.used], mode="economic", pivoting=True)
            sizes = np.abs(np.diag(r))
            count = int((sizes > CUT * sizes[0]).sum())
            self._factors[degree] = q[:, :count], r[:count, :count], order
        q, r, order = self._factors[degree]
        found = np.zeros((len(order), values.shape[1]))
        found[order[: len(r)]] = solve_triangular(r, q.T @ values)
        return found

    def _polynomials(self, degree: int) -> np.ndarray:
        found = 1.0
        powers = _powers(degree, len(self._axes))
        for k, axis in enumerate(self._axes):
            scaled = 2 * (self.points[:, k] - axis.low) / (axis.high - axis.low) - 1
            found = found * np.polynomial.chebyshev.chebvander(scaled, degree)[:, powers[:, k]]
        return found

    def state(self, degree: int, names: Sequence[tuple[str, int]], coefficients: np.ndarray) -> DomainState:
        """Coefficients (m, fields) of functions as series, each field's value first, then its rates."""
        d, parts = len(self._axes), []
        start = 0
        for block in (degree, *self._beside):
            powers = _powers(block, d)
            held: dict[str, list[np.ndarray]] = {}
            for (name, _), column in zip(names, coefficients[start : start + len(powers)].T, strict=True):
                series = np.zeros((max(block, 1) + 1,) * d)
                series[tuple(powers.T)] = column
                held.setdefault(name, []).append(series)
            parts.append(EndState(self._axes, held))
            start += len(powers)
        return DomainState(parts)


def _powers(degree: int, dimension: int) -> np.ndarray:
    """(m, d): of all polynomials up to a total degree."""
    return np.array([each for each in product(range(degree + 1), repeat=dimension) if sum(each) <= degree])


@lru_cache(maxsize=4)
def _fit_of(region: Region, local: LocalInputs) -> _Fit:
    return _Fit(region, local)
