"""A field over a plane as a scene: lifted by its values, with contour lines and what follows vectors. Imports vtk."""

from __future__ import annotations

import numpy as np

from core.solution import lines
from core.solution.drawing import Drawing, Part, SceneRequest, cut_at, value_range


def drawing(
    flat: object,
    shown: np.ndarray,
    axes: tuple[list[np.ndarray], tuple[str, str]],
    request: SceneRequest,
    vectors: np.ndarray | None,
) -> Drawing:
    """A height over the plane, or the plane itself where all values are the same or no height is wished.

    Args:
        flat: a pyvista dataset in the plane z = 0 with point data `shown`.
        shown: the values that heights and colours span, however ordered.
        axes: the two axes as drawn and their titles.
        request: what is to be seen.
        vectors: (n, 3) at the points of `flat`, for arrows and streamlines.
    """
    (first, second), titles = axes
    low, high = value_range(shown, request.logarithmic)
    extent = max(axis[-1] - axis[0] for axis in (first, second))
    stretch = request.warp * 0.5 * extent / (high - low) if high > low else 0.0
    heights = np.nan_to_num(np.clip(np.asarray(flat.point_data["shown"]), low, high), nan=low) * stretch
    diagonal = float(np.hypot(np.ptp(first), np.ptp(second)))
    surface = lines.Surface(_interpolated(flat, heights), diagonal)
    raised = flat.copy()
    points = np.array(flat.points, dtype=np.float64)
    points[:, 2] = heights
    raised.points = points
    mesh = raised.extract_surface(algorithm=None)
    if request.clip_axis is not None:
        origin, normal = list(mesh.center), [0.0, 0.0, 0.0]
        origin[request.clip_axis] = cut_at((first, second)[request.clip_axis], request)
        normal[request.clip_axis] = 1.0
        mesh = mesh.clip(normal=normal, origin=origin, invert=not request.keep_upper)
    curves = lines.contours(mesh, shown, request, diagonal)
    parts = [Part(mesh, shaded=bool(stretch))]
    if vectors is not None:
        flow, arrows = lines.field_lines(flat, vectors, request)
        curves += lines.on_surface(flow, surface)
        parts += [_lifted(arrow, surface) for arrow in arrows]
    curves += lines.segment(request, surface)
    if not stretch:
        return Drawing(parts, curves, [first, second, np.zeros(2)], (*titles, ""), 1.0)
    title = f"log₁₀ |{request.value}|" if request.logarithmic else request.value
    return Drawing(parts, curves, [first, second, np.array([low, high])], (*titles, title), stretch)


def _interpolated(flat: object, heights: np.ndarray):
    import pyvista

    known = flat.copy(deep=False)
    known.point_data["height"] = heights

    def height(points: np.ndarray) -> np.ndarray:
        if not heights.any():
            return np.zeros(len(points))
        flattened = np.column_stack([points, np.zeros(len(points))])
        found = pyvista.PolyData(flattened).sample(known)
        lifted = np.array(found.point_data["height"])
        outside = np.flatnonzero(np.asarray(found.point_data["vtkValidPointMask"]) == 0)
        lifted[outside] = heights[[known.find_closest_point(point) for point in flattened[outside]]]
        return lifted

    return height


def _lifted(arrow: Part, surface: lines.Surface) -> Part:
    mesh = arrow.mesh.copy()
    points = np.array(mesh.points, dtype=np.float64)
    points[:, 2] += surface.height(points[:, :2]) + 2 * lines.LIFT * surface.diagonal
    mesh.points = points
    return Part(mesh, shaded=False)
