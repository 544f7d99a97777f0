"""What is asked of a 3D view, and values as they are coloured: what scenes of grids and of meshes share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

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
    free_slice: tuple[float, float, float] | None = None
    """A slice across any direction: its azimuth and elevation in degrees, its place as a fraction of the extent."""
    threshold: tuple[float, float] | None = None
    """Only where the value lies between these, ends included."""
    volume: bool = False
    """Shells from low to high, all seen through."""
    contours: int = 0
    """Contour lines of a field of two coordinates."""
    vectors: tuple[str, ...] = ()
    """Values that are the components of what arrows or streamlines follow."""
    arrows: bool = False
    streamlines: bool = False
    segment: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Two points whose connection is drawn."""


def displayed(values: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Values as coloured: themselves, or log10 of their absolute value; NaN where that is not finite."""
    if logarithmic:
        with np.errstate(divide="ignore"):
            values = np.log10(np.abs(values))
    return np.where(np.isfinite(values), values, np.nan)


ROUNDING = 1e-12
"""Values whose spread is less than this of their size are one and the same: a network's rounding is some 1e-14."""


def value_range(shown: np.ndarray, logarithmic: bool) -> tuple[float, float]:
    """The range that colours and heights span: of all values; of logarithms without their lowest hundredth.

    Where a field crosses its exact solution the error's logarithm falls without bound, and would leave a single
    colour to all the rest. Both ends are the same where values differ by no more than their rounding: drawn over all of
    a height or a colour bar that would look like a field.
    """
    finite = shown[np.isfinite(shown)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(np.quantile(finite, 0.01) if logarithmic else finite.min()), float(finite.max())
    return (low, high) if high - low > ROUNDING * max(abs(low), abs(high)) else (low / 2 + high / 2,) * 2


TOLD_APART = 1e-3
"""Two values are one to the eye where they differ by less than this of all that is drawn."""


def compact(values: np.ndarray) -> np.ndarray:
    """Finite numbers (n, …) in float32 where that tells apart what the eye does, column by column, else as they are.

    It doesn't for those beyond its range, such as 1e300, below it, and for little on top of much.
    """
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not values.size:
        return single
    spread = np.ptp(values, axis=0)
    spread = np.where(spread > 0, spread, np.abs(values).max(axis=0))
    return single if np.all(np.abs(single - values).max(axis=0) <= TOLD_APART * spread) else values


def gapless(mesh: object):
    """Triangles of a pyvista mesh without those that touch a value which is not finite: there is nothing to draw."""
    import pyvista

    good = np.isfinite(mesh.point_data["shown"]) & np.isfinite(mesh.points).all(axis=1) if mesh.n_points else []
    if np.all(good):
        return mesh
    faces = mesh.faces.reshape(-1, 4)
    kept = pyvista.PolyData(mesh.points, faces[good[faces[:, 1:]].all(axis=1)].ravel())
    kept.point_data["shown"] = mesh.point_data["shown"]
    return kept.clean() if kept.n_cells else pyvista.PolyData()


@dataclass(frozen=True)
class Part:
    """A pyvista mesh and how it is to be seen."""

    mesh: object
    opacity: float = 1.0
    shaded: bool = True


@dataclass(frozen=True)
class Drawing:
    """What is to be seen, before it is thinned to plain arrays."""

    parts: list[Part]
    lines: list
    """Of `core.solution.lines.Lines`, as drawn."""
    box: list[np.ndarray]
    """The three axes in their own numbers."""
    titles: tuple[str, str, str]
    stretch: float
    """Height of a field's unit."""


def cut_at(axis: np.ndarray, request: SceneRequest) -> float:
    """Where a clip crosses an axis; a sliver always stays, so that a scene is never empty."""
    return float(axis[0] + np.clip(request.clip_at, 0.01, 0.99) * (axis[-1] - axis[0]))


SHELLS = 10
"""Surfaces that a volume is drawn by."""
THINNEST, DENSEST = 0.03, 0.48
"""Opacity of the shells, of the lowest and of the highest values; in the middle lies what is small where zero does.

The dense ones are few: each veils what lies inside of it, and the inmost has to keep its colour."""


def inside(volume: object, shown: np.ndarray, request: SceneRequest) -> list[Part]:
    """What is asked for of a pyvista volume with point data `shown`; its whole surface where nothing is.

    Of a constant there are slices, but nothing that lies at a value.
    """
    low, high = value_range(shown, request.logarithmic)
    if not low < high:
        request = replace(request, isosurfaces=(), threshold=None, volume=False)
    found = slices(volume, request.slices)
    if request.free_slice is not None:
        found.append(free_slice(volume, request.free_slice))
    if request.threshold is not None:
        found += between(volume, request.threshold)
    found += hulls(volume, request.isosurfaces, bool(found))
    if request.volume:
        found += shells(volume, (low, high))
    lines = request.arrows or request.streamlines or request.segment is not None
    asked = request.isosurfaces or request.volume or request.threshold or request.free_slice
    if not asked and not any(at is not None for at in request.slices):
        return [Part(volume.extract_surface(algorithm=None), VEIL / 2 if lines else 1.0, shaded=False)]
    return found


def between(volume: object, limits: tuple[float, float]) -> list[Part]:
    """The part of a pyvista volume where the value lies between two, cut through its cells; none where it is empty."""
    kept = volume
    for limit, below in zip(limits, (False, True), strict=True):
        if kept.n_cells:
            kept = kept.clip_scalar(scalars="shown", value=limit, invert=below)
    return [Part(kept.extract_surface(algorithm=None))] if kept.n_cells else []


def shells(volume: object, limits: tuple[float, float]) -> list[Part]:
    """A volume as surfaces of equal value, the denser the further from the middle of what is small."""
    low, high = limits
    levels = low + (high - low) * (np.arange(SHELLS) + 0.5) / SHELLS
    far = np.abs(levels) if low < 0 < high else levels - low
    opacities = THINNEST + (DENSEST - THINNEST) * (far / max(far.max(), 1e-300)) ** 3
    found = [(volume.contour([level], scalars="shown"), opacity)
             for level, opacity in zip(levels, opacities, strict=True)]  # fmt: skip
    found.sort(key=lambda pair: pair[0].length if pair[0].n_cells else 0.0)
    return [Part(hull, float(opacity)) for hull, opacity in found if hull.n_cells]


def free_slice(volume: object, plane: tuple[float, float, float]) -> Part:
    """A plane through a pyvista volume across a direction; places 0 and 1 are the volume's first and last points."""
    azimuth, elevation = np.deg2rad(plane[:2])
    normal = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    ends = np.array(volume.bounds).reshape(3, 2)
    centre, reach = ends.mean(axis=1), float(np.abs(normal) @ np.ptp(ends, axis=1)) / 2
    origin = centre + normal * reach * (2 * np.clip(plane[2], 1e-6, 1 - 1e-6) - 1)
    return Part(volume.slice(normal=normal, origin=origin), shaded=False)


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
