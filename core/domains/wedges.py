"""What solutions of Δ²ψ = … do at a corner: clamped plates, and the streamfunction of a slow flow.

Into a corner of angle ω they go as r^λ(A cos λθ + B sin λθ + C cos (λ−2)θ + D sin (λ−2)θ), λ such that the conditions
on both sides leave one: sin²(μω) = μ² sin²ω, μ = λ − 1, where both are clamped. λ may be complex: Moffatt's eddies.
Where the data of both sides ask for a second derivative that no smooth function has, it is r²θ.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.domains.arithmetic import Number, exp, log
from core.domains.local_features import AT_CORNER, CornerFeatures

Orders = tuple[int, int]
"""Which two normal derivatives are given on a side: (0, 1) where a plate is clamped, (0, 2) where it is supported."""
LEAST = 1.0
"""Exponents above it: of the others second derivatives have no square that can be integrated."""
HIGHEST = 4
"""Order of the derivatives of the functions."""
SAME, SMALL = 1e-5, 1e-7
"""Exponents that are nearer to each other are one; a smallest singular value, relative to the largest, that is none."""
SLOPE_STEP = 1e-5
NEAR = 0.1
"""Of the domain's size: that near to corners equations weigh less."""
LARGEST = 2.5
"""Imaginary part of an exponent; that of Moffatt's eddies is 1.1 to 1.7."""
STEPS, FARTHEST = 30, 0.3
IMAGINARY = (0.0, 0.2, 0.6, 1.2, 2.0)
"""Where the search for exponents begins, with real parts 0.15 apart."""
FINE = 2.5e-3
"""So far apart real exponents are looked at first."""


@dataclass(frozen=True)
class Solution:
    """Σ c_j f_j of f = z^λ, z̄^λ, z^{λ−1} z̄, z̄^{λ−1} z."""

    exponent: complex
    weights: tuple[complex, complex, complex, complex]


@functools.lru_cache(maxsize=256)
def solutions(angle: float, after: Orders, before: Orders, most: float) -> tuple[Solution, ...]:
    """Those of a corner of an angle up to the exponent `most`; of a conjugate pair one.

    Whole exponents are left out, which smooth functions have.

    Args:
        angle: ω, in radians.
        after: what is given on the side where θ = 0.
        before: and where θ = ω.
        most: the largest real part.
    """

    def determinant(at: np.ndarray) -> np.ndarray:
        return np.linalg.det(_conditions(at, angle, after, before))

    starts = np.add.outer(np.arange(LEAST + 0.05, most + 0.3, 0.15), 1j * np.array(IMAGINARY)).ravel()
    simple, double = _real_roots(determinant, most)
    roots = np.concatenate([simple, _roots(np.concatenate([double, starts]), determinant)])
    scaled = _conditions(roots, angle, after, before)
    sizes = np.linalg.svd(scaled / np.linalg.norm(scaled, axis=-2, keepdims=True), compute_uv=False)
    exact = sizes[:, -1] / sizes[:, 0]
    found: list[complex] = []
    for place in np.argsort(exact)[: np.count_nonzero(exact < SMALL)]:  # the best ones first
        root = complex(roots[place])
        exponent = complex(root.real, 0.0 if abs(root.imag) < SAME else abs(root.imag))
        whole = exponent.imag == 0 and abs(exponent.real - round(exponent.real)) < SAME
        asked = LEAST < exponent.real <= most and exponent.imag < LARGEST and not whole
        if asked and all(abs(exponent - each) > SAME for each in found):
            found.append(exponent)
    ordered = sorted(found, key=lambda each: each.real)
    return tuple(each for exponent in ordered for each in _solutions(exponent, angle, after, before))


def _solutions(exponent: complex, angle: float, after: Orders, before: Orders) -> list[Solution]:
    """Of one exponent: two where it is a double one."""
    matrix = _conditions(np.array([exponent]), angle, after, before)[0]
    norms = np.linalg.norm(matrix, axis=0)
    _, sizes, rows = np.linalg.svd(matrix / norms)
    found = rows[sizes < SMALL * sizes[0]].conj() / norms
    if not exponent.imag:
        found = _real_ones(found)
    return [Solution(exponent, tuple(map(complex, row / np.abs(row).max()))) for row in found]


def _real_ones(weights: np.ndarray) -> np.ndarray:
    """Of the same solutions those whose values are real: the second weight is the first one's conjugate, and so on.

    Args:
        weights: of independent solutions with one real exponent, (k, 4); the conjugate of each is a solution, too.
    """
    every = np.concatenate([weights, 1j * weights])
    first, second = every[:, ::2], every[:, 1::2].conj()
    real = (first + second) / 2
    _, _, axes = np.linalg.svd(np.concatenate([real.real, real.imag], axis=1))
    of_z = axes[: len(weights), :2] + 1j * axes[: len(weights), 2:]
    return np.stack([of_z, of_z.conj()], axis=2).reshape(len(weights), 4)


def _real_roots(f: Callable[[np.ndarray], np.ndarray], most: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the determinant changes its sign between real exponents, and where it only comes near to zero.

    It is real there but for one factor: the conjugate of each solution is one.
    """
    from scipy.optimize import brentq

    at = np.arange(LEAST + FINE / 2, most + FINE, FINE)
    values = f(at.astype(complex))
    phase = values[np.argmax(np.abs(values))]

    def real(x: float) -> float:
        return float((f(np.array([x], dtype=complex))[0] / phase).real)

    signs = np.sign((values / phase).real)
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    simple = [brentq(real, at[k], at[k + 1], xtol=1e-14) for k in changes]
    size = np.abs(values)
    low = 1 + np.flatnonzero((size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:]))
    return np.array(simple, dtype=complex), at[low].astype(complex)


def _roots(starts: np.ndarray, f: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Where an analytic function may vanish, by the secant method from many places at once; to be looked at.

    It is that of f/f', of which double roots are simple.
    """

    def ratio(at: np.ndarray) -> np.ndarray:
        return 2 * SLOPE_STEP * f(at) / (f(at + SLOPE_STEP) - f(at - SLOPE_STEP))

    x, y = starts.astype(complex), starts + (0.01 + 0.003j * (starts.imag > 0))
    with np.errstate(all="ignore"):
        fx, fy = ratio(x), ratio(y)
        for _ in range(STEPS):
            step = np.where(fy == fx, 0.0, fy * (y - x) / (fy - fx))
            step = step / np.maximum(1.0, np.abs(step) / FARTHEST)
            x, fx, y = y, fy, y - step
            fy = ratio(y)
            y, fy = np.where(np.isfinite(y), y, x), np.where(np.isfinite(fy), fy, 0.0)
    return y[np.isfinite(y)]


def _conditions(exponent: np.ndarray, angle: float, after: Orders, before: Orders) -> np.ndarray:
    """What is given on the sides, of each of the four functions at r = 1, (…, 4, 4)."""
    rows = []
    for theta, orders in ((0.0, after), (angle, before)):
        across = theta + math.pi / 2
        for n in orders:
            row = []
            for p, q in ((exponent, 0), (0, exponent), (exponent - 1, 1), (1, exponent - 1)):
                total = 0.0
                for k in range(n + 1):
                    factor = math.comb(n, k) * _falling(p, k) * _falling(q, n - k)
                    total = total + factor * np.exp(1j * (across * (2 * k - n) + theta * (p - k - q + n - k)))
                row.append(total + 0 * exponent)
            rows.append(np.stack(row, axis=-1))
    return np.stack(rows, axis=-2)


def _falling(p: np.ndarray | int, k: int) -> np.ndarray | int:
    """p(p−1)…, k factors."""
    found = p * 0 + 1
    for j in range(k):
        found = found * (p - j)
    return found


@dataclass(frozen=True)
class Wedge:
    """The functions of one corner for equations of fourth order: Re(A(z) + z̄ B(z)), A and B analytic.

    z has its origin in the corner, its real axis along the side after it, and the domain's size as its unit.
    """

    corner: CornerFeatures
    after: Orders
    before: Orders

    def exponents(self, most: float) -> list[float]:
        """Of each of the `functions`, in their order: real parts."""
        real = (each.exponent for each in solutions(self.corner.angle, self.after, self.before, most))
        return [2.0, *(each.real for each in real for _ in range(2 if each.imag else 1))]

    def functions(self, x: Sequence[Number], most: float) -> list[Number]:
        """r²θ, and the real part of each solution, of those with complex exponents the imaginary one, too; (n,) each.

        Args:
            x: coordinates, as arrays, tensors or jets of the coordinates themselves.
            most: exponents up to it.
        """
        kept, key = getattr(x[0], "known", None), ("wedge", self, most)
        if kept is not None and key in kept:
            return kept[key]
        at = _Place(self.corner, *(v.value if hasattr(v, "known") else v for v in x))
        pairs = [at.r_squared_theta()]
        for each in solutions(self.corner.angle, self.after, self.before, most):
            pairs += [at.real_part(each, 1), at.real_part(each, -1j)] if each.exponent.imag else [at.real_part(each, 1)]
        found = [at.number(x[0], analytic, conjugate) for analytic, conjugate in pairs]
        if kept is not None:
            for each in found:
                each.known = {}
            kept[key] = found
        return found


def pressures(wedge: Wedge, x: Sequence[Number], most: float) -> list[Number]:
    """What a slow flow's pressure is where its streamfunction is one of `Wedge.functions`, up to a factor; (n,) each.

    ∇p = (∂_y, −∂_x) Δψ for ψ = Re(A(z) + z̄ B(z)) gives p = 4 Re(iB′(z)), which goes as r^(λ−2).

    Args:
        wedge: of the corner.
        x: coordinates, as arrays, tensors or jets of the coordinates themselves.
        most: exponents λ up to it.
    """
    kept, key = getattr(x[0], "known", None), ("pressures", wedge, most)
    if kept is not None and key in kept:
        return kept[key]
    at, found = _Place(wedge.corner, *(v.value if hasattr(v, "known") else v for v in x)), []
    for each in solutions(wedge.corner.angle, wedge.after, wedge.before, most):
        for factor in (1, -1j) if each.exponent.imag else (1,):
            found.append(at.number(x[0], at.pressure(each, factor), [0.0 * at.z] * (HIGHEST + 1)))
    if kept is not None:
        for each in found:
            each.known = {}
        kept[key] = found
    return found


def corner_weight(corners: Sequence[tuple[CornerFeatures, float]], x: Sequence[Any]) -> Any:
    """What equations are multiplied by, (n,): a power of r near each corner, 1 farther off.

    Args:
        corners: each with the power: where its functions leave r^−power, that outweighs all the rest.
        x: coordinates, as arrays or tensors.
    """
    found = 1.0
    for corner, power in corners:
        along, across = ((v - c) / (NEAR * corner.size) for v, c in zip(x, corner.place, strict=False))
        found = found * (along * along + across * across + AT_CORNER).clip(max=1) ** (power / 2)
    return found


class _Place:
    """Points near a corner as complex numbers, and derivatives of analytic functions there, each computed once.

    Args:
        corner: its place, angle and size.
        x: first coordinates (n,), an array or a tensor.
        y: second ones.
    """

    def __init__(self, corner: CornerFeatures, x: Any, y: Any):
        turn = cmath.exp(0.5j * corner.angle)
        self.by_x = complex(corner.towards[0], -corner.towards[1]) * turn / corner.size
        w = ((x - corner.place[0]) + 1j * (y - corner.place[1])) * (self.by_x / turn) + AT_CORNER
        self.z = w * turn
        behind = None if corner.depth is None else turn * corner.depth / corner.size
        self._inverse = [1.0, 1 / self.z]
        self._beyond = None if behind is None else [1.0, 1 / (self.z + behind)]
        for each in (self._inverse, self._beyond or []):
            each += [each[1] ** k for k in range(2, HIGHEST + 2)] if each else []
        cut = w if behind is None else w * (behind * self._beyond[1])
        self.log = log(cut) + 0.5j * corner.angle
        self._powers: dict[complex, list[Any]] = {}

    def power(self, mu: complex) -> list[Any]:
        """z^μ, or of w/(1 + w/depth) where the corner has a depth, and its derivatives."""
        if mu not in self._powers:
            self._powers[mu] = [exp(self.log * mu) * self._factor(mu, k) for k in range(HIGHEST + 2)]
        return self._powers[mu]

    def _factor(self, mu: complex, k: int) -> Any:
        if self._beyond is None:
            return _falling(mu, k) * self._inverse[k]
        return sum(math.comb(k, j) * _falling(mu, j) * _falling(-mu, k - j) * self._inverse[j] * self._beyond[k - j]
                   for j in range(k + 1))  # fmt: skip

    def real_part(self, solution: Solution, factor: complex) -> tuple[list[Any], list[Any]]:
        """A and B with their derivatives, of the real part of a factor times a solution."""
        lam, (a, b, c, d) = solution.exponent, (factor * each for each in solution.weights)
        return (
            self._both(lam, a, b.conjugate()),
            self._both(lam - 1, c, d.conjugate()),
        )

    def pressure(self, solution: Solution, factor: complex) -> list[Any]:
        """iB′ with its derivatives, B that of `real_part`."""
        return [1j * each for each in self.real_part(solution, factor)[1][1:]]

    def _both(self, mu: complex, first: complex, second: complex) -> list[Any]:
        if not mu.imag:
            return [each * (first + second) for each in self.power(mu)]
        pairs = zip(self.power(mu), self.power(mu.conjugate()), strict=True)
        return [one * first + other * second for one, other in pairs]

    def r_squared_theta(self) -> tuple[list[Any], list[Any]]:
        """The same of r²θ, the real part of z̄·(−i z log z)."""
        logs = [self.log]
        for k in range(1, HIGHEST + 1):
            beyond = 0.0 if self._beyond is None else self._beyond[k]
            logs.append((self._inverse[k] - beyond) * ((-1) ** (k - 1) * math.factorial(k - 1)))
        own = [self.z * self.log, *(self.z * logs[k] + k * logs[k - 1] for k in range(1, HIGHEST + 1))]
        return [0.0 * self.z] * (HIGHEST + 1), [each * -1j for each in own]

    def number(self, like: Number, analytic: list[Any], conjugate: list[Any]) -> Number:
        """Re(A + z̄ B) as what the coordinates are: an array, a tensor, or a jet."""

        def derivative(by: tuple[int, ...]) -> Any:
            found = 0.0 * self.z
            for m, n, c in _in_z(by, self.by_x):
                if n == 0:
                    found = found + (analytic[m] + self.z.conj() * conjugate[m]) * c
                elif n == 1:
                    found = found + conjugate[m] * c
            return found.real

        return type(like).of(like.layout, derivative) if hasattr(like, "known") else derivative(())


def _in_z(by: tuple[int, ...], by_x: complex) -> list[tuple[int, int, complex]]:
    """A derivative along x and y as Σ c ∂_z^m ∂_z̄^n: (m, n, c) each; none along a further coordinate, such as time."""
    if any(coordinate > 1 for coordinate in by):
        return []
    found = {(0, 0): 1.0 + 0j}
    for coordinate in by:
        along_z = by_x * (1j if coordinate else 1)
        longer: dict[tuple[int, int], complex] = {}
        for (m, n), c in found.items():
            longer[m + 1, n] = longer.get((m + 1, n), 0) + c * along_z
            longer[m, n + 1] = longer.get((m, n + 1), 0) + c * along_z.conjugate()
        found = longer
    return [(m, n, c) for (m, n), c in found.items()]
