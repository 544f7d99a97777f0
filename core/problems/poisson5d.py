"""Poisson's equation on the five-dimensional unit cube."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.forms import Form, laplacian
from core.problems.poisson import UnitCubePoisson


class Poisson5D(UnitCubePoisson):
    """−Δu = f on (0,1)^5, u = 0 on the boundary."""

    kind: Literal["poisson5d"] = "poisson5d"
    title: ClassVar[str] = "Poisson 5D"
    equation: ClassVar[str] = r"-\Delta u = 5\pi^2 \prod_i \sin \pi x_i \ \text{on}\ (0,1)^5,\quad u|_{\partial} = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x1", "x2", "x3", "x4", "x5")
    fields: ClassVar[tuple[str, ...]] = ("u",)
    forms: ClassVar[dict[str, Form]] = {"laplacian": laplacian(5)}
