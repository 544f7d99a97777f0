"""The Hilbert transform of odd functions on the line, and its antiderivative, exact to rounding for slow tails.

Hf(y) = (1/π) PV∫ f(z)/(y−z) dz. With z = ℓ sinh σ(τ) and a uniform grid in τ, the principal value is the trapezoidal
rule with weights 1 − cos(π(t−τ)/h), at the nodes the alternate-point rule; it converges geometrically in 1/h for
functions analytic near the line (Stenger, Numerical Methods Based on Sinc and Analytic Functions, 1993). Any analytic
odd σ(τ) does: `Crowding` puts more nodes where a profile is steep. What an odd |y|^{−α} tail leaves out beyond the last
node is e^{−α·distance} in σ, relatively: 33/α of it makes it rounding.

The antiderivative ∫₀^y Hf has a logarithm for its kernel, whose singularity the same band-limited interpolation
integrates in closed form; the interpolating sinc is damped by a Gaussian, since f(σ)·dz/dτ grows for a slow tail.

No entry of either matrix is a difference of nearly equal numbers, however close a target is to a node or to the origin:
what is small there is written as a product. So (∫₀^y Hf)/y has all digits at y = 1e-16 as at y = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

WINDOW = 44
"""Nodes on either side that take part in the correction of the logarithm; e^{−WINDOW·π/4} is rounding."""
TAIL = 33.0
"""e^{−TAIL} is rounding: quadrature reaches so many e-foldings of the tail past the last target."""
ROWS = 32
"""Targets whose kernels are computed together: the memory in between does not grow with their number."""
MEAN = 16
"""Points of the Gauss rule for a mean of Hf over less than one step."""


@dataclass(frozen=True)
class Crowding:
    """τ(σ) = σ + Bw(asinh((σ−c)/w) + asinh((σ+c)/w)): around ±c nodes uniform in τ are 1+B times as dense in σ."""

    center: float = 0.0
    width: float = 1.0
    strength: float = 0.0
    """B; 0 leaves τ = σ."""

    def tau(self, sigma: np.ndarray) -> np.ndarray:
        """τ at σ, odd and increasing."""
        near, far = (sigma - self.center) / self.width, (sigma + self.center) / self.width
        return sigma + self.strength * self.width * (np.arcsinh(near) + np.arcsinh(far))

    def difference(self, sigma: np.ndarray, other: np.ndarray) -> np.ndarray:
        """τ(sigma) − τ(other), to rounding however close they are."""
        gap, stretched = sigma - other, 0.0
        if self.strength:
            for center in (self.center, -self.center):
                near, far = (sigma - center) / self.width, (other - center) / self.width
                stretched = stretched + _arcsinh_difference(near, far, gap / self.width)
        return gap + self.strength * self.width * stretched

    def slope(self, sigma: np.ndarray) -> np.ndarray:
        """dτ/dσ."""
        near, far = (sigma - self.center) / self.width, (sigma + self.center) / self.width
        return 1 + self.strength * ((1 + near**2) ** -0.5 + (1 + far**2) ** -0.5)

    def sigma(self, tau: np.ndarray) -> np.ndarray:
        """σ at τ ≥ 0, by Newton's method from a table."""
        if not self.strength:
            return tau
        table = np.linspace(0, tau.max(), 20_001)  # τ ≥ σ
        sigma = np.interp(tau, self.tau(table), table)
        for _ in range(6):
            sigma = sigma - (self.tau(sigma) - tau) / self.slope(sigma)
        return sigma


def _arcsinh_difference(a: np.ndarray, b: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Arsinh a − arsinh b for a − b = gap, as arsinh of a number that is no difference of close ones."""
    left, right = a * np.sqrt(1 + b * b), b * np.sqrt(1 + a * a)
    total = left + right
    same_side = (a * b > 0) & (total != 0)
    return np.arcsinh(np.where(same_side, gap * (a + b) / np.where(same_side, total, 1.0), left - right))


UNIFORM = Crowding()


def nodes(step: float, reach: float, alpha: float, crowding: Crowding = UNIFORM) -> np.ndarray:
    """Positive nodes σ_j (n,), τ_j = j·step, for targets up to σ = reach and a tail |y|^{−alpha}."""
    last = crowding.tau(np.array(reach + TAIL / alpha))
    return crowding.sigma(step * np.arange(1, int(last / step) + 2))


def operators(targets: np.ndarray, sigma: np.ndarray, crowding: Crowding = UNIFORM) -> tuple[np.ndarray, np.ndarray]:
    """Matrices (m, n) from f(sinh σ_j) to Hf and to ∫₀^y Hf at y = sinh s, for odd f; both in units of ℓ = 1.

    Args:
        targets: s_i ≥ 0 (m,); any, on the nodes or between them.
        sigma: nodes σ_j > 0 (n,), uniform in τ: τ_j = j·h.
        crowding: σ as a function of τ.

    Returns:
        Hf is even in y, its antiderivative odd.
    """
    targets = np.asarray(targets, dtype=float)
    hilbert, antiderivative = (np.empty((len(targets), len(sigma))) for _ in range(2))
    for start in range(0, len(targets), ROWS):
        rows = slice(start, start + ROWS)
        hilbert[rows] = _hilbert(targets[rows], sigma, crowding)
        antiderivative[rows] = _antiderivative(targets[rows], sigma, crowding)
    return hilbert, antiderivative


def _hilbert(targets: np.ndarray, sigma: np.ndarray, crowding: Crowding) -> np.ndarray:
    """The matrix (m, n) to Hf."""
    h, weight = _weights(sigma, crowding)
    difference, total, near_steps, far_steps = _distances(targets[:, None], sigma, crowding, h)
    near = np.divide(_one_minus_cosine(near_steps), difference, out=np.zeros_like(total), where=difference != 0)
    return weight * (near - _one_minus_cosine(far_steps) / total)


def _antiderivative(targets: np.ndarray, sigma: np.ndarray, crowding: Crowding) -> np.ndarray:
    """The matrix (m, n) to ∫₀^y Hf.

    Before the first node it is y times the mean of Hf over [0, y], by a Gauss rule that is exact to rounding there: the
    logarithms would cancel and leave 1e-16, of which 1e-16/y were seen in U/y.
    """
    matrix = np.empty((len(targets), len(sigma)))
    before = targets < sigma[0]
    point, share = _gauss(MEAN)
    for row in np.flatnonzero(before):
        y = np.sinh(targets[row])
        matrix[row] = y * (share @ _hilbert(np.arcsinh(y * point), sigma, crowding))
    h, weight = _weights(sigma, crowding)
    s = targets[~before, None]
    difference, total, near_steps, far_steps = _distances(s, sigma, crowding, h)
    here = difference == 0
    ratio = np.where(here, 1.0, np.abs(difference) / total)
    smaller = np.minimum(np.sinh(s), np.sinh(sigma))
    apart = (ratio > 0.5) & ~here  # log1p where the logarithm is small, and loses no digits there
    kernel = np.where(apart, np.log1p(-2 * np.where(apart, smaller / total, 0.0)), np.log(ratio))
    kernel = np.where(here, np.log(np.pi * weight) - np.log(total), kernel)
    kernel += _correction(near_steps) - _correction(far_steps)
    matrix[~before] = weight * kernel
    return matrix


def _weights(sigma: np.ndarray, crowding: Crowding) -> tuple[float, np.ndarray]:
    """The step h, and h/π·dz/dτ at the nodes (n,)."""
    h = crowding.tau(sigma[:1])[0]
    return h, h / np.pi * np.cosh(sigma) / crowding.slope(sigma)


def _distances(s: np.ndarray, sigma: np.ndarray, crowding: Crowding, h: float) -> tuple[np.ndarray, ...]:
    """Of targets s (m, 1) to nodes (n,): y − z, y + z, and both in steps, (m, n) each.

    y − z and y + z as products: no digits are lost where they are close or both huge. y − z is zero on a node alone.
    """
    near, far = s - sigma, s + sigma
    difference = 2 * np.sinh(near / 2) * np.cosh(far / 2)
    total = 2 * np.sinh(far / 2) * np.cosh(near / 2)
    return difference, total, crowding.difference(s, sigma) / h, (crowding.tau(s) + crowding.tau(sigma)) / h


def _one_minus_cosine(steps: np.ndarray) -> np.ndarray:
    """1 − cos πx, with all digits near x = 0."""
    return 2 * np.sin(np.pi / 2 * steps) ** 2


@lru_cache
def _gauss(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss's rule on [0, 1]: points and weights (n,)."""
    point, weight = np.polynomial.legendre.leggauss(n)
    return (point + 1) / 2, weight / 2


@lru_cache
def _stopped() -> tuple[np.ndarray, np.ndarray]:
    """Frequencies η, and weights of what the damping takes from each: ∫ log|x−t| g(t) dt is −Ci(2πx) + Σ w cos(xη)."""
    from scipy.special import erf

    radius = np.sqrt(WINDOW / np.pi)
    point, weight = _gauss(160)
    eta = 2 * np.pi * point
    passed = (erf((eta + np.pi) * radius / np.sqrt(2)) - erf((eta - np.pi) * radius / np.sqrt(2))) / 2
    return eta, (1 - passed) / eta * weight * 2 * np.pi


def _correction(x: np.ndarray) -> np.ndarray:
    """∫ log|x−t| g(t) dt − log|x| (without log|x| at 0), g the Gaussian-damped sinc; zero beyond the window."""
    from scipy.special import sici

    result = np.zeros_like(x)
    within = np.abs(x) <= WINDOW
    x = np.abs(x[within])
    eta, stopped = _stopped()
    zero = x == 0
    argument = np.where(zero, 1.0, 2 * np.pi * x)
    # log x − Ci(2πx) → −γ − log 2π for x → 0
    value = np.where(zero, -np.euler_gamma - np.log(2 * np.pi), -sici(argument)[1])
    result[within] = value + np.cos(np.multiply.outer(x, eta)) @ stopped
    return result
