"""What a 3D view shows, as plain arrays: pyvista's filters applied, triangles thinned to what a browser can turn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from core.solution.grid import SolutionGrid

TRIANGLES = 50_000
"""Most triangles of a scene; beyond it they are decimated and the page says so."""

RIBBON = 0.35
"""Width of the ribbon that a field of one coordinate is extruded to, relative to its length."""


@dataclass(frozen=True)
class SceneRequest:
    """The inputs of the Solution 3D page."""

    value: str
    """Key of `SolutionGrid.values`."""
    logarithmic: bool = False
    """Colour by log10 of the absolute value."""
    time_index: int = 0
    isosurfaces: tuple[float, ...] = ()
    """Levels."""
    slices: tuple[float | None, float | None, float | None] = (None, None, None)
    """Position of the slice plane across each axis."""
    clip_axis: Literal["none", "x", "y", "z"] = "none"
    clip_at: float = 0.5
    """Position of the clip plane as a fraction of the extent; the lower side is cut away."""
    warp: float = 1.0
    """Height of a surface relative to its natural height, half of the wider side."""


@dataclass(frozen=True)
class Triangles:
    """One surface."""

    vertices: np.ndarray
    """(V, 3) float32."""
    faces: np.ndarray
    """(F, 3) int32."""
    intensity: np.ndarray
    """(V,) float32: what colours it."""
    opacity: float = 1.0


@dataclass(frozen=True)
class Scene:
    """Surfaces with the box around them."""

    surfaces: tuple[Triangles, ...]
    bounds: tuple[float, float, float, float, float, float]
    axis_titles: tuple[str, str, str]
    shown: int
    """Triangles in the scene."""
    total: int
    """Triangles before thinning."""
    value_range: tuple[float, float]
    """Of the finite values over the whole grid."""


def build_scene(path: Path, request: SceneRequest) -> Scene:
    """The scene for a sampled grid's file. Imports vtk; needs neither GL nor a screen."""
    grid = SolutionGrid.read(path)
    if grid.time is not None and len(grid.axes) > 2:
        grid = grid.at_time(request.time_index)
    shown = displayed(grid.values[request.value], request.logarithmic)
    finite = shown[np.isfinite(shown)]
    limits = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    meshes, titles = _volume(grid, shown, request) if len(grid.axes) == 3 else _surface(grid, shown, request)
    meshes = [_clipped(mesh, request) for mesh in meshes]
    meshes = [mesh for mesh in (m.extract_surface(algorithm=None).triangulate() for m in meshes) if mesh.n_cells]
    total = sum(mesh.n_cells for mesh in meshes)
    if total > TRIANGLES:
        meshes = [mesh.decimate_pro(1 - TRIANGLES / total, preserve_topology=True) for mesh in meshes]
    surfaces = tuple(_triangles(mesh) for mesh in meshes)
    return Scene(surfaces, _bounds(grid, surfaces), titles, sum(len(s.faces) for s in surfaces), total, limits)


def _bounds(grid: SolutionGrid, surfaces: tuple[Triangles, ...]) -> tuple[float, ...]:
    """The box of the whole grid, not only of what a clip left; a surface's height is as drawn."""
    axes = _display_axes(grid)
    box = [bound for axis in axes for bound in (float(axis[0]), float(axis[-1]))]
    if len(axes) == 1:
        box += [0.0, RIBBON * (box[1] - box[0])]
    if len(axes) < 3:
        heights = np.concatenate([s.vertices[:, 2] for s in surfaces]) if surfaces else np.zeros(1)
        box += [float(heights.min()), float(heights.max())]
    return tuple(box)


def displayed(values: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Values as coloured: themselves, or log10 of their absolute value with zeros as NaN."""
    if not logarithmic:
        return values
    with np.errstate(divide="ignore"):
        logs = np.log10(np.abs(values))
    return np.where(np.isfinite(logs), logs, np.nan)


def _display_axes(grid: SolutionGrid) -> list[np.ndarray]:
    """Axes as drawn: one that spans decades (a profile's y) is drawn as asinh."""
    return [axis if _even(axis) else np.arcsinh(axis) for axis in grid.axes]


def _even(axis: np.ndarray) -> bool:
    return np.diff(axis).max() < 50 * np.diff(axis).min()


def _titles(grid: SolutionGrid) -> list[str]:
    pairs = zip(grid.coordinates, grid.axes, strict=True)
    return [name if _even(axis) else f"asinh {name}" for name, axis in pairs]


def _volume(grid: SolutionGrid, shown: np.ndarray, request: SceneRequest):
    import pyvista

    volume = pyvista.RectilinearGrid(*_display_axes(grid))
    volume.point_data["shown"] = shown.ravel(order="F")
    meshes = []
    if request.isosurfaces:
        meshes.append(volume.contour(list(request.isosurfaces), scalars="shown"))
    for axis, position in enumerate(request.slices):
        if position is not None:
            origin, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
            origin[axis], normal[axis] = position, 1.0
            meshes.append(volume.slice(normal=normal, origin=origin))
    if not meshes:
        meshes.append(volume.extract_surface(algorithm=None))
    return meshes, tuple(_titles(grid))


def _surface(grid: SolutionGrid, shown: np.ndarray, request: SceneRequest):
    """A field of two coordinates as a height over their plane; of one, extruded to a ribbon."""
    import pyvista

    axes, titles = _display_axes(grid), _titles(grid)
    if len(axes) == 1:
        span = axes[0][-1] - axes[0][0]
        axes = [axes[0], np.linspace(0, RIBBON * span, 12)]
        shown = np.repeat(shown[:, None], 12, axis=1)
        titles = [*titles, ""]
    finite = np.where(np.isfinite(shown), shown, np.nan)
    extent = max(axis[-1] - axis[0] for axis in axes)
    spread = np.nanmax(finite) - np.nanmin(finite) if np.isfinite(finite).any() else 0.0
    height = np.nan_to_num(finite, nan=0.0) * (request.warp * 0.5 * extent / spread if spread > 0 else 0.0)
    x, y = np.meshgrid(*axes, indexing="ij")
    surface = pyvista.StructuredGrid(x[..., None], y[..., None], height[..., None])
    surface.point_data["shown"] = shown.ravel(order="F")
    return [surface], (*titles, request.value)


def _clipped(mesh, request: SceneRequest):
    if request.clip_axis == "none" or not mesh.n_cells:
        return mesh
    axis = "xyz".index(request.clip_axis)
    low, high = mesh.bounds[2 * axis], mesh.bounds[2 * axis + 1]
    origin, normal = list(mesh.center), [0.0, 0.0, 0.0]
    origin[axis], normal[axis] = low + request.clip_at * (high - low), 1.0
    return mesh.clip(normal=normal, origin=origin, invert=False)


def _triangles(mesh) -> Triangles:
    return Triangles(
        vertices=np.asarray(mesh.points, dtype=np.float32),
        faces=mesh.faces.reshape(-1, 4)[:, 1:].astype(np.int32),
        intensity=np.asarray(mesh.point_data["shown"], dtype=np.float32),
    )
