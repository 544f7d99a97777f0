"""Solutions of an equation with constant coefficients in the plane: around holes, into corners, from the middle.

−a:∇∇u + b·∇u + c u = 0 is −Δv + μ v = 0 for u = e^{s·x} v(Tx), T = a^{−1/2}, s = a^{−1}b/2, μ = c + b·a^{−1}b/4. Then
v is K_n(κr) e^{inθ} around a hole, I_n(κr) e^{inθ} where nothing is singular, and I_ν(κr) sin νθ in a corner, κ² = μ;
with μ < 0 Y and J, with μ = 0 powers of z and a logarithm. What a hole does to a solution is then told by few numbers,
however fast it fades, where waves of x and y take hundreds.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.domains.bessel import FURTHER, decaying, into_corner, regular
from core.domains.local_features import AT_CORNER, WHOLE, CornerFeatures, HoleFeatures

MOST_DIGITS = 12.0
FASTEST = 400.0
"""κ and |s| times the domain's size, above which exponentials leave what numbers hold."""
MOST_ORDERS = 80
"""About one place."""
OF_A_DIGIT = 6.0
"""Orders of regular solutions that a digit takes on a square, beyond those that its own size takes."""
MOST_AROUND = 2000
"""About all places together."""
THIN = 0.01
"""Gap over radius of a hole all of whose surroundings are thinner than that."""
SMALLEST = 690.0
"""−ln of what float64 holds, with some room."""
SMALL = 1e-9
"""κ times the domain's size below which μ is 0."""

Terms = Sequence[tuple[tuple[int, ...], float]]
"""A linear operator: derivatives by their coordinates, with factors."""


@dataclass(frozen=True)
class Operator:
    """−a:∇∇u + b·∇u + c u, a symmetric and positive."""

    second: tuple[tuple[float, float], tuple[float, float]]
    first: tuple[float, float]
    zeroth: float

    @staticmethod
    def of(second: np.ndarray, first: np.ndarray, zeroth: float) -> Operator | None:
        """The operator with det a = 1; None where a is neither positive nor negative."""
        size = float(np.linalg.det(second))
        if not size > 0 or not np.isfinite(size):
            return None
        scale = math.copysign(math.sqrt(size), second[0, 0])
        second, first = np.asarray(second) / scale, np.asarray(first) / scale
        return Operator(tuple(map(tuple, second.tolist())), tuple(first.tolist()), zeroth / scale)

    @property
    def is_laplacian_like(self) -> bool:
        """Whether it is −Δ + c: slopes across a side stay such in its solutions."""
        return np.allclose(self.second, np.eye(2), atol=1e-14) and not any(self.first)

    @functools.cached_property
    def stretch(self) -> np.ndarray:
        """The T (2, 2)."""
        values, vectors = np.linalg.eigh(np.array(self.second))
        return vectors / np.sqrt(values) @ vectors.T

    @functools.cached_property
    def rate(self) -> np.ndarray:
        """The s (2,)."""
        return np.linalg.solve(np.array(self.second), np.array(self.first)) / 2

    @functools.cached_property
    def mu(self) -> float:
        """The μ."""
        return self.zeroth + float(np.dot(self.first, self.rate)) / 2

    def kappa(self, size: float) -> float:
        """The κ; 0 where a domain of this size feels none."""
        found = math.sqrt(abs(self.mu))
        return found if found * size > SMALL else 0.0

    def fits(self, size: float) -> bool:
        """Whether its solutions on a domain of this size are numbers."""
        longest = size * np.linalg.norm(self.stretch, 2)
        return bool(max(self.kappa(longest) * longest, np.linalg.norm(self.rate) * size) < FASTEST)


@dataclass(frozen=True)
class Solutions:
    """A family of solutions, of which each order has one or two: parts of a complex one."""

    operator: Operator
    what: Literal["around", "regular", "corner"]
    place: tuple[float, float]
    size: float
    """Where they are of size 1: the hole's radius, or the farthest point."""
    columns: tuple[tuple[float, bool], ...]
    """Each one's order, and whether it is the imaginary part."""
    digits: tuple[float, ...]
    """From how many digits of accuracy on each is felt."""
    exponents: tuple[float, ...]
    """Of a corner's, 0 of others."""
    turn: complex = 1.0
    """Of a corner: the direction of the side after it, stretched, of length 1."""
    angle: float = 0.0
    """Of a corner, stretched."""

    def at(self, points: np.ndarray) -> Values:
        """What they are at points (n, 2)."""
        return Values(self, points)

    @property
    def highest(self) -> int:
        """The highest order, rounded."""
        return round(max(order for order, _ in self.columns))


class Values:
    """A family of solutions at points, and any derivatives of them."""

    def __init__(self, family: Solutions, points: np.ndarray):
        self._family, operator = family, family.operator
        self._known: dict[tuple, Mapping[tuple[int, int], complex]] = {}
        off = points - np.array(family.place)
        stretched = off @ operator.stretch.T
        z = (stretched[:, 0] + 1j * stretched[:, 1]) / family.turn
        t = (operator.stretch[0] + 1j * operator.stretch[1]) / family.turn
        self._t: tuple[complex, complex] = tuple(map(complex, t))
        drift = np.linalg.norm(operator.rate) * (family.size if family.what != "around" else 0.0)
        self._factor = np.exp(off @ operator.rate - drift)
        kappa, waves = operator.kappa(family.size), operator.mu < 0
        if family.what == "corner":
            middle = np.exp(0.5j * family.angle)
            z = z + AT_CORNER * family.size * middle
            self._log = np.log(z / middle) + 0.5j * family.angle
        self._z = z
        if not kappa:
            self.term: Callable[[float, int, int], np.ndarray | float] = getattr(self, f"_{family.what}")
            return
        if family.what == "around":
            ladder = decaying(z, kappa, waves, family.highest, family.size)
        elif family.what == "regular":
            ladder = regular(z, kappa, waves, family.highest, family.size)
        else:
            orders = list(dict.fromkeys(order for order, _ in family.columns))
            ladder = into_corner(z, self._log.imag, kappa, waves, orders, family.size)
        self.term = ladder.derivative

    def applied(self, column: int, operator: Terms) -> np.ndarray:
        """A linear operator applied to one of them, (n,)."""
        order, imaginary = self._family.columns[column]
        found: np.ndarray | float = 0.0
        for (m, k), c in self._in_z(operator).items():
            found = found + c * self.term(order, m, k)
        found = self._factor * found
        return np.broadcast_to(found.imag if imaginary else found.real, self._factor.shape)

    def _in_z(self, operator: Terms) -> Mapping[tuple[int, int], complex]:
        """Σ c ∂_z^m ∂_z̄^k of v that it is of u, by (m, k): the same for all columns."""
        key = tuple(operator)
        if key not in self._known:
            self._known[key] = self._made_in_z(operator)
        return self._known[key]

    def _made_in_z(self, operator: Terms) -> Mapping[tuple[int, int], complex]:
        total: Counter = Counter()
        sizes: Counter = Counter()
        for by, factor in operator:
            expanded: dict[tuple[int, int], complex] = {(0, 0): factor + 0j}
            for coordinate in by:
                t, s = self._t[coordinate], float(self._family.operator.rate[coordinate])
                longer: Counter = Counter()
                for (m, k), c in expanded.items():
                    longer[m + 1, k] += c * t
                    longer[m, k + 1] += c * t.conjugate()
                    if s:
                        longer[m, k] += c * s
                expanded = longer
            for key, c in expanded.items():
                total[key] += c
                sizes[key] = max(sizes[key], abs(c))
        return {key: c for key, c in total.items() if abs(c) > 1e-15 * sizes[key]}

    def _around(self, order: int, m: int, k: int) -> np.ndarray | float:
        """Of z̄^{−n}, n > 0, and of log |z|."""
        z, radius = self._z, self._family.size
        if order:
            rising = math.prod(-(order + j) for j in range(k))
            return 0.0 if m else rising * (radius / z.conj()) ** order / z.conj() ** k
        if m and k:
            return 0.0
        if not m + k:
            return np.log(abs(z) / radius) + 0j
        power = z**-m if m else z.conj() ** -k
        return 0.5 * (-1) ** (m + k - 1) * math.factorial(m + k - 1) * power

    def _regular(self, order: int, m: int, k: int) -> np.ndarray | float:
        """Of z^n."""
        if k or m > order:
            return 0.0
        far = self._family.size
        return math.prod(order - j for j in range(m)) * (self._z / far) ** (order - m) / far**m

    def _corner(self, order: float, m: int, k: int) -> np.ndarray | float:
        """Of z^ν; where ν is whole of its derivative by ν, z^ν log z."""
        if k:
            return 0.0
        far = self._family.size
        logarithm = self._log - math.log(far)
        power = np.exp(logarithm * (order - m)) / far**m
        falling = np.poly1d([1.0])
        for j in range(m):
            falling = falling * np.poly1d([1.0, -j])
        if abs(order - round(order)) >= WHOLE:
            return falling(order) * power
        return (falling(order) * logarithm + falling.deriv()(order)) * power


def around(operator: Operator, hole: HoleFeatures, holes: int = 1) -> Solutions:
    """Those that fade away from a hole; of the order n as many digits are felt as (1 + gap/R)^n has.

    Args:
        operator: whose.
        hole: with its gap.
        holes: how many there are, images among them: of many each has fewer orders.
    """
    stretched = operator.stretch @ np.eye(2) * hole.radius
    radius = float(np.sqrt(abs(np.linalg.det(stretched))))
    gap = hole.gap / hole.radius if math.isfinite(hole.gap) else THIN
    digit = math.log10(1 + gap)
    # what is round in x is long in one direction where the operator stretches, and its powers grow along it
    round_enough = math.floor(MOST_DIGITS / max(math.log10(np.linalg.cond(operator.stretch)), 1e-9))
    most = min(MOST_ORDERS, MOST_AROUND // (2 * holes), round_enough)
    orders = range(min(most, math.floor(MOST_DIGITS / digit)) + 1)
    columns, digits = _both(orders, [n * digit for n in orders])
    return Solutions(operator, "around", hole.place, radius, columns, digits, (0.0,) * len(columns))


def from_the_middle(operator: Operator, box: np.ndarray) -> Solutions:
    """Those that are regular in a box (2, 2) of lower and upper ends, by their order about its middle."""
    from scipy.special import gammaln

    half = (box[:, 1] - box[:, 0]) / 2
    corners = np.array([half, half * (1, -1)]) @ operator.stretch.T
    far = float(np.linalg.norm(corners, axis=1).max())
    own = operator.kappa(far) * far
    highest = min(2 * MOST_ORDERS, math.floor(MOST_DIGITS * OF_A_DIGIT + own))
    while own and gammaln(highest + FURTHER + 1) - (highest + FURTHER) * math.log(own / 2) > SMALLEST:
        highest -= 1  # Bessel functions of higher orders are 0 in float64 all over the domain
    orders = range(highest + 1)
    columns, digits = _both(orders, [max(0.0, n - own) / OF_A_DIGIT for n in orders])
    middle = tuple(map(float, box.mean(axis=1)))
    return Solutions(operator, "regular", middle, far, columns, digits, (0.0,) * len(columns))


def into(operator: Operator, corner: CornerFeatures, exponents: Sequence[float], neumann: bool) -> Solutions | None:
    """Those of a corner that vanish on both sides, or whose slopes across them do, as `CornerFeatures.functions` has.

    None where the angle would be cut open inside the domain, or slopes are given that the operator changes.

    Args:
        operator: whose.
        corner: the corner.
        exponents: kπ/ω, or (k − ½)π/ω with different conditions on its two sides, of the angle as it is.
        neumann: cosines.
    """
    simple = operator.is_laplacian_like
    if not simple and (neumann or corner.angle > math.pi or abs(exponents[0] - corner.exponent) > WHOLE):
        return None
    if corner.depth is not None:
        return None
    towards = complex(*corner.towards)
    sides = [towards * np.exp(0.5j * sign * corner.angle) for sign in (-1, 1)]
    after, before = (complex(*(operator.stretch @ (side.real, side.imag))) for side in sides)
    angle = float(np.angle(before / after) % (2 * np.pi))
    orders = [each * corner.angle / angle for each in exponents]
    size = corner.size * float(np.linalg.norm(operator.stretch, 2))
    columns = tuple((float(round(each) if abs(each - round(each)) < WHOLE else each), not neumann) for each in orders)
    count = len(columns)
    return Solutions(operator, "corner", corner.place, size, columns, (0.0,) * count, tuple(exponents),
                     after / abs(after), angle)  # fmt: skip


def _both(orders: Iterable[int], digits: Sequence[float]) -> tuple[tuple[tuple[int, bool], ...], tuple[float, ...]]:
    """Real and imaginary parts, of the order 0 the real one."""
    found = [((n, imaginary), d) for n, d in zip(orders, digits, strict=True) for imaginary in ((False, True)[: n + 1])]
    return tuple(column for column, _ in found), tuple(d for _, d in found)
