"""A solution on a mesh as a scene: its cells with holes and all, of a plane one as a height over it. Imports vtk."""

from __future__ import annotations

import numpy as np

from core.domains.mesh_cells import CORNERS
from core.errors import LabError
from core.solution import lines, plane
from core.solution.drawing import Drawing, Part, SceneRequest, cut_at, inside
from core.solution.on_mesh import SolutionMesh

VTK_TYPES = {(2, 3): 5, (2, 4): 9, (3, 4): 10, (3, 8): 12, (3, 6): 13, (3, 5): 14}
"""Dimension and corners of a cell → VTK's number of its kind."""


def drawing(mesh: SolutionMesh, shown: np.ndarray, request: SceneRequest) -> Drawing:
    """What is to be seen of a solution on a mesh at one moment."""
    volume = _unstructured(mesh, shown)
    vectors = lines.vectors_at(mesh, request.vectors) if request.vectors else None
    if len(mesh.coordinates) == 2:
        return plane.drawing(volume, shown, (list(mesh.axes), mesh.coordinates), request, vectors)
    curves, arrows = [], []
    solid = bool(np.isin(volume.celltypes, [10, 12, 13, 14]).any())
    if solid and vectors is not None:
        curves, arrows = lines.field_lines(volume, vectors, request)
    if request.clip_axis is not None:
        volume = _clipped(mesh, volume, request)
    drawn = inside(volume, shown, request) if solid else [Part(volume.extract_surface(algorithm=None), shaded=False)]
    return Drawing(drawn + arrows, [*curves, *lines.segment(request)], list(mesh.axes), tuple(mesh.coordinates), 1.0)


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
    origin, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    origin[request.clip_axis] = cut_at(mesh.axes[request.clip_axis], request)
    normal[request.clip_axis] = 1.0
    return volume.clip(normal=normal, origin=origin, invert=not request.keep_upper)
