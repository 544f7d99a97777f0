"""The wave equation with two modes of very different frequency."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from core.forms import Form
from core.problems.base import Problem

SPEED = 2.0


class Wave(Problem):
    """u_tt = 4u_xx on [0,1]², u(x,0) = sin πx + ½ sin 4πx, u_t(x,0) = 0, u = 0 at both ends.

    Exact solution u = sin(πx)cos(2πt) + ½ sin(4πx)cos(8πt). The ansatz u = u(x,0) + t²·4x(1−x)N meets all conditions;
    the residual is divided by ½(8π)², the size of u_tt.
    """

    kind: Literal["wave"] = "wave"
    title: ClassVar[str] = "Wave"
    equation: ClassVar[str] = (
        r"u_{tt} = 4 u_{xx},\quad u(x, 0) = \sin \pi x + \tfrac12 \sin 4\pi x,"
        r"\quad u_t(x, 0) = 0,\quad u|_{\partial} = 0"
    )
    source: ClassVar[str] = "Wang, Yu, Perdikaris, J. Comput. Phys. 449 (2022)"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "t")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    residual_names: ClassVar[tuple[str, ...]] = ("wave",)
    linear: ClassVar[bool] = True
    time: ClassVar[str | None] = "t"
    forms: ClassVar[dict[str, Form]] = {"wave": ((0, 0, -(SPEED**2)), (1, 1, 1.0))}

    def domain(self):
        return ((0.0, 1.0), (0.0, 1.0))

    def ansatz(self, raw, x, lam):
        s, t = x
        initial = (s * math.pi).sin() + (s * (4 * math.pi)).sin() * 0.5
        return {"u": t * t * (4 * s * (1 - s)) * raw[0] + initial}

    def residuals(self, points, u, x, lam):
        return {"wave": u["u"].second("wave") / (0.5 * (8 * math.pi) ** 2)}

    def exact(self, x):
        s, t = np.pi * x.T
        return {"u": np.sin(s) * np.cos(2 * t) + 0.5 * np.sin(4 * s) * np.cos(8 * t)}
