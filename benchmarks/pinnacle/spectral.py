"""Own references of the rows in time: Fourier in space, exponential Runge–Kutta of fourth order in time.

ETDRK4 is Cox and Matthews' (J. Comput. Phys. 176, 2002), its coefficients by contour integrals as in Kassam and
Trefethen (SIAM J. Sci. Comput. 26, 2005). Nothing is kept between runs: each costs seconds to minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.pinnacle.tables import Table, relative_l2

ROOTS = 32
"""Points of the contour of each coefficient."""


@dataclass(frozen=True)
class Waves:
    """Real fields on a periodic grid, as coefficients of exp(i k·(x − low))."""

    low: tuple[float, ...]
    periods: tuple[float, ...]
    coefficients: np.ndarray
    """(fields, n_1 …, n_d), complex, as `numpy.fft.fftn` gives them."""

    def at(self, points: np.ndarray) -> np.ndarray:
        """Values (fields, n) at points (n, d), by summing the series."""
        sizes = self.coefficients.shape[1:]
        waves = [
            np.exp(1j * np.outer(points[:, i] - self.low[i], wavenumbers(sizes[i], self.periods[i])))
            for i in range(len(sizes))
        ]
        if len(sizes) == 1:
            found = np.einsum("nk,fk->fn", waves[0], self.coefficients)
        else:
            along = np.einsum("fkl,nl->fnk", self.coefficients, waves[1], optimize=True)
            found = np.einsum("fnk,nk->fn", along, waves[0])
        return found.real / np.prod(sizes)


def wavenumbers(size: int, period: float) -> np.ndarray:
    """Of each coefficient of a grid with so many points; the one that stands for both signs is 0."""
    found = np.fft.fftfreq(size, 1 / size) * (2 * np.pi / period)
    if size % 2 == 0:
        found[size // 2] = 0
    return found


def squares(sizes: Sequence[int], periods: Sequence[float]) -> np.ndarray:
    """|k|² of each coefficient."""
    along = [(np.fft.fftfreq(n, 1 / n) * (2 * np.pi / period)) ** 2 for n, period in zip(sizes, periods, strict=True)]
    return sum(np.meshgrid(*along, indexing="ij"))


@dataclass(frozen=True)
class Flow:
    """û_t = linear·û + F(nonlinear(u, t)) on a periodic grid."""

    linear: np.ndarray
    """(fields, n_1 …), real."""
    nonlinear: Callable[[np.ndarray, float], np.ndarray]
    """Coefficients of the fields, time → coefficients."""

    def states(self, start: np.ndarray, moments: Sequence[float], steps: int) -> list[np.ndarray]:
        """The coefficients at each moment, rising from 0, with so many equal steps to each from the one before."""
        found, state, before = [], start, 0.0
        for moment in moments:
            if moment > before:
                state = self._to(state, before, moment, steps)
            found.append(state)
            before = moment
        return found

    def _to(self, state: np.ndarray, begins: float, ends: float, steps: int) -> np.ndarray:
        h = (ends - begins) / steps
        whole, half, q, f1, f2, f3 = _weights(h * self.linear, h)
        n = self.nonlinear
        for k in range(steps):
            t = begins + k * h
            first = n(state, t)
            a = half * state + q * first
            second = n(a, t + h / 2)
            b = half * state + q * second
            third = n(b, t + h / 2)
            c = half * a + q * (2 * third - first)
            state = whole * state + f1 * first + 2 * f2 * (second + third) + f3 * n(c, t + h)
        return state


def _weights(z: np.ndarray, h: float) -> tuple[np.ndarray, ...]:
    """E, E₂, Q, f₁, f₂, f₃ of ETDRK4; means over circles around z, since their own formulas cancel near 0."""
    q = f1 = f2 = f3 = 0
    for k in range(ROOTS):
        w = z + np.exp(1j * np.pi * (k + 0.5) / ROOTS)
        e = np.exp(w)
        q = q + ((np.exp(w / 2) - 1) / w).real
        f1 = f1 + ((-4 - w + e * (4 - 3 * w + w**2)) / w**3).real
        f2 = f2 + ((2 + w + e * (-2 + w)) / w**3).real
        f3 = f3 + ((-4 - 3 * w - w**2 + e * (4 - w)) / w**3).real
    return np.exp(z), np.exp(z / 2), *(h / ROOTS * each for each in (q, f1, f2, f3))


def kuramoto_sivashinsky(moments: Sequence[float], size: int = 512, steps: int = 100) -> list[Waves]:
    """Row ks at each moment, with so many steps from each to the next."""
    period = 2 * np.pi
    x = period * np.arange(size) / size
    k = wavenumbers(size, period)
    k2 = squares([size], [period])[None]
    kept = np.abs(np.fft.fftfreq(size, 1 / size)) < size / 3

    def nonlinear(u: np.ndarray, t: float) -> np.ndarray:
        squared = np.fft.fft(np.fft.ifft(u).real ** 2)
        return -(100 / 16) / 2 * 1j * k * squared * kept

    flow = Flow((100 / 16**2) * k2 - (100 / 16**4) * k2**2, nonlinear)
    start = np.fft.fft(np.cos(x) * (1 + np.sin(x)))[None]
    return [Waves((0.0,), (period,), each) for each in flow.states(start, moments, steps)]


def gray_scott(moments: Sequence[float], size: int = 128, steps: int = 40) -> list[Waves]:
    """Row gray-scott at each moment: fields u, v."""
    axis = -1 + 2 * np.arange(size) / size
    x, y = np.meshgrid(axis, axis, indexing="ij")
    k2 = squares([size, size], [2, 2])

    def nonlinear(state: np.ndarray, t: float) -> np.ndarray:
        u, v = np.fft.ifft2(state).real
        rate = u * v**2
        return np.fft.fft2(np.stack([0.04 * (1 - u) - rate, rate]))

    flow = Flow(np.stack([-1e-5 * k2, -5e-6 * k2 - 0.1]), nonlinear)
    u = 1 - np.exp(-80 * ((x + 0.05) ** 2 + (y + 0.02) ** 2))
    v = np.exp(-80 * ((x - 0.05) ** 2 + (y - 0.02) ** 2))
    start = np.fft.fft2(np.stack([u, v]))
    return [Waves((-1.0, -1.0), (2.0, 2.0), each) for each in flow.states(start, moments, steps)]


def heat_with_source(moments: Sequence[float], size: int = 64, steps: int = 100) -> list[Waves]:
    """Row heat2d-lt at each moment: continued as an odd function, it is periodic and as smooth, with periods 1/2 and 2.

    `size` points lie along y, a quarter of them along x, where the solution is odd about 1/4 too.
    """
    x, y = np.meshgrid(np.arange(size // 4) * 2 / size, -1 + 2 * np.arange(size) / size, indexing="ij")
    place = 5 * np.sin(4 * np.pi * x) * np.sin(2 * np.pi * y)

    def nonlinear(state: np.ndarray, t: float) -> np.ndarray:
        u = np.fft.ifft2(state[0]).real
        return np.fft.fft2(np.sin(u**2) * place * (1 + 2 * np.sin(np.pi * t / 4)))[None]

    flow = Flow(-1e-3 * squares([size // 4, size], [0.5, 2])[None], nonlinear)
    start = np.fft.fft2(np.sin(4 * np.pi * x) * np.sin(3 * np.pi * y))[None]
    return [Waves((0.0, -1.0), (0.5, 2.0), each) for each in flow.states(start, moments, steps)]


def ks_table() -> Table:
    """Row ks at twenty moments."""
    moments = np.linspace(0.05, 1, 20)
    return _table(kuramoto_sivashinsky, moments, (512, 400), (256, 200), ("x", "t"), ("u",), [(0, 2 * np.pi)])


def gray_scott_table() -> Table:
    """Row gray-scott at ten moments."""
    moments = np.linspace(20, 200, 10)
    return _table(gray_scott, moments, (256, 20), (192, 10), ("x", "y", "t"), ("u", "v"), [(-1, 1)] * 2)


def heat_table() -> Table:
    """Row heat2d-lt at twenty moments."""
    moments = np.linspace(5, 100, 20)
    return _table(heat_with_source, moments, (256, 200), (192, 100), ("x", "y", "t"), ("u",), [(0, 1)] * 2)


def _table(
    solve: Callable[[Sequence[float], int, int], list[Waves]],
    moments: Sequence[float],
    fine: tuple[int, int],
    coarse: tuple[int, int],
    coordinates: tuple[str, ...],
    fields: tuple[str, ...],
    ends: Sequence[tuple[float, float]],
) -> Table:
    """A reference at points that are the same each time; it is known to what lies between two resolutions.

    Args:
        solve: of moments, points along each axis, steps from moment to moment.
        moments: at which it is asked for.
        fine: points and steps of the reference.
        coarse: of the one that it is held against.
        coordinates: time last.
        fields: of the equation.
        ends: of the coordinates of space.
    """
    low, high = np.array(ends, dtype=float).T
    places = low + (high - low) * np.random.default_rng(16).random((1_000, len(low)))
    points = np.concatenate([np.column_stack([places, np.full(len(places), t)]) for t in moments])
    both = [
        dict(zip(fields, np.concatenate([waves.at(places) for waves in solve(moments, *way)], axis=1), strict=True))
        for way in (fine, coarse)
    ]
    return Table(coordinates, points, both[0], relative_l2(both[1], both[0]))
