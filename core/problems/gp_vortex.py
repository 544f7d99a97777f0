"""Vortices of the Gross–Pitaevskii equation: the real profile f(r) around a core of charge n."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.forms import Form
from core.problems.base import Problem
from core.problems.boundary_maps import Sinh

REACH = 1000.0
"""Up to so many length scales the equation is asked for; 1 − f is below 1e-6 there."""
CROWDING = 4.0
"""Points and features crowd within so many widths of the layer around it."""


class GPVortex(Problem):
    """f″ + f′/r − n²f/r² + (1−f²)f = 0 on the half-line, f(0) = 0, f(∞) = 1.

    f = t^{n/2} e^{qN}, q = 1−t = c²/(r²+c²): f/rⁿ is even and positive, f ~ 1 − (n − 2N(q=0))c²/2r², and the network
    reads t alone, in which f is smooth from the origin (t = 0) to infinity (t = 1). The logarithm keeps rⁿ, which is
    1e-42 of what it is outside for n = 30. The far field needs no condition: at t = 1 the equation is algebraic.

    For large n the core, where f is exponentially small, ends at r = n in a layer (n/2)^{1/3} wide (Painlevé II),
    around which a map of t spreads points and features. The length scale c is several times a small core, so that
    what decays as e^{−√2r}, which no expansion at infinity has, is spread too.

    The residual is the equation divided by f, with what cancels at the origin cancelled by hand, times 1 + r²/n²:
    its terms are of size one at the origin and at infinity. The equation itself is left with f/(1 + r²/n²) times that,
    which is less at every r.

    ln(f/rⁿ) is shown as `log_a`: at r = 0 it is the logarithm of the slope coefficient a in f ~ a·rⁿ.
    """

    kind: Literal["gp_vortex"] = "gp_vortex"
    charge: int = Field(
        1, ge=1, le=30, title="Charge n", description="How often the phase turns around the core; f begins as rⁿ."
    )

    title: ClassVar[str] = "Gross–Pitaevskii vortex"
    equation: ClassVar[str] = (
        r"f'' + \frac{f'}{r} - \frac{n^2}{r^2} f + \left(1 - f^2\right) f = 0,\quad f(0) = 0,\quad f(\infty) = 1"
    )
    source: ClassVar[str] = "arXiv 2511.22819"
    coordinates: ClassVar[tuple[str, ...]] = ("r",)
    fields: ClassVar[tuple[str, ...]] = ("f", "f_r", "log_a")
    residual_names: ClassVar[tuple[str, ...]] = ("vortex",)
    forms: ClassVar[dict[str, Form]] = {"rr": ((0, 0, 1.0),)}

    @property
    def outputs(self):
        return 1

    @property
    def scale(self) -> float:
        """The length c."""
        return math.hypot(7.0, 1.2 * self.charge)

    @property
    def crowding(self) -> Sinh:
        """Where features and points crowd in t: around r = n."""
        n = self.charge
        t = n * n / (n * n + self.scale**2)
        layer = (n / 2) ** (1 / 3) * 2 * t * (1 - t) / n  # its width in r times dt/dr
        return Sinh(t, CROWDING * layer)

    def domain(self):
        return ((0.0, REACH * self.scale),)

    def axis(self, index, n):
        r = self._radius(np.linspace(0, 1, n))
        r[[0, -1]] = self.domain()[0]  # but for rounding they are
        return r

    def collocation(self, unit):
        return {"interior": self._radius(unit)}

    def _radius(self, uniform: np.ndarray) -> np.ndarray:
        """The r at uniform coordinates in [0, 1], the ends of the domain at its ends."""
        t = self.crowding.at(uniform)
        return self.scale * np.sqrt(t / (1 - t + REACH**-2))

    def _outer(self, r):
        """The jet of q, which loses no digits far out, as that of t would."""
        return ((r * (1 / self.scale)) ** 2 + 1).reciprocal()

    def features(self, x, lam):
        return [self.crowding.spread_jet(1 - self._outer(x[0])) * 2 - 1]

    def ansatz(self, raw, x, lam):
        n, r, q = self.charge, x[0].value, self._outer(x[0])
        h = q * raw[0]
        distance = (r * r + self.scale**2).sqrt()
        over_r = (r / distance) ** (n - 1) / distance * h.value.exp()  # f/r
        return {
            "h": h,
            "f": r * over_r,
            "f_r": over_r * (n * q.value + r * h.first(0)),
            "log_a": h.value - n * distance.log(),
        }

    def residuals(self, points, u, x, lam):
        """(ln f)″ + (ln f)′² + (ln f)′/r − n²/r² + 1 − f² for ln f = (n/2) ln t + h, of which 1/r² is cancelled."""
        n, c, r, h = self.charge, self.scale, x[0].value, u["h"]
        q = 1 / (1 + (r / c).square())
        slope, curvature = h.first(0), h.second("rr")
        slope_over_r = (slope / r.where(r > 0, 1.0)).where(r > 0, curvature)
        unfilled = -(n * (-q).log1p() + 2 * h.value).expm1()  # 1 − f²
        of_envelope = -(2 * n * q + n * n * (1 + q)) * q / c**2
        row = curvature + slope_over_r * (1 + 2 * n * q) + slope * slope + of_envelope + unfilled
        return {"vortex": row * (1 + (r / n).square())}

    def guess(self, x):
        # the constant N whose far field is 1 − n²/2r²
        return np.full((len(x), 1), self.charge / 2 - self.charge**2 / (2 * self.scale**2))
