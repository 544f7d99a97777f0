"""The heat equation on the unit cube in any dimension; the 1D, 2D and 3D problems are their own files."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from core.problems.base import Problem


class UnitCubeHeat(Problem):
    """u_t = κΔu on (0,1)^d × [0,1], u = 0 on the walls, u(x,0) = Π sin(πx_i).

    Exact solution u = Π sin(πx_i) exp(−dπ²κt). The ansatz u = Π sin(πx_i) + t Π 4x_i(1−x_i) N meets the initial and
    boundary values; the residual is divided by the initial value's own rate of decay, dπ²κ.
    """

    diffusivity: float = Field(0.1, gt=0, le=10, title="Diffusivity κ")

    residual_names: ClassVar[tuple[str, ...]] = ("heat",)
    linear: ClassVar[bool] = True
    time: ClassVar[str | None] = "t"

    @property
    def rate(self) -> float:
        """Decay of the solution, dπ²κ, per unit of time."""
        return (len(self.coordinates) - 1) * math.pi**2 * self.diffusivity

    def domain(self):
        return ((0.0, 1.0),) * len(self.coordinates)

    def ansatz(self, raw, x, lam):
        *space, t = x
        bubble = math.prod((4 * s * (1 - s) for s in space), start=t)
        initial = math.prod(((s * math.pi).sin() for s in space[1:]), start=(space[0] * math.pi).sin())
        return {"u": bubble * raw[0] + initial}

    def residuals(self, points, u, x, lam):
        v = u["u"]
        return {"heat": (v.first(len(x) - 1) - self.diffusivity * v.second("laplacian")) / self.rate}

    def exact(self, x):
        return {"u": np.prod(np.sin(np.pi * x[:, :-1]), axis=1) * np.exp(-self.rate * x[:, -1])}
