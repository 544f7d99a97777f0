"""The five-dimensional Poisson problem that natural-gradient papers measure themselves by."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.domains.sequences import fewer
from core.forms import Form, laplacian
from core.problems.base import Problem
from core.problems.boxes import faces


class Poisson5DCosine(Problem):
    """−Δu = π² Σ cos(πx_i) on (0,1)^5, u = Σ cos(πx_i) on the boundary and, so, inside.

    The boundary values have no extension simpler than the solution itself: they are asked for by rows of their own.
    """

    kind: Literal["poisson5d_cosine"] = "poisson5d_cosine"
    boundary_weight: float = Field(
        3.0, gt=0, le=1e6, title="Weight of the boundary", description="Factor of its rows beside the equation's."
    )

    title: ClassVar[str] = "Poisson 5D, boundary values"
    equation: ClassVar[str] = r"-\Delta u = \pi^2 \sum_i \cos \pi x_i,\quad u|_{\partial} = \sum_i \cos \pi x_i"
    source: ClassVar[str] = "Müller and Zeinhofer, ICML 2023 (arXiv 2302.13163)"
    coordinates: ClassVar[tuple[str, ...]] = ("x1", "x2", "x3", "x4", "x5")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("poisson", "boundary")
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(5)}

    def domain(self):
        return ((0.0, 1.0),) * 5

    def collocation(self, unit):
        return {"interior": unit, "boundary": faces(fewer(unit, max(10, len(unit) // 2)), self.domain(), 5)}

    def ansatz(self, raw, x, lam):
        return {"u": raw[0]}

    def residuals(self, points, u, x, lam):
        cosines = sum((s.value * math.pi).cos() for s in x)
        if points == "boundary":
            return {"boundary": self.boundary_weight * (u["u"].value - cosines)}
        return {"poisson": u["u"].second("laplacian") / math.pi**2 + cosines}

    def exact(self, x):
        return {"u": np.cos(np.pi * x).sum(axis=1)}
