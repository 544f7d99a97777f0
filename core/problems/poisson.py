"""Poisson's equation on the unit cube in any dimension; the 2D and 3D problems are two lines each."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from core.problems.base import Problem


class UnitCubePoisson(Problem):
    """−Δu = d π² Π sin(πx_i) on (0,1)^d with u = 0 on the boundary; exact solution u = Π sin(πx_i).

    The ansatz u = Π 4x_i(1−x_i) · N(x) vanishes on the boundary whatever the network says; the residual is
    divided by the forcing's amplitude dπ².
    """

    residual_names: ClassVar[tuple[str, ...]] = ("poisson",)
    linear: ClassVar[bool] = True

    def domain(self):
        return ((0.0, 1.0),) * len(self.coordinates)

    def ansatz(self, raw, x, lam):
        bubble = math.prod((4 * s * (1 - s) for s in x[1:]), start=4 * x[0] * (1 - x[0]))
        return {"u": bubble * raw[0]}

    def residuals(self, points, u, x, lam):
        scale = len(x) * math.pi**2
        forcing = math.prod(((s.value * math.pi).sin() for s in x[1:]), start=(x[0].value * math.pi).sin())
        return {"poisson": u["u"].second("laplacian") / scale + forcing}

    def exact(self, x):
        return {"u": np.prod(np.sin(np.pi * x), axis=1)}
