"""Exported files read again and held against what was to be written: by VTK's readers, and XDMF as XML."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.names import TABLE, originals
from core.solution.tables import COORDINATES

TABLES = (".npz", ".csv", ".nc", ".h5")
"""Suffixes of files without cells."""


class NotAsWrittenError(Exception):
    """A file does not hold what it should; the message says in one sentence how."""


def check(path: Path, expected: Mapping[str, np.ndarray], cells: Sequence[np.ndarray] | None = None) -> None:
    """Read a file by its suffix and compare its point data, bit by bit, and its cells.

    VTK's readers print their errors and return nothing: what counts is what they return.

    Args:
        path: of any format that is exported.
        expected: array → values, the last axis varying fastest.
        cells: points of the cells (m, k) of each block; None: they are not looked at.

    Raises:
        NotAsWrittenError: it can't be read, an array is missing or has other values, or cells are others.
    """
    try:
        found, _ = point_data(path)
    except (SyntaxError, ValueError) as error:  # a ParseError is a SyntaxError
        raise NotAsWrittenError(f"its own reader can't read it ({error}).") from error
    fortran = path.suffix in (".vts", ".vti")
    for name, values in expected.items():
        if name not in found:
            raise NotAsWrittenError(f"its own reader finds no {name!r} in it.")
        same = np.asarray(found[name], dtype=values.dtype)
        if not np.array_equal(same, values.ravel(order="F" if fortran else "C"), equal_nan=True):
            raise NotAsWrittenError(f"its own reader finds other values of {name!r} in it.")
    if cells is not None and not _same_cells(path, cells):
        raise NotAsWrittenError("its own reader finds other cells in it.")


def _table(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Array → values (n,) of a .npz, .csv, .nc or .h5 file, and spelling → name from its own table."""
    if path.suffix == ".csv":
        return _csv(path), {}
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as data:
            names = [name for name in data.files if name.startswith("value_")]
            about = json.loads(str(data["about"]))
            return {name[len("value_") :]: data[name].ravel() for name in names}, about.get(TABLE, {})
    if path.suffix == ".nc":
        return _netcdf(path)
    import h5py

    with h5py.File(path) as file:
        arrays = {name: values[()].ravel() for name, values in file["values"].items()}
        return arrays, originals(file.attrs.get(TABLE, ""))


def _csv(path: Path) -> dict[str, np.ndarray]:
    beyond, skipped = 0, 1
    with path.open(encoding="utf-8", newline="") as file:
        for line in file:
            if not line.startswith("#"):
                break
            skipped += 1
            if line.startswith(COORDINATES):
                beyond = int(line.removeprefix(COORDINATES))
        names = next(csv.reader([line]))
    table = np.loadtxt(path, delimiter=",", skiprows=skipped, comments=None, ndmin=2)
    return dict(zip(names[beyond:], table.T[beyond:], strict=True))


def _netcdf(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as file:
        arrays = {}
        for name, variable in file.variables.items():
            if name not in file.dimensions:
                order = np.argsort([list(file.dimensions).index(each) for each in variable.dimensions])
                arrays[name] = variable.data.transpose(order).ravel()
        return arrays, originals(file._attributes.get(TABLE, b"").decode())


def _same_cells(path: Path, cells: Sequence[np.ndarray]) -> bool:
    """Whether VTK finds these cells, each with the same points in whatever order the format has them."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    output = _vtk_output(path)
    if output is None or output.GetNumberOfCells() != sum(map(len, cells)):
        return False
    found = output.GetCells()
    counts = np.diff(vtk_to_numpy(found.GetOffsetsArray()))
    if not np.array_equal(counts, np.concatenate([np.full(len(data), data.shape[1]) for data in cells])):
        return False
    numbers = vtk_to_numpy(found.GetConnectivityArray())
    numbers = numbers[np.lexsort((numbers, np.repeat(np.arange(len(counts)), counts)))]
    return np.array_equal(numbers, np.concatenate([np.sort(data, axis=1).ravel() for data in cells]))


def point_data(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Array → values (n,) as the format's reader has them, and spelling → name from the file's table."""
    if path.suffix in TABLES:
        return _table(path)
    return _xdmf(path) if path.suffix == ".xdmf" else _by_vtk(path)


def _by_vtk(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    output = _vtk_output(path)
    if output is None:
        return {}, {}
    data, fields = output.GetPointData(), output.GetFieldData()
    arrays = {data.GetArrayName(k): vtk_to_numpy(data.GetArray(k)) for k in range(data.GetNumberOfArrays())}
    names = fields.GetAbstractArray(TABLE)
    if names is None:
        return arrays, {}
    text = names.GetValue(0) if names.IsA("vtkStringArray") else bytes(vtk_to_numpy(names).astype(np.uint8)).decode()
    return arrays, originals(text)


def _vtk_output(path: Path):
    """What VTK's reader makes of a file; None where it makes nothing."""
    from vtkmodules.vtkCommonCore import vtkObject
    from vtkmodules.vtkIOLegacy import vtkDataSetReader
    from vtkmodules.vtkIOXdmf2 import vtkXdmfReader
    from vtkmodules.vtkIOXML import vtkXMLImageDataReader, vtkXMLStructuredGridReader, vtkXMLUnstructuredGridReader

    readers = {
        ".vtk": vtkDataSetReader,
        ".vtu": vtkXMLUnstructuredGridReader,
        ".vts": vtkXMLStructuredGridReader,
        ".vti": vtkXMLImageDataReader,
        ".xdmf": vtkXdmfReader,
    }
    reader = readers[path.suffix]()
    reader.SetFileName(str(path))
    if path.suffix == ".vtk":
        reader.ReadAllScalarsOn()
        reader.ReadAllFieldsOn()
    warns = vtkObject.GetGlobalWarningDisplay()
    vtkObject.SetGlobalWarningDisplay(0)  # it would print pages; `check` says it in a sentence
    try:
        reader.Update()
    finally:
        vtkObject.SetGlobalWarningDisplay(warns)
    return reader.GetOutputDataObject(0)


def _xdmf(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    import re
    from xml.etree import ElementTree

    arrays = {}
    for _, element in ElementTree.iterparse(path):
        if element.tag == "Attribute":
            arrays[element.get("Name")] = np.fromstring(element[0].text, sep=" ")
            element.clear()
    with path.open("rb") as file:
        head = re.match(rb"<!-- (.*) -->", file.readline())
    return arrays, json.loads(head[1]).get(TABLE, {}) if head else {}
