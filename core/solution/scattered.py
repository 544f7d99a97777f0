"""Values at scattered points as a VTK file, of whatever program they are: `core.solution.export_to_vtk`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.files import written_beside
from core.names import legacy_vtk_names, xml_names

SUFFIXES = ("vtu", "vtk", "vtp")


def export_to_vtk(
    filename: str | Path,
    coords: np.ndarray,
    u: np.ndarray | Mapping[str, np.ndarray],
    *,
    cells: str = "points",
    name: str = "u",
) -> Path:
    """Write values at scattered points for ParaView.

    Args:
        filename: ends in .vtu, .vtk (legacy) or .vtp; without a suffix .vtu is added.
        coords: points (N, d), one to three coordinates.
        u: values (N,), vectors (N, k), or several of them by their names.
        cells: `points` for a vertex at each point; `delaunay` for triangles or tetrahedra between them, so that
            ParaView can draw surfaces and cut.
        name: of the values, where `u` is an array.

    Returns:
        The file.

    Raises:
        LabError: coordinates or values that don't fit, points that no cells can be made of, a file that can't be
            written; there is no file then.
    """
    path = Path(filename)
    path = path if path.suffix else path.with_suffix(".vtu")
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in SUFFIXES:
        raise LabError(f"{path.name} can't be written; the formats are {', '.join('.' + each for each in SUFFIXES)}.")
    points = _points(coords)
    values = {key: _values(key, given, len(points)) for key, given in (
        u.items() if isinstance(u, Mapping) else [(name, u)])}  # fmt: skip
    mesh = _with_cells(points, np.asarray(coords).reshape(len(points), -1).shape[1], cells, suffix)
    spelled = (legacy_vtk_names if suffix == "vtk" else xml_names)(values)
    for key, value in values.items():
        mesh.point_data[spelled[key]] = value
    try:
        with written_beside(path) as temporary:
            mesh.save(temporary)
            if not temporary.exists():  # VTK says what the disk said on its own stream alone
                raise OSError(0, "VTK wrote nothing; the disk may be full")
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error
    return path


def _points(coords: np.ndarray) -> np.ndarray:
    """(N, 3), missing coordinates zero."""
    points = np.asarray(coords, dtype=np.float64)
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or not len(points) or not 1 <= points.shape[1] <= 3:
        raise LabError(f"Coordinates are points (N, d) of one to three coordinates, not of the shape {points.shape}.")
    if not np.isfinite(points).all():
        raise LabError("Coordinates have to be finite, and some of these are not.")
    return np.pad(points, ((0, 0), (0, 3 - points.shape[1])))


def _values(name: str, given: np.ndarray, count: int) -> np.ndarray:
    values = np.asarray(given)
    if values.dtype.kind not in "fiub":
        raise LabError(f"{name} holds {values.dtype} and not real numbers.")
    if values.ndim not in (1, 2) or len(values) != count:
        raise LabError(f"{name} has the shape {values.shape}; each of {count} points has one value, or one vector.")
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _with_cells(points: np.ndarray, dimension: int, cells: str, suffix: str):
    import pyvista

    cloud = pyvista.PolyData(points)
    if cells == "points":
        return cloud if suffix == "vtp" else cloud.cast_to_unstructured_grid()
    if cells != "delaunay":
        raise LabError(f"cells is 'points' or 'delaunay', not {cells!r:.40}.")
    if suffix == "vtp":
        raise LabError("A .vtp file holds no cells that fill space; use .vtu.")
    kind, corners = delaunay_cells(points[:, :dimension])
    number = {"line": pyvista.CellType.LINE, "triangle": pyvista.CellType.TRIANGLE, "tetra": pyvista.CellType.TETRA}
    return pyvista.UnstructuredGrid({number[kind]: corners}, points)


def delaunay_cells(points: np.ndarray) -> tuple[str, np.ndarray]:
    """Lines, triangles or tetrahedra between points (N, d), as meshio calls them, and their corners (m, d + 1).

    Raises LabError where none can be made.
    """
    from scipy.spatial import Delaunay, QhullError

    dimension = points.shape[1]
    if dimension == 1:
        order = np.argsort(points[:, 0], kind="stable")
        corners = np.column_stack([order[:-1], order[1:]])
    else:
        try:
            corners = Delaunay(points).simplices
        except (QhullError, ValueError) as error:
            raise LabError(
                f"No cells can be made of these {len(points)} points: they lie on one line or plane, or are too few."
            ) from error
    if not len(corners):
        raise LabError(f"No cells can be made of {len(points)} points.")
    return ("line", "triangle", "tetra")[dimension - 1], corners
