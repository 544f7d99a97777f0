"""Helmholtz' equation with an anisotropic solution."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.forms import Form, laplacian
from core.problems.base import Problem


class Helmholtz(Problem):
    """Δu + k²u = f on [−1,1]², u = 0 on the boundary; exact solution u = sin(a₁πx) sin(a₂πy).

    The ansatz u = (1−x²)(1−y²)N vanishes on the boundary; the residual is divided by f's amplitude.
    """

    kind: Literal["helmholtz"] = "helmholtz"
    a1: int = Field(1, ge=1, le=20, title="a₁", description="Half waves along x.")
    a2: int = Field(4, ge=1, le=20, title="a₂", description="Half waves along y.")
    wavenumber: float = Field(1.0, ge=0, le=100, title="Wavenumber k")

    title: ClassVar[str] = "Helmholtz"
    equation: ClassVar[str] = r"\Delta u + k^2 u = f \ \text{on}\ (-1,1)^2,\quad u|_{\partial} = 0"
    source: ClassVar[str] = "Wang, Teng, Perdikaris, SIAM J. Sci. Comput. 43 (2021)"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("helmholtz",)
    linear: ClassVar[bool] = True
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(2)}

    def domain(self):
        return ((-1.0, 1.0), (-1.0, 1.0))

    def ansatz(self, raw, x, lam):
        return {"u": (1 - x[0] * x[0]) * (1 - x[1] * x[1]) * raw[0]}

    def residuals(self, points, u, x, lam):
        laplacian_of_u = (self.a1**2 + self.a2**2) * math.pi**2
        waves = (x[0].value * (self.a1 * math.pi)).sin() * (x[1].value * (self.a2 * math.pi)).sin()
        forcing = (self.wavenumber**2 - laplacian_of_u) * waves
        left = u["u"].second("laplacian") + self.wavenumber**2 * u["u"].value
        return {"helmholtz": (left - forcing) / laplacian_of_u}

    def exact(self, x):
        return {"u": np.sin(self.a1 * np.pi * x[:, 0]) * np.sin(self.a2 * np.pi * x[:, 1])}
