"""Poisson's equation on the unit cube."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.forms import Form, laplacian
from core.problems.poisson import UnitCubePoisson


class Poisson3D(UnitCubePoisson):
    """−Δu = f on (0,1)^3, u = 0 on the boundary."""

    kind: Literal["poisson3d"] = "poisson3d"
    title: ClassVar[str] = "Poisson 3D"
    equation: ClassVar[str] = r"-\Delta u = 3\pi^2 \prod_i \sin \pi x_i \ \text{on}\ (0,1)^3,\quad u|_{\partial} = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(3)}
