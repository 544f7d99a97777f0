"""Write a sampled solution for ParaView: VTK, VTU, VTI, VTS, XDMF; point data in float64, every value."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError
from core.solution.grid import SolutionGrid

if TYPE_CHECKING:
    import meshio

FORMATS = {
    "vtu": "unstructured grid",
    "vtk": "legacy, unstructured grid",
    "vts": "structured grid",
    "vti": "image data, uniform axes only",
    "xdmf": "XDMF 3, data inline",
}
"""Suffixes and what they hold."""

CELLS = {1: "line", 2: "quad", 3: "hexahedron"}


def export(grid: SolutionGrid, path: Path) -> None:
    """Write a grid to a file in the format of its suffix, through a temporary name.

    Grids of one to three coordinates, time counting as one. Raises LabError for an unknown suffix, for .vti on a grid
    that is not uniform, and for four and more coordinates (`SolutionGrid.at_time` makes three of four).
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise LabError(f"{path.name} can't be written; the formats are {', '.join('.' + name for name in FORMATS)}.")
    if len(grid.axes) > 3:
        raise LabError("VTK holds three dimensions at most; choose a moment in time.")
    if suffix == "vti" and not grid.uniform:
        raise LabError("A .vti file holds equally spaced points only, and this grid's are not. Use .vts instead.")
    temporary = path.with_name(f".{path.stem}.tmp.{suffix}")
    try:
        if suffix in ("vts", "vti"):
            _write_structured(grid, temporary, suffix)
        else:
            options = {"xdmf": {"data_format": "XML"}, "vtk": {"binary": True}, "vtu": {"binary": True}}[suffix]
            _unstructured(grid).write(temporary, **options)
            _annotate(temporary, suffix, grid.about)
        temporary.replace(path)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def export_bytes(grid: SolutionGrid, suffix: str) -> bytes:
    """The content of the file that `export` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"solution.{suffix}"
        export(grid, path)
        return path.read_bytes()


def _annotate(path: Path, suffix: str, about: dict[str, object]) -> None:
    """Say in the file where it comes from: as the title of a legacy file, as a comment in XML.

    Not as field data, as in .vts and .vti: meshio writes none, and its reader refuses text in it.
    """
    content = path.read_bytes()
    if suffix == "vtk":
        version, _, rest = content.split(b"\n", 2)
        title = " ".join(f"{key}={value}" for key, value in about.items()).encode("ascii", "replace")
        path.write_bytes(b"\n".join([version, title[:255], rest]))  # the format's limit
    else:
        root = content.index(b"<VTKFile" if suffix == "vtu" else b"<Xdmf")
        comment = f"<!-- {json.dumps(about).replace('--', '- -')} -->\n".encode()
        path.write_bytes(content[:root] + comment + content[root:])


def _points(grid: SolutionGrid) -> np.ndarray:
    """Points (N, 3), missing coordinates zero."""
    points = grid.coordinates_of_points()
    return np.pad(points, ((0, 0), (0, 3 - points.shape[1])))


def _unstructured(grid: SolutionGrid) -> meshio.Mesh:
    import meshio

    shape = tuple(len(axis) for axis in grid.axes)
    index = np.arange(grid.points).reshape(shape)
    if len(shape) == 1:
        corners = [index[:-1], index[1:]]
    elif len(shape) == 2:
        corners = [index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]]
    else:
        low, high = index[:, :, :-1], index[:, :, 1:]
        corners = [
            part[i, j]
            for part in (low, high)
            for i, j in (
                (slice(None, -1), slice(None, -1)),
                (slice(1, None), slice(None, -1)),
                (slice(1, None), slice(1, None)),
                (slice(None, -1), slice(1, None)),
            )
        ]
    cells = np.stack([corner.ravel() for corner in corners], axis=1)
    data = {name: np.ascontiguousarray(value.ravel()) for name, value in grid.values.items()}
    return meshio.Mesh(_points(grid), [(CELLS[len(shape)], cells)], point_data=data)


def _write_structured(grid: SolutionGrid, path: Path, suffix: str) -> None:
    import pyvista

    shape = [len(axis) for axis in grid.axes] + [1] * (3 - len(grid.axes))
    if suffix == "vti":
        spacing = [(axis[-1] - axis[0]) / (len(axis) - 1) for axis in grid.axes]
        dataset = pyvista.ImageData(
            dimensions=shape,
            spacing=[*spacing, *[1.0] * (3 - len(spacing))],
            origin=[*[axis[0] for axis in grid.axes], *[0.0] * (3 - len(grid.axes))],
        )
    else:
        full = [*grid.axes, *[np.zeros(1)] * (3 - len(grid.axes))]
        dataset = pyvista.StructuredGrid(*np.meshgrid(*full, indexing="ij"))
    for name, value in grid.values.items():
        dataset.point_data[name] = value.reshape(shape).ravel(order="F")  # VTK: the first coordinate varies fastest
    for key, value in grid.about.items():
        dataset.field_data[key] = [value]
    dataset.save(path)
