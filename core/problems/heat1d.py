"""The heat equation on a rod."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.forms import Form, laplacian
from core.problems.heat import UnitCubeHeat


class Heat1D(UnitCubeHeat):
    """u_t = κΔu on (0,1) × [0,1]."""

    kind: Literal["heat1d"] = "heat1d"
    title: ClassVar[str] = "Heat 1D"
    equation: ClassVar[str] = r"u_t = \kappa \Delta u,\quad u(x, 0) = \prod_i \sin \pi x_i,\quad u|_{\partial} = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x", "t")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(1)}
