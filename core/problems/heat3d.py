"""The heat equation on the unit cube."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.forms import Form, laplacian
from core.problems.heat import UnitCubeHeat


class Heat3D(UnitCubeHeat):
    """u_t = κΔu on (0,1)^3 × [0,1]."""

    kind: Literal["heat3d"] = "heat3d"
    title: ClassVar[str] = "Heat 3D"
    equation: ClassVar[str] = r"u_t = \kappa \Delta u,\quad u(x, 0) = \prod_i \sin \pi x_i,\quad u|_{\partial} = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "y", "z", "t")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(3)}
