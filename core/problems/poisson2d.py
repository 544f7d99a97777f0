"""Poisson's equation on the unit square."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.forms import Form, laplacian
from core.problems.poisson import UnitCubePoisson


class Poisson2D(UnitCubePoisson):
    """−Δu = f on (0,1)^2, u = 0 on the boundary."""

    kind: Literal["poisson2d"] = "poisson2d"
    title: ClassVar[str] = "Poisson 2D"
    equation: ClassVar[str] = r"-\Delta u = 2\pi^2 \prod_i \sin \pi x_i \ \text{on}\ (0,1)^2,\quad u|_{\partial} = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(2)}
