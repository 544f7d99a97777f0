"""What Bessel functions do in the plane: F_ν(κr) e^{iνθ}, which derivatives turn into its neighbours.

∂_z takes F_ν(κr) e^{iνθ} to κ/2 times that of ν − 1, and ∂_z̄ to that of ν + 1, but for signs. All are kept by a weight
of each order, so that high ones are of size 1 where they are large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domains.local_features import WHOLE

FURTHER = 4
"""Orders beyond the highest one that its derivatives need."""
SERIES_OF_J = 6.0
"""Up to this x its alternating series loses fewer than three digits."""
SLOPE = 0.4
"""Half the interval of ν in which a function is interpolated to be differentiated by ν."""
NODES = 14


@dataclass
class Ladder:
    """Functions Φ_ν = F_ν(κr) e^{iνθ} at points, with everything that derivatives make of them.

    Args:
        lowering: Φ_ν → this times Φ_{ν−1} by ∂_z.
        raising: Φ_ν → this times Φ_{ν+1} by ∂_z̄.
        values: weighted Φ (n,) by order.
        weights: their logarithms by order.
    """

    lowering: float
    raising: float
    values: dict[float, np.ndarray]
    weights: dict[float, float]

    def derivative(self, order: float, of_z: int, of_conjugate: int) -> np.ndarray:
        """∂_z^m ∂_z̄^l of the weighted Φ of an order, complex (n,)."""
        there = _key(order - of_z + of_conjugate)
        factor = self.lowering**of_z * self.raising**of_conjugate
        return factor * np.exp(self.weights[order] - self.weights[there]) * self.values[there]


def decaying(z: np.ndarray, kappa: float, waves: bool, highest: int, radius: float) -> Ladder:
    """K_n, with waves Y_n, n = 0 … highest, for points z around a disk of a radius: of size 1 near its edge."""
    from scipy.special import gammaln, kve, yv

    r, around = abs(z), z / abs(z)
    x, edge, sign = kappa * r, kappa * radius, -1.0 if waves else 1.0
    first = [yv(n, x) if waves else kve(n, x) * np.exp(edge - x) for n in (0, 1)]
    found = [first[0], first[1] * (edge / 2)]  # weights (edge/2)^n / n!
    for n in range(1, highest + FURTHER):
        found.append(sign * edge**2 / (4 * n * (n + 1)) * found[n - 1] + edge / (n + 1) * n / x * found[n])
    orders = np.arange(len(found))
    logs = orders * np.log(edge / 2) - gammaln(orders + 1)
    half = kappa / 2
    return _of_whole(found, logs, around, -1.0 if waves else 1.0, half if waves else -half, -half)


def regular(z: np.ndarray, kappa: float, waves: bool, highest: int, far: float) -> Ladder:
    """I_n, with waves J_n, n = 0 … highest, for points z up to `far` from 0: of size 1 at the farthest."""
    from scipy.special import ive, jv

    r = np.maximum(abs(z), 1e-300)
    x, end, orders = kappa * r, kappa * far, np.arange(highest + FURTHER + 1)
    if waves:
        sizes = np.where(orders > end, abs(jv(orders, end)), 1.0)
        found = [jv(n, x) / sizes[n] for n in orders]
        logs = -np.log(sizes)
    else:
        sizes = ive(orders, end)
        found = [ive(n, x) / sizes[n] * np.exp(x - end) for n in orders]
        logs = -np.log(sizes)
    half = kappa / 2
    return _of_whole(found, logs, z / r, -1.0 if waves else 1.0, half, -half if waves else half)


def _of_whole(
    found: Sequence[np.ndarray], logs: np.ndarray, around: np.ndarray, odd: float, lowering: float, raising: float
) -> Ladder:
    """Of whole orders: Φ_{−n} is the conjugate of Φ_n, times `odd` for odd n."""
    values, weights, turned = {}, {}, np.ones_like(around)
    for n, each in enumerate(found):
        values[n], weights[n] = each * turned, float(logs[n])
        if 0 < n <= FURTHER:
            values[-n], weights[-n] = values[n].conj() * (odd if n % 2 else 1.0), float(logs[n])
        turned = turned * around
    return Ladder(lowering, raising, values, weights)


def into_corner(z: np.ndarray, theta: np.ndarray, kappa: float, waves: bool, orders: Sequence[float], far: float):
    """I_ν, with waves J_ν, of any orders; of whole ones their derivative by ν, as a corner's solutions have it.

    Args:
        z: points, complex (n,).
        theta: their angles, cut outside the domain.
        kappa: κ.
        waves: J instead of I.
        orders: ν > 0.
        far: the largest |z|.
    """
    from scipy.special import ive, jv

    x, end, half = kappa * abs(z), kappa * far, kappa / 2
    values: dict[float, np.ndarray] = {}
    whole = sorted({round(each) for each in orders if abs(each - round(each)) < WHOLE})
    if whole:
        values |= _by_order(x, theta, waves, max(whole) + FURTHER, end)
    for order in orders:
        for k in range(-FURTHER, FURTHER + 1) if abs(order - round(order)) >= WHOLE else ():
            at = order + k
            values[_key(at)] = (jv(at, x) if waves else ive(at, x) * np.exp(x - end)) * np.exp(1j * at * theta)
    return Ladder(half, -half if waves else half, values, dict.fromkeys([*values, *orders], 0.0))


def _key(order: float) -> float:
    """An order as it is looked up by: 2/3 + 1 − 1 is 2/3."""
    return round(order, 9)


def _by_order(x: np.ndarray, theta: np.ndarray, waves: bool, highest: int, end: float) -> dict[float, np.ndarray]:
    """∂_ν of F_ν(x) e^{iνθ} at whole ν, from the two highest orders downwards; times e^{−end} of I."""
    from scipy.special import ive, jv

    sign = -1.0 if waves else 1.0
    slopes = {n: _slope(x, n, waves, end) for n in (highest, highest - 1)}
    at = {n: jv(n, x) if waves else ive(n, x) * np.exp(x - end) for n in range(highest + 1)}
    at |= {-n: at[n] * (sign if n % 2 else 1.0) for n in range(1, FURTHER + 1)}
    for n in range(highest - 1, -FURTHER, -1):
        slopes[n - 1] = sign * slopes[n + 1] + (2 / x) * (at[n] + n * slopes[n])
    return {n: (slopes[n] + 1j * theta * at[n]) * np.exp(1j * n * theta) for n in slopes}


def _slope(x: np.ndarray, order: int, waves: bool, end: float) -> np.ndarray:
    """∂_ν of J_ν(x), or of I_ν(x) e^{−end}, at a whole order > 0."""
    if not waves:
        return _series(x, order, 1.0, np.exp(-end))
    found = np.empty_like(x)
    near = x < SERIES_OF_J
    found[near] = _series(x[near], order, -1.0, 1.0)
    found[~near] = _interpolated(x[~near], order)
    return found


def _series(x: np.ndarray, order: int, sign: float, factor: float) -> np.ndarray:
    """Σ sign^k (x/2)^{2k+ν} (log(x/2) − ψ(k+ν+1)) / (k! Γ(k+ν+1)), times a factor."""
    from scipy.special import gammaln, psi

    logarithm, square = np.log(x / 2), sign * np.square(x / 2)
    term = np.exp(order * logarithm - gammaln(order + 1)) * factor
    total = np.zeros_like(x)
    for k in range(int(30 + 1.5 * x.max(initial=0.0))):
        total += term * (logarithm - psi(k + order + 1))
        term = term * square / ((k + 1) * (k + 1 + order))
    return total


def _interpolated(x: np.ndarray, order: int) -> np.ndarray:
    """∂_ν of J_ν(x) from its polynomial in ν through Chebyshev nodes."""
    from numpy.polynomial import chebyshev
    from scipy.special import jv

    nodes = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    powers = np.linalg.inv(chebyshev.chebvander(nodes, NODES - 1))
    slope = [chebyshev.chebval(0.0, chebyshev.chebder(row)) for row in np.eye(NODES)] @ powers
    return sum(c * jv(order + SLOPE * node, x) for c, node in zip(slope / SLOPE, nodes, strict=True))
