"""NumPy's files: .npy and .npz, never with pickle."""

from __future__ import annotations

import io
import zipfile
from tokenize import TokenError
from typing import IO, TYPE_CHECKING

import numpy as np

from core.datasets.tables.grids import FEW, table_of_arrays
from core.datasets.tables.limits import check_unpacked, check_width
from core.datasets.tables.table import Table
from core.errors import LabError

if TYPE_CHECKING:
    from core.datasets.tables.formats import Told


def read_npy(name: str, data: bytes, told: Told) -> Table:
    """A structured array, one column a field, or rows of numbers."""
    array = _array(name, io.BytesIO(data))
    if array.dtype.names:
        return table_of_arrays(name, {column: array[column] for column in array.dtype.names})
    if array.ndim != 2:
        raise LabError(f"{name} has shape {array.shape}; a dataset is rows of numbers (n, columns).")
    notes = []
    if array.shape[0] <= FEW < array.shape[1] // 10:
        array = array.T
        notes.append("Its rows are taken for columns.")
    check_width(name, array.shape[1])
    columns = {f"column_{i + 1}": array[:, i] for i in range(array.shape[1])}
    return table_of_arrays(name, columns, named=False).noting(*notes)


def read_npz(name: str, data: bytes, told: Told) -> Table:
    """Arrays by name: columns, or a grid."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        items = archive.infolist()
        check_unpacked(name, sum(item.file_size for item in items))
        check_width(name, len(items))
        arrays, refused = {}, {}
        for i, item in enumerate(items):
            told(i / len(items))
            key = item.filename.removesuffix(".npy")
            try:
                with archive.open(item) as stream:
                    arrays[key] = _array(f"{name}, {key}", stream)
            except LabError as error:
                refused[key] = str(error)
        return table_of_arrays(name, arrays, refused)


def _array(name: str, stream: IO[bytes]) -> np.ndarray:
    try:
        return np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, EOFError, MemoryError, OverflowError, SyntaxError, TypeError, TokenError) as error:
        raise LabError(f"{name} is no array of numbers: {(str(error) or 'it is too large').splitlines()[0]}") from None
