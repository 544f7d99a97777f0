"""What a 3D view shows, as plain arrays: pyvista's filters applied, triangles thinned to what a browser can turn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.domains.mesh_cells import CORNERS
from core.solution import lines, mesh_scene, plane
from core.solution.drawing import Drawing, Part, SceneRequest, compact, cut_at, displayed, gapless, inside
from core.solution.grid import SolutionGrid
from core.solution.lines import Lines
from core.solution.on_mesh import SolutionMesh, read_sampled

TRIANGLES = 50_000
"""Most triangles of a scene; beyond it they are decimated and the page says so."""

RIBBON = 0.35
"""Width of the ribbon that a field of one coordinate is extruded to, relative to its length."""


@dataclass(frozen=True)
class Triangles:
    """One surface."""

    vertices: np.ndarray
    """(V, 3), float32 unless that is too coarse."""
    faces: np.ndarray
    """(F, 3) int32."""
    intensity: np.ndarray
    """(V,), float32 unless that is too coarse, finite: what colours it."""
    opacity: float = 1.0
    shaded: bool = True
    """Whether light and shadow help; on a flat slice they would falsify the colours."""


@dataclass(frozen=True)
class Scene:
    """Surfaces with the box around them, in the numbers of their axes."""

    surfaces: tuple[Triangles, ...]
    bounds: tuple[float, float, float, float, float, float]
    axis_titles: tuple[str, str, str]
    """Empty for an axis that means nothing, such as a ribbon's width."""
    stretch: float
    """Factor by which the third axis is drawn longer than its numbers: a field is no length."""
    shown: int
    """Triangles in the scene."""
    total: int
    """Triangles before thinning."""
    lines: tuple[Lines, ...] = ()


def build_scene(path: Path, request: SceneRequest) -> Scene:
    """The scene for a sampled grid's file. Imports vtk; needs neither GL nor a screen."""
    return scene_of(at_moment(read_sampled(path), request.time_index), request)


def scene_of(grid: SolutionGrid | SolutionMesh, request: SceneRequest) -> Scene:
    """The scene of what was sampled, at one moment."""
    shown = displayed(grid.values[request.value], request.logarithmic)
    if isinstance(grid, SolutionMesh):
        drawing = mesh_scene.drawing(grid, shown, request)
    elif len(grid.axes) == 3:
        drawing = _volume(grid, shown, request)
    else:
        drawing = _surface(grid, shown, request)
    parts = [Part(gapless(part.mesh.triangulate()), part.opacity, part.shaded) for part in drawing.parts]
    parts = [part for part in parts if part.mesh.n_cells]
    total = sum(part.mesh.n_cells for part in parts)
    if total > TRIANGLES:
        share = 1 - TRIANGLES / total
        parts = [
            Part(part.mesh.decimate_pro(share, preserve_topology=True), part.opacity, part.shaded) for part in parts
        ]
    surfaces = tuple(_triangles(part, drawing.stretch) for part in parts)
    lines = tuple(each.unstretched(drawing.stretch) for each in drawing.lines)
    bounds = tuple(float(end) for axis in drawing.box for end in (axis[0], axis[-1]))
    count = sum(len(s.faces) for s in surfaces)
    return Scene(surfaces, bounds, drawing.titles, drawing.stretch, count, total, lines)


def at_moment(grid: SolutionGrid | SolutionMesh, time_index: int) -> SolutionGrid | SolutionMesh:
    """What is drawn: a mesh, or a grid with more than two coordinates of which one is time, at one moment."""
    return grid if moments(grid) is None else grid.at_time(time_index)


def has_inside(grid: SolutionGrid | SolutionMesh) -> bool:
    """Whether there is something in space to be cut open: a grid of three axes, a mesh with volumes."""
    if isinstance(grid, SolutionMesh):
        return any(CORNERS[kind][0] == 3 for kind, _ in grid.cells)
    return len(grid.axes) == 3


def moments(grid: SolutionGrid | SolutionMesh) -> np.ndarray | None:
    """The moments of which one is drawn at a time; None where all is drawn at once."""
    if isinstance(grid, SolutionMesh):
        return grid.times
    in_time = grid.time is not None and len(grid.axes) > 2
    return grid.axes[grid.coordinates.index(grid.time)] if in_time else None


def drawn_axes(grid: SolutionGrid | SolutionMesh) -> list[np.ndarray]:
    """Axes as drawn: one that spans decades (a profile's y) is drawn as asinh."""
    return [axis if is_even(axis) else np.arcsinh(axis) for axis in grid.axes]


def is_even(axis: np.ndarray) -> bool:
    """Whether an axis is drawn as it is."""
    return np.diff(axis).max() < 50 * np.diff(axis).min()


def _titles(grid: SolutionGrid) -> list[str]:
    pairs = zip(grid.coordinates, grid.axes, strict=True)
    return [name if is_even(axis) else f"asinh {name}" for name, axis in pairs]


def _volume(grid: SolutionGrid, shown: np.ndarray, request: SceneRequest) -> Drawing:
    import pyvista

    axes = drawn_axes(grid)
    if request.clip_axis is not None:
        axes, shown = _cropped(axes, shown, request)
    volume = pyvista.RectilinearGrid(*axes)
    volume.point_data["shown"] = shown.ravel(order="F")
    curves, arrows = [], []
    if request.vectors:
        whole = pyvista.RectilinearGrid(*drawn_axes(grid))
        whole.point_data["shown"] = displayed(grid.values[request.value], request.logarithmic).ravel(order="F")
        curves, arrows = lines.field_lines(whole, lines.vectors_at(grid, request.vectors), request)
    drawn = [*curves, *lines.segment(request)]
    return Drawing(inside(volume, shown, request) + arrows, drawn, drawn_axes(grid), tuple(_titles(grid)), 1.0)


def _cropped(axes: list[np.ndarray], shown: np.ndarray, request: SceneRequest) -> tuple[list[np.ndarray], np.ndarray]:
    """The part of a volume on one side of a plane across an axis, values on the plane interpolated linearly.

    A cropped grid has a filled cut, which a clipped surface has not.
    """
    k, axis = request.clip_axis, axes[request.clip_axis]
    cut = cut_at(axis, request)
    i = int(np.searchsorted(axis, cut)) - 1
    weight = (cut - axis[i]) / (axis[i + 1] - axis[i])
    plane = (1 - weight) * np.take(shown, [i], axis=k) + weight * np.take(shown, [i + 1], axis=k)
    if request.keep_upper:
        rest = slice(int(np.searchsorted(axis, cut, side="right")), None)
        axis, pieces = np.append(cut, axis[rest]), (plane, np.moveaxis(np.moveaxis(shown, k, 0)[rest], 0, k))
    else:
        rest = slice(int(np.searchsorted(axis, cut)))
        axis, pieces = np.append(axis[rest], cut), (np.moveaxis(np.moveaxis(shown, k, 0)[rest], 0, k), plane)
    return [axis if j == k else other for j, other in enumerate(axes)], np.concatenate(pieces, axis=k)


def _surface(grid: SolutionGrid, shown: np.ndarray, request: SceneRequest) -> Drawing:
    """A field of two coordinates as a height over their plane; of one, extruded to a ribbon."""
    import pyvista

    axes, titles = drawn_axes(grid), _titles(grid)
    if len(axes) == 1:
        span = axes[0][-1] - axes[0][0]
        axes = [axes[0], np.linspace(0, RIBBON * span, 12)]
        shown = np.repeat(shown[:, None], 12, axis=1)
        titles = [*titles, ""]
    x, y = np.meshgrid(*axes, indexing="ij")
    flat = pyvista.StructuredGrid(x[..., None], y[..., None], np.zeros_like(x)[..., None])
    flat.point_data["shown"] = shown.ravel(order="F")
    vectors = lines.vectors_at(grid, request.vectors) if request.vectors else None
    return plane.drawing(flat, shown, (axes, tuple(titles[:2])), request, vectors)


def _triangles(part: Part, stretch: float) -> Triangles:
    mesh = part.mesh
    return Triangles(
        vertices=compact(np.asarray(mesh.points, dtype=np.float64) / (1.0, 1.0, stretch)),
        faces=mesh.faces.reshape(-1, 4)[:, 1:].astype(np.int32),
        intensity=compact(np.asarray(mesh.point_data["shown"])),
        opacity=part.opacity,
        shaded=part.shaded,
    )
