"""−Δu + c·u³ = f on the unit square, u = 0 on the boundary: the worked example of docs/adding-a-problem.md."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.problems.base import Form, Problem, laplacian


class CubicPoisson(Problem):
    """Exact solution u = sin(πx) sin(2πy), which decides f."""

    kind: Literal["cubic_poisson"] = "cubic_poisson"
    strength: float = Field(10.0, ge=0, le=1e3, title="Strength c", description="Of the cubic term.")

    title: ClassVar[str] = "Poisson with a cubic term"
    equation: ClassVar[str] = r"-\Delta u + c\,u^3 = f \ \text{on}\ (0,1)^2,\quad u|_{\partial} = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("cubic",)
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(2)}

    def domain(self):
        return ((0.0, 1.0), (0.0, 1.0))

    def ansatz(self, raw, x, lam):
        walls = 16 * x[0] * (1 - x[0]) * x[1] * (1 - x[1])
        return {"u": walls * raw[0]}

    def residuals(self, points, u, x, lam):
        exact = (x[0].value * np.pi).sin() * (x[1].value * 2 * np.pi).sin()
        scale = 5 * np.pi**2
        forcing = scale * exact + self.strength * exact**3
        v = u["u"]
        return {"cubic": (-v.second("laplacian") + self.strength * v.value**3 - forcing) / scale}

    def exact(self, x):
        return {"u": np.sin(np.pi * x[:, 0]) * np.sin(2 * np.pi * x[:, 1])}
