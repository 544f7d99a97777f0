"""The decaying Taylor–Green vortex: the Navier–Stokes equations in two dimensions."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.forms import Form
from core.problems.base import Problem


class TaylorGreen(Problem):
    """Navier–Stokes on the periodic square [0,2π]² × [0,1] from u = −cos x sin y, v = sin x cos y.

    Exact solution u = −cos x sin y e^{−2νt}, v = sin x cos y e^{−2νt}, p = −¼(cos 2x + cos 2y) e^{−4νt} (Taylor and
    Green 1937). The network reads cos x, sin x, cos y, sin y and t, so that all fields are periodic; u and v take
    their initial values plus t·N. The pressure's free constant is fixed by p(0,0,t) at points of its own.
    """

    kind: Literal["taylor_green"] = "taylor_green"
    viscosity: float = Field(0.01, gt=0, le=10, title="Viscosity ν")

    title: ClassVar[str] = "Taylor–Green vortex"
    equation: ClassVar[str] = r"u_t + u \cdot \nabla u = -\nabla p + \nu \Delta u,\quad \nabla \cdot u = 0"
    source: ClassVar[str] = "Taylor and Green, Proc. R. Soc. A 158 (1937)"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y", "t")
    fields: ClassVar[tuple[str, ...]] = ("u", "v", "p")
    residual_names: ClassVar[tuple[str, ...]] = ("momentum_x", "momentum_y", "divergence", "gauge")
    time: ClassVar[str | None] = "t"
    forms: ClassVar[dict[str, Form]] = {"laplacian": ((0, 0, 1.0), (1, 1, 1.0))}

    @property
    def inputs(self) -> int:
        return 5

    @property
    def circles(self) -> tuple[int, ...]:
        return (0, 2)

    def domain(self):
        return ((0.0, 2 * np.pi), (0.0, 2 * np.pi), (0.0, 1.0))

    def collocation(self, unit):
        origin = np.zeros((max(4, round(len(unit) ** 0.5)), 3))
        origin[:, 2] = np.linspace(0, 1, len(origin))
        return super().collocation(unit) | {"gauge": origin}

    def features(self, x, lam):
        return [x[0].cos(), x[0].sin(), x[1].cos(), x[1].sin(), x[2] * 2 - 1]

    def ansatz(self, raw, x, lam):
        s, r, t = x
        return {"u": t * raw[0] - s.cos() * r.sin(), "v": t * raw[1] + s.sin() * r.cos(), "p": raw[2]}

    def residuals(self, points, u, x, lam):
        if points == "gauge":
            return {"gauge": u["p"].value + 0.5 * (x[2].value * (-4 * self.viscosity)).exp()}
        a, b, p = (u[name] for name in self.fields)
        momentum = (
            v.first(2)
            + a.value * v.first(0)
            + b.value * v.first(1)
            + p.first(i)
            - self.viscosity * v.second("laplacian")
            for i, v in enumerate((a, b))
        )
        return dict(zip(self.residual_names, (*momentum, a.first(0) + b.first(1)), strict=False))

    def exact(self, x):
        s, r, t = x.T
        decay = np.exp(-2 * self.viscosity * t)
        return {
            "u": -np.cos(s) * np.sin(r) * decay,
            "v": np.sin(s) * np.cos(r) * decay,
            "p": -0.25 * (np.cos(2 * s) + np.cos(2 * r)) * decay**2,
        }
