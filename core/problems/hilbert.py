"""The Hilbert transform of odd functions on the line, and its antiderivative, exact to rounding for slow tails.

Hf(y) = (1/π) PV∫ f(z)/(y−z) dz. With z = ℓ sinh σ(τ) and a uniform grid in τ, the principal value is the trapezoidal
rule with weights 1 − cos(π(t−τ)/h), at the nodes the alternate-point rule; it converges geometrically in 1/h for
functions analytic near the line (Stenger, Numerical Methods Based on Sinc and Analytic Functions, 1993). Any analytic
odd σ(τ) does: `Crowding` puts more nodes where a profile is steep. What an odd |y|^{−α} tail leaves out beyond the last
node is e^{−α·distance} in σ, relatively: 33/α of it makes it rounding.

The antiderivative ∫₀^y Hf has a logarithm for its kernel, whose singularity the same band-limited interpolation
integrates in closed form; the interpolating sinc is damped by a Gaussian, since f(σ)·dz/dτ grows for a slow tail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW = 44
"""Nodes on either side that take part in the correction of the logarithm; e^{−WINDOW·π/4} is rounding."""
TAIL = 33.0
"""e^{−TAIL} is rounding: quadrature reaches so many e-foldings of the tail past the last target."""


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


UNIFORM = Crowding()


def nodes(step: float, reach: float, alpha: float, crowding: Crowding = UNIFORM) -> np.ndarray:
    """Positive nodes σ_j (n,), τ_j = j·step, for targets up to σ = reach and a tail |y|^{−alpha}."""
    last = crowding.tau(np.array(reach + TAIL / alpha))
    return crowding.sigma(step * np.arange(1, int(last / step) + 2))


def operators(
    targets: np.ndarray, sigma: np.ndarray, crowding: Crowding = UNIFORM
) -> tuple[np.ndarray, np.ndarray]:
    """Matrices (m, n) from f(sinh σ_j) to Hf and to ∫₀^y Hf at y = sinh s, for odd f; both in units of ℓ = 1.

    Args:
        targets: s_i ≥ 0 (m,); any, on the nodes or between them.
        sigma: nodes σ_j > 0 (n,), uniform in τ: τ_j = j·h.
        crowding: σ as a function of τ.

    Returns:
        Hf is even in y, its antiderivative odd.
    """
    tau = crowding.tau(sigma)
    h = tau[0]
    s = np.asarray(targets, dtype=float)[:, None]
    near, far = s - sigma, s + sigma
    near_steps, far_steps = (crowding.tau(s) - tau) / h, (crowding.tau(s) + tau) / h
    speed = np.cosh(sigma) / crowding.slope(sigma)  # dz/dτ
    weight = h / np.pi * speed
    here = np.abs(near_steps) < 1e-9
    # y − z and y + z as products: no digits are lost where they are close or both huge
    difference = np.where(here, 1.0, 2 * np.sinh(near / 2) * np.cosh(far / 2))
    total = 2 * np.sinh(far / 2) * np.cosh(near / 2)
    hilbert = np.where(here, 0.0, (1 - np.cos(np.pi * near_steps)) / difference)
    hilbert = weight * (hilbert - (1 - np.cos(np.pi * far_steps)) / total)

    ratio = np.abs(difference) / total
    smaller = np.minimum(np.sinh(s), np.sinh(sigma))
    apart = (ratio > 0.5) & ~here  # log1p where the logarithm is small, and loses no digits there
    kernel = np.where(apart, np.log1p(-2 * np.where(apart, smaller / total, 0.0)), np.log(ratio))
    kernel = np.where(here, np.log(h * speed) - np.log(total), kernel)
    kernel += _correction(near_steps) - _correction(far_steps)
    return hilbert, weight * kernel


def _correction(x: np.ndarray) -> np.ndarray:
    """∫ log|x−t| g(t) dt − log|x| (without log|x| at 0), g the Gaussian-damped sinc; zero beyond the window."""
    from scipy.special import erf, sici

    result = np.zeros_like(x)
    within = np.abs(x) <= WINDOW
    x = np.abs(x[within])
    radius = np.sqrt(WINDOW / np.pi)
    point, w = np.polynomial.legendre.leggauss(160)
    eta = np.pi * (point + 1)
    passed = (erf((eta + np.pi) * radius / np.sqrt(2)) - erf((eta - np.pi) * radius / np.sqrt(2))) / 2
    stopped = (1 - passed) / eta * w * np.pi
    zero = x < 1e-9
    argument = np.where(zero, 1.0, 2 * np.pi * x)
    # log x − Ci(2πx) → −γ − log 2π for x → 0
    value = np.where(zero, -np.euler_gamma - np.log(2 * np.pi), -sici(argument)[1])
    result[within] = value + np.cos(np.multiply.outer(x, eta)) @ stopped
    return result
