"""The viscous Burgers equation that PINN papers measure themselves by."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.forms import Form
from core.problems.axes import evenly
from core.problems.base import Problem


class BurgersViscous(Problem):
    """u_t + u u_x = ν u_xx on [−1,1] × [0,1], u(x,0) = −sin πx, u(±1,t) = 0.

    Exact by Cole–Hopf (Basdevant et al. 1986). The ansatz u = −sin πx + t(1−x²)N meets both conditions.
    """

    kind: Literal["burgers_viscous"] = "burgers_viscous"
    viscosity: float = Field(
        0.01 / np.pi, gt=1e-4, le=1.0, title="Viscosity ν", description="The layer at x = 0 is about πν wide."
    )

    stretch: float | None = Field(
        None,
        gt=0,
        le=10,
        title="Stretch δ",
        description="The network reads asinh(x/δ), in which a layer of that width at x = 0 is as wide as all the rest, "
        "and solves the half x ≥ 0. Empty: it reads x.",
    )

    title: ClassVar[str] = "Burgers, viscous"
    equation: ClassVar[str] = r"u_t + u u_x = \nu u_{xx},\quad u(x,0) = -\sin \pi x,\quad u(\pm 1, t) = 0"
    source: ClassVar[str] = "Basdevant et al., Computers & Fluids 14 (1986)"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "t")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("burgers",)
    time: ClassVar[str | None] = "t"
    forms: ClassVar[dict[str, Form]] = {"xx": ((0, 0, 1.0),)}

    def domain(self):
        return ((-1.0, 1.0), (0.0, 1.0))

    def collocation(self, unit):
        if self.stretch:
            # u is odd in x: half of the domain is enough, sampled uniformly in what the network reads
            x = self.stretch * np.sinh(unit[:, :1] * np.arcsinh(1 / self.stretch))
            return {"interior": np.concatenate([x, unit[:, 1:]], axis=1)}
        # Half of the points crowd into the layer that forms at x = 0: x = sinh(βs)/sinh(β) with s uniform in [−1, 1].
        s = 2 * unit[:, :1] - 1
        crowded = np.sinh(5 * s) / np.sinh(5)
        x = np.where(np.arange(len(s))[:, None] % 2, crowded, s)
        return {"interior": np.concatenate([x, unit[:, 1:]], axis=1)}

    def features(self, x, lam):
        if not self.stretch:
            return super().features(x, lam)
        # log(z + √(z² + 1)) of |x|/δ, over its value at 1, on [−1, 1] as t is
        z = _absolute(x[0]) * (1 / self.stretch)
        return [(z + (z * z + 1).sqrt()).log() * (2 / np.arcsinh(1 / self.stretch)) - 1, x[1] * 2 - 1]

    def ansatz(self, raw, x, lam):
        space, t = x
        initial = (space * np.pi).sin()
        if not self.stretch:
            return {"u": t * (1 - space * space) * raw[0] - initial}
        # x/√(x² + δ²) vanishes at 0 as u does and is 1 outside the layer, so that N stays of the size of u/t
        layer = space / (space * space + self.stretch**2).sqrt()
        return {"u": t * (1 - space * space) * layer * raw[0] - initial}

    def residuals(self, points, u, x, lam):
        v = u["u"]
        r = v.first(1) + v.value * v.first(0) - self.viscosity * v.second("xx")
        if self.stretch:
            r = r * (x[0].value.square() + self.stretch**2).sqrt()
        return {"burgers": r}

    def exact(self, x):
        """Cole–Hopf: u = −∫ sin π(x−η) w dη / ∫ w dη, w = exp(−cos(π(x−η))/(2πν) − η²/(4νt)).

        The trapezoidal rule converges geometrically for this analytic, decaying integrand; the exponent is shifted by
        its maximum, since it spans e^{±50} at ν = 0.01/π.
        """
        u = -np.sin(np.pi * x[:, 0])
        later = np.flatnonzero(x[:, 1] > 0)
        z = evenly(-6.5, 6.5, 4001)
        for rows in np.array_split(later, max(1, len(later) // 500)):
            if not len(rows):
                continue
            space, t = x[rows, :1], x[rows, 1:]
            # The peak sits at η = ut, |u| ≤ 1, and is at most √(2νt) wide: the window covers both.
            shifted = space - z * (2 * np.sqrt(self.viscosity * t) + t / 6)
            eta = space - shifted
            exponent = -np.cos(np.pi * shifted) / (2 * np.pi * self.viscosity) - eta**2 / (4 * self.viscosity * t)
            weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
            u[rows] = -(np.sin(np.pi * shifted) * weight).sum(axis=1) / weight.sum(axis=1)
        return {"u": u}


def _absolute(jet):
    """|x| of a jet, from the right at 0."""
    return jet * jet.value.sign().where(jet.value != 0, 1.0)
