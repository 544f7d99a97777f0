"""The heat equation on the unit square."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.forms import Form, laplacian
from core.problems.heat import UnitCubeHeat


class Heat2D(UnitCubeHeat):
    """u_t = κΔu on (0,1)^2 × [0,1]."""

    kind: Literal["heat2d"] = "heat2d"
    title: ClassVar[str] = "Heat 2D"
    equation: ClassVar[str] = r"u_t = \kappa \Delta u,\quad u(x, 0) = \prod_i \sin \pi x_i,\quad u|_{\partial} = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y", "t")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(2)}
