"""Self-similar blow-up of the inviscid Burgers equation: a profile U and its unknown exponent λ."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.problems.axes import evenly
from core.problems.base import Problem

S_MAX = 10.0
"""The half-line is sampled up to y = sinh(10) ≈ 1.1e4, uniformly in s = asinh(y)."""


class BurgersProfile(Problem):
    """−λU + ((1+λ)y + U)U′ = 0 on the line, U odd, U′(0) = −1; smooth only for λ_n = 1/(2n+2).

    Exact, implicit: y = −U − U^{1+1/λ}, where the coefficient 1 fixes the dilation y → cy that the equation
    leaves free (Wang, Lai, Gómez-Serrano, Buckmaster, arXiv 2201.06780).

    With m = 2n+2 and α = 1/(1+λ) the network reads only q = (1+cy^m)^{−α/m} ∈ (0,1], in which the profile is smooth
    from the origin (q = 1) to infinity (q = 0), and U = −y·q·(1 + (1−q)(a + (1−q)N(q))), a = 1 − m/(αc), is odd, has
    U′(0) = −1, the far field |y|^{1−α}, and the stated dilation for every N. The length scale c puts the branch point
    of the implicit solution, y^m = −m^m/(m+1)^{m+1}, at q = ∞: with c = 1 it lies 5 % beyond q = 1 and the
    network has to resolve a near-singularity. The residual is divided by y(1−q)q, its own size at the origin and at
    infinity, so that the neighbourhood of the origin, where smoothness decides λ, counts in full.
    """

    kind: Literal["burgers_profile"] = "burgers_profile"
    order: int = Field(0, ge=0, le=4, title="Order n", description="Number of unstable modes; λ = 1/(2n+2).")

    title: ClassVar[str] = "Burgers, self-similar profile"
    equation: ClassVar[str] = r"-\lambda U + \left((1+\lambda)y + U\right)U' = 0,\quad U \ \text{odd},\ U'(0) = -1"
    source: ClassVar[str] = "arXiv 2201.06780"
    coordinates: ClassVar[tuple[str, ...]] = ("y",)
    fields: ClassVar[tuple[str, ...]] = ("U",)
    residual_names: ClassVar[tuple[str, ...]] = ("profile",)
    pde_order: ClassVar[int] = 1
    has_lambda: ClassVar[bool] = True
    gauge: ClassVar[str] = "C = 1 in y = −U − C·U^(1+1/λ)"

    @property
    def power(self) -> int:
        """M = 2n+2: the profile is a smooth function of y^m."""
        return 2 * self.order + 2

    @property
    def scale(self) -> float:
        """C = (m+1)^{m+1}/m^m, the profile's own length scale to the power −m."""
        return (self.power + 1) ** (self.power + 1) / self.power**self.power

    def domain(self):
        return ((-float(np.sinh(S_MAX)), float(np.sinh(S_MAX))),)

    def axis(self, index, n):
        return np.sinh(evenly(-S_MAX, S_MAX, n))

    def collocation(self, unit):
        # U is odd, so the positive half-line is enough. The cube crowds points at the origin, the only place where
        # λ is decided: uniform in s, a fit trades an error of λ there for a smaller residual everywhere else.
        return {"interior": np.sinh(S_MAX * unit**3)}

    def compactified(self, y, lam):
        """The jet of q = (1+cy^m)^{−α/m} in y."""
        return ((y**self.power * self.scale + 1).log() * (-1 / ((1 + lam) * self.power))).exp()

    def features(self, x, lam):
        return [self.compactified(x[0], lam) * 2 - 1]

    def ansatz(self, raw, x, lam):
        y = x[0]
        q = self.compactified(y, lam)
        M = (1 - q) * raw[0] + (1 - self.power * (1 + lam) / self.scale)
        return {"U": -(y * q) * ((1 - q) * M + 1), "M": M}

    def residuals(self, points, u, x, lam):
        """The equation in h = −U/y = q + q(1−q)M, divided by y(1−q)q by hand.

        −h(1−h) − (1+λ−h)·yh′ is left, in which every factor 1−q cancels: evaluated from U it would be the difference
        of numbers 1/y³ times larger, and the origin would drown in rounding.
        """
        y, M = x[0].value, u["M"].value
        z = self.scale * y**self.power
        exponent = -1 / ((1 + lam) * self.power)
        one_minus_q = -(exponent * z.log1p()).expm1()
        q = 1 - one_minus_q
        at_origin = z < np.finfo(np.float32).tiny  # where nothing but the limit is left, and z may have lost digits
        slope = (z / (1 + z) / (1 + lam)) / one_minus_q.where(~at_origin, 1.0)
        slope = -slope.where(~at_origin, float(self.power))  # yq′/(q(1−q)), −m at the origin
        factor = 1 + one_minus_q * M
        descent = slope * (1 + (1 - 2 * q) * M) + y * u["M"].first(0)  # yh′/(q(1−q))
        return {"profile": -factor * (1 - q * M) - (1 + lam - q * factor) * descent}

    def exact(self, x):
        y = np.abs(x[:, 0])
        power = self.power + 1
        v = np.minimum(y, y ** (1 / power))
        for _ in range(60):  # Newton on v + v^power = |y|, a convex increasing function: converges from any v > 0
            v = v - (v + v**power - y) / (1 + power * v ** (power - 1))
        return {"U": -np.sign(x[:, 0]) * v}

    def other_lambdas(self):
        return {order: 1 / (2 * order + 2) for order in range(10) if order != self.order}

    def mistaken(self, lam):
        order = round(1 / (2 * lam) - 1) if lam > 0 else self.order
        if order != self.order and order >= 0 and abs(lam - 1 / (2 * order + 2)) < 1e-6:
            return f"λ = {lam:.7g} is that of order {order}: the profile of order {self.order} was not found"
        return None

    def lambda_start(self):
        return self.reference_lambda() * 0.9

    def reference_lambda(self):
        return 1 / self.power
