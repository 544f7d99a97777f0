"""What is asked of a 3D view, and values as they are coloured: what scenes of grids and of meshes share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

VEIL = 0.4
"""Opacity of an isosurface that has something behind it to show."""


@dataclass(frozen=True)
class SceneRequest:
    """The inputs of the Solution 3D page. Positions along an axis are as drawn (`drawn_axes`)."""

    value: str
    """Key of `SolutionGrid.values`."""
    logarithmic: bool = False
    """Show log10 of the absolute value."""
    time_index: int = 0
    isosurfaces: tuple[float, ...] = ()
    """Levels."""
    slices: tuple[float | None, float | None, float | None] = (None, None, None)
    """Position of the slice plane across each axis."""
    clip_axis: int | None = None
    """Axis across which a part is cut away."""
    clip_at: float = 0.5
    """Position of the cut as a fraction of the grid's extent."""
    keep_upper: bool = True
    """Which side of the cut stays."""
    warp: float = 1.0
    """Height of a surface relative to its natural height, half of the wider side."""


def displayed(values: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Values as coloured: themselves, or log10 of their absolute value; NaN where that is not finite."""
    if logarithmic:
        with np.errstate(divide="ignore"):
            values = np.log10(np.abs(values))
    return np.where(np.isfinite(values), values, np.nan)


def value_range(shown: np.ndarray, logarithmic: bool) -> tuple[float, float]:
    """The range that colours and heights span: of all values; of logarithms without their lowest hundredth.

    Where a field crosses its exact solution the error's logarithm falls without bound, and would leave a single
    colour to all the rest.
    """
    finite = shown[np.isfinite(shown)]
    if not finite.size:
        return 0.0, 1.0
    return float(np.quantile(finite, 0.01) if logarithmic else finite.min()), float(finite.max())


@dataclass(frozen=True)
class Part:
    """A pyvista mesh and how it is to be seen."""

    mesh: object
    opacity: float = 1.0
    shaded: bool = True


def hulls(volume: object, levels: Iterable[float], beside: bool) -> list[Part]:
    """Isosurfaces of a pyvista volume's point data `shown`; `beside`: whether something else is to be seen.

    The innermost is drawn first and solid, so that it is seen through the others.
    """
    found = [volume.contour([level], scalars="shown") for level in levels]
    found = sorted((hull for hull in found if hull.n_cells), key=lambda hull: hull.length)
    return [Part(hull, VEIL if i or beside else 1.0) for i, hull in enumerate(found)]


def slices(volume: object, positions: Iterable[float | None]) -> list[Part]:
    """Planes through a pyvista volume, one across each axis that has a position."""
    found = []
    for axis, position in enumerate(positions):
        if position is not None:
            origin, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
            origin[axis], normal[axis] = position, 1.0
            found.append(Part(volume.slice(normal=normal, origin=origin), shaded=False))
    return found
