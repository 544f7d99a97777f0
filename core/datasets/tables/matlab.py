"""MATLAB's files: up to version 7 by SciPy, 7.3 (HDF5) by h5py; only numbers are taken, nothing in them is run."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from core.datasets.tables.grids import table_of_arrays
from core.datasets.tables.limits import check_unpacked, check_width
from core.datasets.tables.table import Table
from core.errors import LabError

if TYPE_CHECKING:
    from core.datasets.tables.formats import Told

HDF5 = b"\x89HDF\r\n\x1a\n"
BYTES = {"double": 8, "single": 4, "int64": 8, "uint64": 8, "int32": 4, "uint32": 4, "int16": 2, "uint16": 2}


def read_mat(name: str, data: bytes, told: Told) -> Table:
    """Its numeric variables, and those inside its structs as struct.field."""
    if data[:8] == HDF5 or data[512:520] == HDF5:
        return table_of_arrays(name, *_hdf5(name, data, told))
    if data.startswith(b"# Created by Octave"):
        raise LabError(f"{name} is in Octave's own text format. Save it by `save -v7 {name}` there.")
    from scipy.io import loadmat, whosmat

    listed = whosmat(io.BytesIO(data))  # reads headers alone
    check_width(name, len(listed))
    check_unpacked(name, sum(_cells(shape) * BYTES.get(kind, 1) for _, shape, kind in listed))
    arrays, refused = {}, {}
    for key, value in loadmat(io.BytesIO(data)).items():
        if not key.startswith("__"):
            _take(name, key, value, arrays, refused)
    return table_of_arrays(name, arrays, refused)


def _cells(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= max(int(size), 0)
    return product


def _take(name: str, key: str, value: Any, arrays: dict[str, np.ndarray], refused: dict[str, str]) -> None:
    if hasattr(value, "toarray"):
        check_unpacked(name, _cells(value.shape) * 8)
        value = value.toarray()
    if value.dtype.names and value.size == 1 and "." not in key:  # a struct: one level of it
        for field in value.dtype.names:
            _take(name, f"{key}.{field}", value.reshape(-1)[0][field], arrays, refused)
    elif value.dtype.names or value.dtype.kind == "O":
        refused[key] = f"{name}: {key} is a cell array or a struct; a column has real numbers."
    else:
        arrays[key] = value


def _hdf5(name: str, data: bytes, told: Told) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    import h5py

    arrays, refused = {}, {}
    with h5py.File(io.BytesIO(data), "r") as file:
        sets = {}
        for key in file:
            if not key.startswith("#") and isinstance(file.get(key, getlink=True), h5py.HardLink):
                item = file[key]
                if isinstance(item, h5py.Group):
                    inside = (field for field in item if isinstance(item.get(field, getlink=True), h5py.HardLink))
                    sets |= {f"{key}.{field}": item[field] for field in inside}
                else:
                    sets[key] = item
        sets = {key: item for key, item in sets.items() if isinstance(item, h5py.Dataset)}
        check_width(name, len(sets))
        check_unpacked(name, sum(item.nbytes for item in sets.values()))
        for i, (key, item) in enumerate(sets.items()):
            told(i / len(sets))
            if item.is_virtual or item.external:  # their numbers stand in other files
                raise LabError(f"{name}: {key} stands in another file, which is not read.")
            if item.dtype.kind == "O" or item.attrs.get("MATLAB_class") in (b"char", b"cell", b"function_handle"):
                refused[key] = f"{name}: {key} is text or a cell array; a column has real numbers."
            elif item.attrs.get("MATLAB_empty"):
                refused[key] = f"{name}: {key} is empty."
            else:
                value = item[()]
                if value.dtype.names == ("real", "imag"):
                    value = value["real"] + 1j * value["imag"]
                arrays[key] = np.asarray(value).T  # MATLAB counts the first index fastest
    return arrays, refused
