"""A solution on a mesh as a scene: its cells with holes and all, of a plane one as a height over it. Imports vtk."""

from __future__ import annotations

import numpy as np

from core.domains.mesh_cells import CORNERS
from core.errors import LabError
from core.solution.drawing import Part, SceneRequest, hulls, slices, value_range
from core.solution.on_mesh import SolutionMesh

VTK_TYPES = {(2, 3): 5, (2, 4): 9, (3, 4): 10, (3, 8): 12, (3, 6): 13, (3, 5): 14}
"""Dimension and corners of a cell → VTK's number of its kind."""


def parts(
    mesh: SolutionMesh, shown: np.ndarray, request: SceneRequest
) -> tuple[list[Part], list[np.ndarray], tuple[str, str, str], float]:
    """What is drawn, the box's axes in their own numbers, their titles, and the height of a field's unit."""
    plane = len(mesh.coordinates) == 2
    volume = _unstructured(mesh, shown)
    if request.clip_axis is not None:
        volume = _clipped(mesh, volume, request)
    if plane:
        return _over_plane(mesh, volume, shown, request)
    axes, titles = list(mesh.axes), tuple(mesh.coordinates)
    solid = bool(np.isin(volume.celltypes, [10, 12, 13, 14]).any())
    if not solid or not (request.isosurfaces or any(at is not None for at in request.slices)):
        return [Part(volume.extract_surface(algorithm=None), shaded=False)], axes, titles, 1.0
    planes = slices(volume, request.slices)
    return planes + hulls(volume, request.isosurfaces, bool(planes)), axes, titles, 1.0


def _unstructured(mesh: SolutionMesh, shown: np.ndarray):
    """The cells of the highest dimension, by their corners."""
    import pyvista

    known = [(CORNERS[kind], data) for kind, data in mesh.cells if len(data)]
    top = max(kind[0] for kind, _ in known)
    cells: dict[int, list[np.ndarray]] = {}
    for kind, data in known:
        if kind[0] == top:
            cells.setdefault(VTK_TYPES[kind], []).append(data[:, : kind[1]])
    if not cells:
        raise LabError("The mesh has no cells that can be drawn.")
    points = np.pad(mesh.points_of, ((0, 0), (0, 3 - mesh.points_of.shape[1])))
    found = pyvista.UnstructuredGrid({kind: np.concatenate(data) for kind, data in cells.items()}, points)
    found.point_data["shown"] = shown
    return found


def _clipped(mesh: SolutionMesh, volume, request: SceneRequest):
    axis = mesh.axes[request.clip_axis]
    origin, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    origin[request.clip_axis] = float(axis[0] + np.clip(request.clip_at, 0.01, 0.99) * (axis[-1] - axis[0]))
    normal[request.clip_axis] = 1.0
    return volume.clip(normal=normal, origin=origin, invert=not request.keep_upper)


def _over_plane(mesh: SolutionMesh, volume, shown: np.ndarray, request: SceneRequest):
    """A plane mesh lifted by its values, or left flat where they are all the same or no height is wished."""
    axes = list(mesh.axes)
    low, high = value_range(shown, request.logarithmic)
    extent = max(axis[-1] - axis[0] for axis in axes)
    stretch = request.warp * 0.5 * extent / (high - low) if high > low else 0.0
    values = np.asarray(volume.point_data["shown"])
    lifted = np.asarray(volume.points, float).copy()
    lifted[:, 2] = np.nan_to_num(np.clip(values, low, high), nan=low) * stretch
    volume.points = lifted
    part = Part(volume.extract_surface(algorithm=None), shaded=bool(stretch))
    if not stretch:
        return [part], [*axes, np.zeros(2)], (*mesh.coordinates, ""), 1.0
    title = f"log₁₀ |{request.value}|" if request.logarithmic else request.value
    return [part], [*axes, np.array([low, high])], (*mesh.coordinates, title), stretch
