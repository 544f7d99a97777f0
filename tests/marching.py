"""Reference solutions of equations over long times, spectral in space: nothing here is trained or shares its code."""

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.pinnacle import spectral


def etdrk4(start, linear, nonlinear, step, steps, every):
    """Fields (rows, n) of u_t = L u + N(u) on a periodic interval, every so many steps, the start first.

    By exponential time differencing of fourth order (Kassam and Trefethen, SISC 26, 2005).

    Args:
        start: u at n evenly spaced points.
        linear: L (n // 2 + 1,) of each Fourier mode.
        nonlinear: N, from modes (n // 2 + 1,) to modes.
        step: in time.
        steps: how many.
        every: how often the field is kept.
    """
    circle = np.exp(1j * np.pi * (np.arange(1, 65) - 0.5) / 64)
    z = step * linear[:, None] + circle
    whole, half = np.exp(step * linear), np.exp(step * linear / 2)
    middle = step * ((np.exp(z / 2) - 1) / z).mean(1).real
    first, second, third = (
        step * (each / z**3).mean(1).real
        for each in (
            -4 - z + np.exp(z) * (4 - 3 * z + z**2),
            2 + z + np.exp(z) * (z - 2),
            -4 - 3 * z - z**2 + np.exp(z) * (4 - z),
        )
    )
    modes, kept = np.fft.rfft(start), [start]
    for k in range(1, steps + 1):
        at_start = nonlinear(modes)
        a = half * modes + middle * at_start
        at_a = nonlinear(a)
        b = half * modes + middle * at_a
        at_b = nonlinear(b)
        c = half * a + middle * (2 * at_b - at_start)
        modes = whole * modes + first * at_start + 2 * second * (at_a + at_b) + third * nonlinear(c)
        if k % every == 0:
            kept.append(np.fft.irfft(modes, len(start)))
    return np.array(kept)


def cahn_hilliard(n=512, step=2.5e-4):
    """Moments, points and u (101, n) of the preset typed-cahn-hilliard, at t = 0, 0.05 … 5."""
    x, k = np.arange(n) / n, 2 * np.pi * np.arange(n // 2 + 1)
    kept = np.arange(n // 2 + 1) < n / 4

    def nonlinear(modes):
        return -(k**2) * 0.01 * kept * np.fft.rfft(np.fft.irfft(modes * kept, n) ** 3)

    start = np.cos(2 * np.pi * x) / 4 + np.sin(6 * np.pi * x) / 5
    u = etdrk4(start, 0.01 * k**2 - 1e-5 * k**4, nonlinear, step, round(5 / step), round(0.05 / step))
    return np.linspace(0, 5, 101), x, u


def allen_cahn(n=80):
    """Moments, points and u (61, n + 1) of the preset typed-allen-cahn, at t = 0, 1 … 60."""
    x = np.cos(np.pi * np.arange(n + 1) / n)
    weight = np.where((np.arange(n + 1) % n) == 0, 2.0, 1.0) * (-1.0) ** np.arange(n + 1)
    gap = x[:, None] - x + np.eye(n + 1)
    D = weight[:, None] / weight / gap
    D -= np.diag(D.sum(1))
    D2 = (D @ D)[1:-1]

    def whole(inner):
        return np.concatenate([[1.0], inner, [-1.0]])

    start = x - 0.8 * np.sin(2 * np.pi * x)
    found = solve_ivp(
        lambda t, u: 0.005 * D2 @ whole(u) + u - u**3, (0, 60), start[1:-1], "Radau", np.arange(61.0), rtol=1e-11,
        atol=1e-12, jac=lambda t, u: 0.005 * D2[:, 1:-1] + np.diag(1 - 3 * u**2),
    )  # fmt: skip
    return found.t, x, np.array([whole(u) for u in found.y.T])


def gray_scott(moments, n=128, steps=200):
    """Waves of u and v of the preset typed-gray-scott, with so many steps to each moment from the one before."""
    x, y = np.meshgrid(np.arange(n) / n, np.arange(n) / n, indexing="ij")

    def spot(a, b):
        return np.exp(-8 * (np.sin(np.pi * (x - a)) ** 2 + np.sin(np.pi * (y - b)) ** 2))

    def nonlinear(state, t):
        u, v = np.fft.ifft2(state).real
        return np.fft.fft2(np.stack([0.04 * (1 - u) - u * v**2, u * v**2]))

    k2 = spectral.squares([n, n], [1, 1])
    flow = spectral.Flow(np.stack([-1e-5 * k2, -5e-6 * k2 - 0.1]), nonlinear)
    start = np.fft.fft2(np.stack([1 - spot(0.475, 0.49), spot(0.525, 0.51)]))
    return [spectral.Waves((0.0, 0.0), (1.0, 1.0), each) for each in flow.states(start, moments, steps)]
