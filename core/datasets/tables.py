"""What is in a dataset's file: a table of finite numbers with named columns, read without trusting the file."""

from __future__ import annotations

import csv
import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError

import numpy as np

from core.errors import LabError

MOST_COLUMNS = 1000
"""A table of more is a mistake, or means no good."""

UNPACKED = 500 * 2**20
"""Bytes that an .npz file may unpack to."""


def read_table(name: str, data: bytes) -> dict[str, np.ndarray]:
    """Columns (n,), read-only float64, of a file's bytes.

    .csv: UTF-8, a header row, numbers below it. .npy: a structured array, one column a field, or rows of numbers,
    whose columns are called column_1, column_2 and so on. .npz: arrays (n,), one column each.

    Raises:
        LabError: what the file has instead, and where.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise LabError(f"{name} is no dataset: its name ends in {suffix or 'nothing'}, not in {', '.join(FORMATS)}.")
    table = FORMATS[suffix](name, data)
    if not table:
        raise LabError(f"{name} has no columns.")
    lengths = {column: len(values) for column, values in table.items()}
    if len(set(lengths.values())) > 1:
        raise LabError(f"{name} has columns of different lengths: {_listed(lengths)}.")
    if not min(lengths.values()):
        raise LabError(f"{name} has no rows.")
    for column, values in table.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise LabError(f"{name}, column {column}, row {bad[0] + 1}: {values[bad[0]]} is no finite number.")
        values.flags.writeable = False
    return table


def _listed(lengths: dict[str, int]) -> str:
    return ", ".join(f"{column} {length}" for column, length in list(lengths.items())[:6])


def _csv(name: str, data: bytes) -> dict[str, np.ndarray]:
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header = [cell.strip() for cell in next(lines, [])]
        _check_header(name, header)
        rows = []
        for row in lines:
            if row:
                rows.append(_numbers(name, lines.line_num, header, row))
    except UnicodeDecodeError as error:
        raise LabError(f"{name} is no CSV file: byte {error.start} is not UTF-8 text.") from None
    except csv.Error as error:
        raise LabError(f"{name} is no CSV file: {error}.") from None
    table = np.array(rows, dtype=float).reshape(len(rows), len(header))
    return {column: table[:, i].copy() for i, column in enumerate(header)}


def _check_header(name: str, header: list[str]) -> None:
    if not header:
        raise LabError(f"{name} is empty; its first row names the columns.")
    _check_width(name, len(header))
    if not all(header):
        raise LabError(f"{name}: column {header.index('') + 1} of the first row has no name.")
    if all(_is_number(cell) for cell in header):
        raise LabError(f"{name}: the first row has numbers; it has to name the columns, for example x,t,u.")
    twice = [cell for cell in header if header.count(cell) > 1]
    if twice:
        raise LabError(f"{name}: two columns are called {twice[0]!r}.")


def _check_width(name: str, width: int) -> None:
    if width > MOST_COLUMNS:
        raise LabError(f"{name} has {width:,} columns; at most {MOST_COLUMNS:,} are read.")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _numbers(name: str, line: int, header: list[str], row: list[str]) -> list[float]:
    if len(row) != len(header):
        raise LabError(f"{name}, line {line}: {len(row)} cells, and the header has {len(header)}.")
    try:
        values = [float(cell) for cell in row]
    except ValueError:
        values = [math.nan]
    if all(map(math.isfinite, values)) and "_" not in "".join(row):
        return values
    column, cell = next((c, v) for c, v in zip(header, row, strict=True) if not _is_finite(v))
    raise LabError(f"{name}, line {line}, column {column}: {cell[:40]!r} is no finite number.")


def _is_finite(cell: str) -> bool:
    return _is_number(cell) and "_" not in cell and math.isfinite(float(cell))


def _npy(name: str, data: bytes) -> dict[str, np.ndarray]:
    array = _array(name, io.BytesIO(data))
    if array.dtype.names:
        return {column: _column(name, column, array[column]) for column in array.dtype.names}
    if array.ndim != 2:
        raise LabError(f"{name} has shape {array.shape}; a dataset is rows of numbers (n, columns).")
    _check_width(name, array.shape[1])
    return {f"column_{i + 1}": _column(name, f"column_{i + 1}", array[:, i]) for i in range(array.shape[1])}


def _npz(name: str, data: bytes) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(item.file_size for item in archive.infolist())
            if size > UNPACKED:
                raise LabError(f"{name} unpacks to {size / 2**20:.0f} MB; at most {UNPACKED // 2**20} MB are read.")
            _check_width(name, len(archive.infolist()))
            table = {}
            for item in archive.infolist():
                column = item.filename.removesuffix(".npy")
                table[column] = _column(name, column, _array(f"{name}, {column}", archive.open(item)))
            return table
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, RuntimeError, OSError, EOFError) as error:
        raise LabError(f"{name} is no .npz file: {error}.") from None


def _array(name: str, stream) -> np.ndarray:
    try:
        return np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, EOFError, MemoryError, OverflowError, SyntaxError, TypeError, TokenError) as error:
        raise LabError(f"{name} is no array of numbers: {(str(error) or 'it is too large').splitlines()[0]}") from None


def _column(name: str, column: str, values: np.ndarray) -> np.ndarray:
    if values.ndim != 1:
        raise LabError(f"{name}: {column} has shape {values.shape}; a column is one number a row, (n,).")
    if values.dtype.kind not in "iuf":
        raise LabError(f"{name}: {column} has type {values.dtype}; a column has real numbers.")
    return values.astype(float)


FORMATS: dict[str, Callable[[str, bytes], dict[str, np.ndarray]]] = {".csv": _csv, ".npy": _npy, ".npz": _npz}
"""By the end of the file's name."""
