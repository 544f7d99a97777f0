"""Write a sampled solution for ParaView: VTK, VTU, VTI, VTS, XDMF; point data in float64, every value.

Arrays are called as the format takes it (`core.names`); where that is not a value's own name, a table in the file has
both. What was written is read again by another program's reader before anyone gets it.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError
from core.files import written_beside
from core.names import TABLE, legacy_vtk_names, table, xml_names
from core.plain_text import printable
from core.solution import reading, tables
from core.solution.at_points import SolutionPoints
from core.solution.grid import SolutionGrid
from core.solution.on_mesh import SolutionMesh, read_sampled
from core.solution.sampled import Sampled

if TYPE_CHECKING:
    import meshio

FORMATS = {
    "vtu": "unstructured grid",
    "vtk": "legacy, unstructured grid",
    "vts": "structured grid",
    "vti": "image data, uniform axes only",
    "xdmf": "XDMF 3, data inline",
    "h5": "HDF5, and the .xdmf beside it that ParaView opens",
    "nc": "netCDF",
    "npz": "NumPy's arrays",
    "csv": "a table of all points",
}
"""Suffixes and what they hold."""

PROVENANCE = "provenance"
"""Field of a legacy VTK file with all that it says of itself."""

CELLS = {1: "line", 2: "quad", 3: "hexahedron"}


OF_GRIDS = ("vts", "vti", "h5", "nc")
"""Formats that hold no cells of any kind."""
OF_POINTS = ("vtu", "vtk", "npz", "csv")
TABLES = {"npz": tables.write_npz, "csv": tables.write_csv, "nc": tables.write_netcdf, "h5": tables.write_hdf5}


def formats(grid: SolutionGrid | SolutionMesh | SolutionPoints) -> list[str]:
    """The formats that a sampled solution can be written in: of a mesh those that hold any cells."""
    if isinstance(grid, SolutionPoints):
        return list(OF_POINTS)
    if isinstance(grid, SolutionMesh):
        return [name for name in FORMATS if name not in OF_GRIDS]
    return [name for name in FORMATS if name != "vti" or grid.uniform]


def size_of(points: int, values: int, suffix: str, single: bool = False) -> int:
    """About how many bytes a file takes, said before it is written: binary values, in text three times as much."""
    digits = 4 if single else 8
    beside = {"vtu": 3 * 8 + 8 * 9, "vtk": 3 * 8 + 9 * 8, "vts": 3 * 8, "csv": 3 * 20, "xdmf": 3 * 25 + 8 * 9}
    written = {"csv": 20, "xdmf": 16 if single else 25}.get(suffix, digits)
    return points * (values * written + beside.get(suffix, 0)) + 4096


def in_single(sampled: Sampled) -> Sampled:
    """The same with values in float32; coordinates keep all their digits."""
    return replace(sampled, values={name: value.astype(np.float32) for name, value in sampled.values.items()})


def export(
    grid: SolutionGrid | SolutionMesh | SolutionPoints, path: Path, single: bool = False, delaunay: bool = False
) -> None:
    """Write a grid, or a mesh with its cells and groups, in the format of a file's suffix; a list of points as points.

    `single` writes values in float32, `delaunay` makes cells between points that have none.

    Grids of one to three coordinates, time counting as one; meshes at one moment. It goes through a temporary name.
    Raises LabError for an unknown suffix, for .vti on a grid that is not uniform, for a mesh in a format of grids, for
    four and more coordinates (`at_time` makes three of four), and for a file that can't be written or is not what it
    should be; there is no file then.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise LabError(f"{path.name} can't be written; the formats are {', '.join('.' + name for name in FORMATS)}.")
    grid = in_single(grid) if single else grid
    if single and suffix == "xdmf":  # numbers in text: meshio writes too few digits of float32 to read it back
        grid = replace(grid, values={name: value.astype(np.float64) for name, value in grid.values.items()})
    if isinstance(grid, SolutionPoints):
        if suffix not in OF_POINTS:
            raise LabError(f"A .{suffix} file holds no list of points. The formats are {', '.join(OF_POINTS)}.")
        if suffix not in TABLES:
            grid = grid.as_mesh(delaunay)
    on_mesh = isinstance(grid, SolutionMesh)
    if on_mesh and suffix not in formats(grid):
        raise LabError(f"A .{suffix} file holds no mesh. The formats are {', '.join('.' + n for n in formats(grid))}.")
    if on_mesh and grid.times is not None:
        raise LabError("A file holds one moment; choose which.")
    if suffix in TABLES:
        _write_table(grid, path, suffix)
        return
    if len(grid.axes) > 3:
        raise LabError("VTK holds three dimensions at most; choose a moment in time.")
    if suffix == "vti" and not grid.uniform:
        raise LabError("A .vti file holds equally spaced points only, and this grid's are not. Use .vts instead.")
    spelled = spelled_names(grid, suffix)
    cells = None
    try:
        with written_beside(path) as temporary:
            if suffix in ("vts", "vti"):
                _write_structured(grid, spelled, temporary, suffix)
            else:
                options = {"xdmf": {"data_format": "XML"}, "vtk": {"binary": True}, "vtu": {"binary": True}}[suffix]
                mesh = _of_mesh(grid, suffix) if on_mesh else _unstructured(grid)
                mesh.point_data = {
                    spelled[name]: np.ascontiguousarray(value.ravel()) for name, value in grid.values.items()
                }
                mesh.write(temporary, **options)
                cells = [block.data for block in mesh.cells] if on_mesh else None
                del mesh
                _annotate(temporary, suffix, grid.about | _groups(grid), table(spelled))
            reading.check(temporary, {spelled[name]: value for name, value in grid.values.items()}, cells)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error
    except reading.NotAsWrittenError as error:
        raise LabError(f"{path.name} was not exported: {error} Choose another format.") from error


def _write_table(grid: Sampled, path: Path, suffix: str) -> None:
    """A file without cells; of .h5 the .xdmf beside it too, which takes its name last."""
    try:
        with contextlib.ExitStack() as stack:
            beside = None
            if suffix == "h5":
                if len(grid.axes) > 3:
                    raise LabError("XDMF holds three dimensions at most; choose a moment in time.")
                beside = stack.enter_context(written_beside(path.with_suffix(".xdmf")))
            temporary = stack.enter_context(written_beside(path))
            TABLES[suffix](grid, temporary)
            spelled = tables.spelled_names(grid, suffix)
            reading.check(temporary, {spelled[name]: value for name, value in grid.values.items()})
            if beside is not None:
                names = [spelled[name] for name in grid.values]
                digits = next(iter(grid.values.values())).dtype.itemsize
                beside.write_text(tables.xdmf_for(path, grid.coordinates, grid.axes, names, grid.about, digits))
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error
    except reading.NotAsWrittenError as error:
        raise LabError(f"{path.name} was not exported: {error} Choose another format.") from error


def export_bytes(grid: SolutionGrid, suffix: str, single: bool = False) -> bytes:
    """The content of the file that `export` writes; of .h5 a zip archive with the .xdmf too."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"solution.{suffix}"
        export(grid, path, single)
        if suffix != "h5":
            return path.read_bytes()
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for each in (path, path.with_suffix(".xdmf")):
                archive.write(each, each.name)
        return made.getvalue()


def exported_bytes(path: Path, suffix: str, time_index: int, single: bool = False) -> bytes:
    """A sampled grid's file in another format, for `core.solution.children`; of four coordinates at one moment.

    Raises LabError.
    """
    grid = sampled_grid(path)
    whole = isinstance(grid, SolutionGrid) and (len(grid.axes) <= 3 or suffix in ("nc", "npz", "csv"))
    return export_bytes(grid if whole else grid.at_time(time_index), suffix, single)


def sampled_grid(path: Path) -> SolutionGrid | SolutionMesh:
    """The grid or mesh of a file that a page has sampled. Raises LabError where it is gone meanwhile."""
    try:
        return read_sampled(path)
    except FileNotFoundError:
        raise LabError("The run went on since, and what was sampled is no longer kept. Load the page again.") from None


def spelled_names(grid: SolutionGrid, suffix: str) -> dict[str, str]:
    """Name → what it is called in a file, for every value and everything that the grid says about itself."""
    every = dict.fromkeys([*grid.values, *grid.about])
    return legacy_vtk_names(every) if suffix == "vtk" else xml_names(every)


def _annotate(path: Path, suffix: str, about: dict[str, object], names: str) -> None:
    """Say in the file where it comes from: as the title of a legacy file, as a comment in XML; with the table of names.

    Not as text in field data, as in .vts and .vti: meshio refuses to read that. There the table is the numbers of its
    characters; in XDMF, which has no field data, it is in the comment.
    """
    content = path.read_bytes()
    if suffix == "vtk":
        version, _, rest = content.split(b"\n", 2)
        at = rest.index(b"POINTS ")
        rest = rest[:at] + legacy_facts(about, names) + rest[at:]
        path.write_bytes(b"\n".join([version, legacy_title(about), rest]))
    else:
        vtu = suffix == "vtu"
        root = content.index(b"<VTKFile" if vtu else b"<Xdmf")
        comment = as_comment(about | ({TABLE: json.loads(names)} if names else {})).encode()
        if vtu and names:
            at = content.index(b"<Piece ")
            numbers = " ".join(map(str, names.encode()))
            field = f'<DataArray type="UInt8" Name="{TABLE}" NumberOfTuples="{len(names)}" format="ascii">\n{numbers}\n'
            content = content[:at] + f"<FieldData>\n{field}</DataArray>\n</FieldData>\n".encode() + content[at:]
        path.write_bytes(content[:root] + comment + content[root:])


def as_comment(about: dict[str, object]) -> str:
    """What a file says of itself, as a comment in XML on a line of its own."""
    text = json.dumps(about).replace("--", "-\\u002d")  # which would end a comment
    return f"<!-- {text} -->\n"


def legacy_title(about: dict[str, object]) -> bytes:
    """The beginning of what a legacy VTK file says of itself: one line, within the format's limit."""
    title = " ".join(f"{key}={value}" for key, value in about.items()).encode("ascii", "replace")
    return bytes(c if c >= 32 else 32 for c in title[:255])


def legacy_facts(about: dict[str, object], names: str) -> bytes:
    """All of it as JSON, and the table of names, as fields of a legacy VTK file: numbers of their characters."""
    texts = {PROVENANCE: json.dumps(about)} | ({TABLE: names} if names else {})
    made = f"FIELD FieldData {len(texts)}\n".encode()
    for name, text in texts.items():
        numbers = np.frombuffer(text.encode(), np.uint8).astype(">i8")
        made += f"{name} 1 {len(numbers)} vtktypeint64\n".encode() + numbers.tobytes() + b"\n"
    return made


def _points(grid: SolutionGrid) -> np.ndarray:
    """Points (N, 3), missing coordinates zero."""
    points = grid.coordinates_of_points()
    return np.pad(points, ((0, 0), (0, 3 - points.shape[1])))


def _unstructured(grid: SolutionGrid) -> meshio.Mesh:
    """Points and cells."""
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
    return meshio.Mesh(_points(grid), [(CELLS[len(shape)], cells)])


def _of_mesh(mesh: SolutionMesh, suffix: str) -> meshio.Mesh:
    """The very points and cells, numbers of groups beside them; XDMF without cells of one point, as meshio reads none.

    All points are there with their values anyway.
    """
    import meshio

    points = np.pad(mesh.points_of, ((0, 0), (0, 3 - mesh.points_of.shape[1])))
    own = [k for k, (kind, data) in enumerate(mesh.cells) if len(data) and (suffix != "xdmf" or kind != "vertex")]
    cell_data = {key: [np.asarray(parts[k]) for k in own] for key, parts in mesh.groups.items()}
    return meshio.Mesh(points, [mesh.cells[k] for k in own], cell_data=cell_data)


def _groups(grid: SolutionGrid | SolutionMesh) -> dict[str, object]:
    """What the numbers of cells' groups mean, which no format of VTK's has a place for."""
    named = getattr(grid, "group_names", {})
    return {"groups": {name: number for name, (number, *_) in named.items()}} if named else {}


def _write_structured(grid: SolutionGrid, spelled: dict[str, str], path: Path, suffix: str) -> None:
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
        ordered = value.reshape(shape).ravel(order="F")  # VTK: the first coordinate varies fastest
        dataset.point_data[spelled[name]] = ordered
    for key, value in grid.about.items():
        if isinstance(value, str):
            dataset.GetFieldData().AddArray(_text(spelled[key], value))
        else:
            dataset.field_data[spelled[key]] = [value]
    if names := table(spelled):
        dataset.GetFieldData().AddArray(_text(TABLE, names))
    dataset.save(path)


def _text(name: str, value: str):
    """A text as VTK keeps it: pyvista takes ASCII alone, and VTK's reader crashes at a NUL."""
    from vtkmodules.vtkCommonCore import vtkStringArray

    array = vtkStringArray()
    array.SetName(name)
    array.InsertNextValue(printable(value))
    return array
