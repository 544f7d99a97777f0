"""What of a scene is no surface: contour lines, streamlines, arrows, the line along which values are read. Uses vtk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.solution.drawing import Part, SceneRequest, compact, gapless, value_range
from core.solution.sampled import Sampled

ARROWS = 500
"""Arrows of a scene, about."""
SEEDS = 60
"""Places where streamlines begin."""
LONGEST = 3.0
"""A streamline's length relative to the scene's diagonal, at most."""
LIFT = 0.004
"""How far lines lie above the surface that they belong to, relative to the scene's diagonal; else it hides them."""


@dataclass(frozen=True)
class Lines:
    """Curves, one after the other."""

    vertices: np.ndarray
    """(V, 3), float32 unless that is too coarse."""
    starts: np.ndarray
    """Where in `vertices` each curve begins, (K,) int32."""
    intensity: np.ndarray | None
    """(V,), float32 unless that is too coarse, what colours them; None: the colour of the axes."""
    width: float = 2.0

    def unstretched(self, stretch: float) -> Lines:
        """The same in the numbers of the axes."""
        vertices = compact(self.vertices.astype(np.float64) / (1.0, 1.0, stretch))
        return Lines(vertices, self.starts, self.intensity, self.width)


@dataclass(frozen=True)
class Surface:
    """A plane field as it is drawn, for what lies on it."""

    height: object
    """Points (n, 2) → heights (n,) as drawn."""
    diagonal: float


def contours(mesh: object, shown: np.ndarray, request: SceneRequest, diagonal: float) -> list[Lines]:
    """Contour lines on a drawn pyvista surface with point data `shown`, none where values are missing."""
    low, high = value_range(shown, request.logarithmic)
    if not request.contours or not low < high or not mesh.n_points:
        return []
    mesh = gapless(mesh.triangulate())
    if not mesh.n_cells:
        return []
    levels = low + (high - low) * (np.arange(request.contours) + 0.5) / request.contours
    found = mesh.contour(levels, scalars="shown")
    return _of(found.strip(), None, 1.5, LIFT * diagonal) if found.n_cells else []


def field_lines(volume: object, vectors: np.ndarray, request: SceneRequest) -> tuple[list[Lines], list[Part]]:
    """Streamlines and arrows of vectors (n, 3) at a pyvista dataset's points, coloured by its `shown`."""
    import pyvista

    if not (request.arrows or request.streamlines):
        return [], []
    volume = volume.copy(deep=False)
    volume.point_data["along"] = np.where(np.isfinite(vectors), vectors, 0.0)
    shown = np.asarray(volume.point_data["shown"])
    volume.point_data["shown"] = np.where(np.isfinite(shown), shown, 0.0)
    lines: list[Lines] = []
    arrows: list[Part] = []
    size = np.linalg.norm(volume.point_data["along"], axis=1)
    if not size.max() > 0:
        return [], []
    if request.streamlines:
        few = _spread(volume, SEEDS)
        flow = volume.streamlines_from_source(
            pyvista.PolyData(few), vectors="along", integration_direction="both",
            max_length=LONGEST * volume.length, initial_step_length=0.2, max_steps=800,
        )  # fmt: skip
        lines = _of(flow, "shown", 2.5, 0.0) if flow.n_cells else []
    if request.arrows:
        at = pyvista.PolyData(_spread(volume, ARROWS)).sample(volume)
        at.point_data["long"] = np.linalg.norm(at.point_data["along"], axis=1) / size.max()
        spacing = volume.length / ARROWS ** (1 / (3 if np.ptp(volume.points[:, 2]) > 0 else 2))
        shape = pyvista.Arrow(tip_resolution=8, shaft_resolution=5, tip_length=0.35, tip_radius=0.13, shaft_radius=0.05)
        drawn = at.glyph(orient="along", scale="long", factor=1.1 * spacing, geom=shape)
        arrows = [Part(drawn)] if drawn.n_cells else []
    return lines, arrows


def segment(request: SceneRequest, lift: Surface | None = None) -> list[Lines]:
    """The line between two points, above the surface where there is one."""
    if request.segment is None:
        return []
    ends = np.array([np.pad(np.asarray(end, float), (0, 3 - len(end))) for end in request.segment])
    share = np.linspace(0, 1, 65)[:, None]
    points = ends[0] + share * (ends[1] - ends[0])
    if lift is not None:
        points[:, 2] = lift.height(points[:, :2]) + 2 * LIFT * lift.diagonal
    return [Lines(compact(points), np.zeros(1, np.int32), None, 6.0)]


def on_surface(lines: list[Lines], surface: Surface) -> list[Lines]:
    """Lines in the plane lifted onto a drawn surface; not in its colours, in which nobody would see them."""
    found = []
    for each in lines:
        points = each.vertices.astype(np.float64)
        points[:, 2] = surface.height(points[:, :2]) + LIFT * surface.diagonal
        found.append(Lines(compact(points), each.starts, None, each.width))
    return found


def vectors_at(grid: Sampled, names: tuple[str, ...]) -> np.ndarray:
    """The components of a vector at a grid's points, (n, 3), those that are not there 0; n as vtk orders a grid's."""
    order = "F" if hasattr(grid, "uniform") else "C"
    parts = [np.asarray(grid.values[name]).ravel(order=order) for name in names]
    return np.column_stack([*parts, *[np.zeros_like(parts[0])] * (3 - len(parts))])


def _spread(volume: object, count: int) -> np.ndarray:
    """Points (count, 3) all over a dataset's box, evenly but in no rows that the eye would see."""
    ends = np.array(volume.bounds).reshape(3, 2)
    flat = np.ptp(ends[2]) == 0
    ratio = [0.7548776662466927, 0.5698402909980532] if flat else [0.8191725133961645, 0.6710436067037893,
                                                                   0.5497004779019703]  # fmt: skip
    unit = np.outer(np.arange(1, count + 1), ratio) % 1  # Roberts' sequence
    points = np.tile(ends.mean(axis=1), (count, 1))
    points[:, : len(ratio)] = ends[: len(ratio), 0] + (0.02 + 0.96 * unit) * np.ptp(ends, axis=1)[: len(ratio)]
    return points


def _of(polydata: object, scalars: str | None, width: float, lift: float) -> list[Lines]:
    cells = np.asarray(polydata.lines)
    order, starts, at, count = [], [], 0, 0
    while at < len(cells):
        n = int(cells[at])
        if n > 1:
            starts.append(count)
            order.append(cells[at + 1 : at + 1 + n])
            count += n
        at += n + 1
    if not order:
        return []
    chosen = np.concatenate(order)
    points = np.asarray(polydata.points, dtype=np.float64)[chosen]
    points[:, 2] += lift
    intensity = None if scalars is None else compact(np.asarray(polydata.point_data[scalars])[chosen])
    return [Lines(compact(points), np.array(starts, np.int32), intensity, width)]
