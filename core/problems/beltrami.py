"""Beltrami flow: an exact unsteady solution of the Navier–Stokes equations in three dimensions."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.domains.sequences import fewer
from core.forms import Form, laplacian
from core.problems.base import Problem
from core.problems.boxes import faces


class Beltrami(Problem):
    """Navier–Stokes with ν = 1 on [−1,1]³ × [0,1], velocities given at t = 0 and on all six faces.

    Exact in closed form (Ethier and Steinman 1994, eq. 18–19). The ansatz takes the initial velocities plus t·N; the
    faces are rows of their own, and so is p at the origin, which fixes the pressure's free constant.
    """

    kind: Literal["beltrami"] = "beltrami"
    a: float = Field(1.0, gt=0, le=3, title="a")
    d: float = Field(1.0, gt=0, le=3, title="d")
    boundary_weight: float = Field(
        3.0, gt=0, le=1e6, title="Weight of the boundary", description="Factor of its rows beside the equations'."
    )

    title: ClassVar[str] = "Navier–Stokes 3D, Beltrami flow"
    equation: ClassVar[str] = r"u_t + u \cdot \nabla u = -\nabla p + \Delta u,\quad \nabla \cdot u = 0"
    source: ClassVar[str] = "Ethier and Steinman, Int. J. Numer. Methods Fluids 19 (1994)"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y", "z", "t")
    fields: ClassVar[tuple[str, ...]] = ("u", "v", "w", "p")
    residual_names: ClassVar[tuple[str, ...]] = (
        *("momentum_x", "momentum_y", "momentum_z", "divergence"),
        *("boundary_u", "boundary_v", "boundary_w", "gauge"),
    )
    time: ClassVar[str | None] = "t"
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(3)}

    def domain(self):
        return ((-1.0, 1.0),) * 3 + ((0.0, 1.0),)

    def collocation(self, unit):
        origin = np.zeros((max(4, round(len(unit) ** 0.5)), 4))
        origin[:, 3] = np.linspace(0, 1, len(origin))
        walls = faces(fewer(unit, max(6, len(unit) // 2)), self.domain(), 3)
        return super().collocation(unit) | {"boundary": walls, "gauge": origin}

    def _velocity(self, x, y, z):
        """The three velocities at t = 0, from anything that has `sin`, `cos` and `exp`; each follows by rotation."""
        a, d = self.a, self.d
        return tuple(
            ((a * p).exp() * (a * q + d * r).sin() + (a * r).exp() * (a * p + d * q).cos()) * -a
            for p, q, r in ((x, y, z), (y, z, x), (z, x, y))
        )

    def ansatz(self, raw, x, lam):
        *space, t = x
        started = zip("uvw", raw, self._velocity(*space), strict=False)
        return {name: t * n + initial for name, n, initial in started} | {"p": raw[3]}

    def residuals(self, points, u, x, lam):
        t = x[3].value
        if points == "boundary":
            walls = self._velocity(*(s.value for s in x[:3]))
            decay = (t * -(self.d**2)).exp()
            return {
                f"boundary_{name}": (u[name].value - wall * decay) * (self.boundary_weight / self._size)
                for name, wall in zip("uvw", walls, strict=True)
            }
        if points == "gauge":
            return {"gauge": (u["p"].value + 1.5 * self.a**2 * (t * (-2 * self.d**2)).exp()) / self._size}
        velocity = [u[name] for name in "uvw"]
        left = (
            v.first(3)
            + sum(c.value * v.first(j) for j, c in enumerate(velocity))
            + u["p"].first(i)
            - v.second("laplacian")
            for i, v in enumerate(velocity)
        )
        divergence = sum(v.first(i) for i, v in enumerate(velocity))
        return {name: row / self._size for name, row in zip(self.residual_names, (*left, divergence), strict=False)}

    @property
    def _size(self) -> float:
        """Largest velocity, about: the scale of all rows."""
        return float(self.a * np.exp(self.a))

    def exact(self, x):
        a, d = self.a, self.d
        *space, t = x.T
        decay = np.exp(-(d**2) * t)
        turns = [(p, q, r) for p, q, r in zip(space, space[1:] + space[:1], space[2:] + space[:2], strict=True)]
        velocity = [
            -a * (np.exp(a * p) * np.sin(a * q + d * r) + np.exp(a * r) * np.cos(a * p + d * q)) * decay
            for p, q, r in turns
        ]
        pressure = sum(
            np.exp(2 * a * p) + 2 * np.sin(a * p + d * q) * np.cos(a * r + d * p) * np.exp(a * (q + r))
            for p, q, r in turns
        )
        return dict(zip("uvw", velocity, strict=True)) | {"p": -(a**2) / 2 * pressure * decay**2}
