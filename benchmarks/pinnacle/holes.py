"""Own references of the rows with holes, by other means than ours: sums of solutions, fitted on the boundary alone.

Both equations are L u = 0 inside, L the Laplacian or Δ − κ². Around each hole stand the solutions that decay away from
it, with their mirror images in the square's sides, so that they vanish there nearly; what is left there is met by
solutions that are regular in all of the square. The error is largest on the boundary, where it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ive, kve

from benchmarks.pinnacle.tables import Table

Circle = tuple[float, float, float]
"""Centre and radius."""
HOLES_C: tuple[Circle, ...] = tuple((x, y, 0.1) for x in (-0.3, 0.3) for y in (-0.3, 0.3))
HOLES_CG: tuple[Circle, ...] = ((0.5, 0.5, 0.2), (0.4, -0.4, 0.4), (-0.2, -0.7, 0.1), (-0.6, 0.5, 0.3))
SERIES = 20_000
"""Terms of the sine series of a constant, whose square has singular corners."""


@dataclass(frozen=True)
class Fit:
    """A sum of solutions of L u = 0 on a square less some disks."""

    half: float
    """The square is [−half, half]²."""
    holes: tuple[Circle, ...]
    kappa: float
    """L = Δ − κ²."""
    around: int
    """Orders about each hole."""
    regular: int
    """Orders about the square's centre."""

    def columns(self, points: np.ndarray) -> np.ndarray:
        """Every solution at points (n, 2)."""
        return np.column_stack([*self._about_holes(points), *self._about_centre(points)])

    def fitted(self, wanted: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, float]:
        """Weights by least squares on the boundary, and the largest error at points of it in between."""
        points, between = self.boundary(400, 0.0), self.boundary(300, 0.37)
        rows = self.columns(points)
        sizes = np.linalg.norm(rows, axis=0)
        weights = np.linalg.lstsq(rows / sizes, wanted(points), rcond=1e-15)[0] / sizes
        return weights, float(np.abs(self.columns(between) @ weights - wanted(between)).max())

    def boundary(self, each: int, shift: float) -> np.ndarray:
        """So many points on each side and circle."""
        s = self.half * np.cos(np.pi * (np.arange(each) + 0.5 + 0.4 * shift) / each)
        sides = [np.column_stack(pair) for end in (-self.half, self.half)
                 for pair in ((s, np.full(each, end)), (np.full(each, end), s))]  # fmt: skip
        angle = 2 * np.pi * (np.arange(each) + shift) / each
        circles = [np.column_stack([x + r * np.cos(angle), y + r * np.sin(angle)]) for x, y, r in self.holes]
        return np.concatenate([*sides, *circles])

    def _about_holes(self, points: np.ndarray) -> Iterator[np.ndarray]:
        for x, y, radius in self.holes:
            mirrored = [
                (sx * x + 2 * i * self.half, sy * y + 2 * j * self.half, sx, sy)
                for i in (-1, 0, 1)
                for j in (-1, 0, 1)
                for sx, sy in [((-1) ** i, (-1) ** j)]
            ]
            for order in range(self.around + 1):
                parts = [
                    sx * sy * self._decaying(order, (points - (cx, cy)) @ (sx * 1.0, sy * 1j), radius)
                    for cx, cy, sx, sy in mirrored
                ]
                total = sum(parts)
                yield total.real
                if order:
                    yield total.imag

    def _about_centre(self, points: np.ndarray) -> Iterator[np.ndarray]:
        z = points @ (1.0, 1j)
        far = np.sqrt(2) * self.half
        for order in range(self.regular + 1):
            if self.kappa:
                radial = ive(order, self.kappa * abs(z)) / ive(order, self.kappa * far)
                found = radial * np.exp(self.kappa * (abs(z) - far) + 1j * order * np.angle(z))
            else:
                found = (z / far) ** order
            yield found.real
            if order:
                yield found.imag

    def _decaying(self, order: int, z: np.ndarray, radius: float) -> np.ndarray:
        if self.kappa:
            radial = kve(order, self.kappa * abs(z)) / kve(order, self.kappa * radius)
            return radial * np.exp(-self.kappa * (abs(z) - radius) + 1j * order * np.angle(z))
        return np.log(abs(z)) + 0j if order == 0 else (radius / z) ** order


def laplace() -> tuple[Callable[[np.ndarray], np.ndarray], float]:
    """The solution of poisson2d-c, and its largest error on the boundary."""
    fit = Fit(0.5, HOLES_C, 0.0, around=16, regular=48)
    weights, off = fit.fitted(lambda points: np.where(abs(points).max(axis=1) > 0.5 - 1e-12, 0.0, -1.0))
    return lambda points: 1 + fit.columns(points) @ weights, off


def poisson_boltzmann() -> tuple[Callable[[np.ndarray], np.ndarray], float]:
    """The solution of poisson2d-cg, and its largest error on the boundary."""
    source = _solved_on_the_square(
        lambda x, y: 10 * (17 + x**2 + y**2) * np.sin(np.pi * x) * np.sin(4 * np.pi * y), 64.0, 48
    )

    def without_holes(points: np.ndarray) -> np.ndarray:
        return 0.2 - 12.8 * _constant_on_the_square(points, 8.0) + source(points)

    fit = Fit(1.0, HOLES_CG, 8.0, around=28, regular=80)
    weights, off = fit.fitted(
        lambda points: np.where(abs(points).max(axis=1) > 1 - 1e-12, 0.0, 1.0 - without_holes(points))
    )
    return lambda points: without_holes(points) + fit.columns(points) @ weights, off


def _solved_on_the_square(
    f: Callable[[np.ndarray, np.ndarray], np.ndarray], shift: float, degree: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Solve −Δw + shift·w = f on [−1, 1]², w = 0 on the sides; by Chebyshev collocation."""
    nodes = np.cos(np.pi * np.arange(degree + 1) / degree)
    powers = np.polynomial.chebyshev.chebvander(nodes, degree)
    second = np.zeros_like(powers)
    for n in range(degree + 1):
        bent = np.polynomial.chebyshev.chebder(np.eye(degree + 1)[n], 2) if n > 1 else np.zeros(1)
        second[:, n] = np.polynomial.chebyshev.chebval(nodes, bent)
    inner = slice(1, -1)
    twice = (second @ np.linalg.inv(powers))[inner, inner]
    values, vectors = np.linalg.eig(-twice)
    inverse = np.linalg.inv(vectors)
    right = inverse @ f(nodes[inner, None], nodes[None, inner]) @ inverse.T
    w = np.zeros((degree + 1, degree + 1))
    w[inner, inner] = (vectors @ (right / (values[:, None] + values[None, :] + shift)) @ vectors.T).real
    weights = np.linalg.inv(powers) @ w @ np.linalg.inv(powers).T
    return lambda points: np.polynomial.chebyshev.chebval2d(*points.T, weights)


def _constant_on_the_square(points: np.ndarray, kappa: float) -> np.ndarray:
    """Solve −Δw + κ²w = 1 on [−1, 1]², w = 0 on the sides: a function of x, and a series of the rest."""
    x, y = points.T
    found = (1 - np.cosh(kappa * x) / np.cosh(kappa)) / kappa**2
    for terms in np.array_split(np.arange(SERIES), SERIES // 500):
        k = (2 * terms + 1) * np.pi / 2
        rate = np.sqrt(kappa**2 + k**2)
        weight = np.where(terms % 2, -1.0, 1.0) * 2 / (k * rate**2)
        near = np.flatnonzero(rate[0] * (1 - abs(y)) < 40)  # farther from y = ±1 these terms are nothing
        height = abs(y[near])[:, None]
        fading = np.exp(-rate * (1 - height)) * (1 + np.exp(-2 * rate * height)) / (1 + np.exp(-2 * rate))
        found[near] -= (np.cos(np.outer(x[near], k)) * fading) @ weight
    return found


def table_of(
    solved: Callable[[], tuple[Callable[[np.ndarray], np.ndarray], float]], half: float, holes: Sequence[Circle]
) -> Table:
    """A reference at points inside, always the same."""
    u, off = solved()
    points = half * np.random.default_rng(16).uniform(-1, 1, (6_000, 2))
    inside = np.all([np.hypot(points[:, 0] - x, points[:, 1] - y) > r for x, y, r in holes], axis=0)
    return Table(("x", "y"), points[inside], {"u": u(points[inside])}, off)
