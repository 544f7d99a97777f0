"""The formats of datasets, by the end of a file's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.datasets.tables.arrays import read_npy, read_npz
from core.datasets.tables.matlab import read_mat
from core.datasets.tables.parquet import read_parquet
from core.datasets.tables.table import Table, plural
from core.datasets.tables.text import read_text
from core.errors import LabError

Told = Callable[[float], None]
"""Is told how much of a file has been read, from 0 to 1."""

FORMATS: dict[str, Callable[[str, bytes, Told], Table]] = {
    ".csv": read_text,
    ".tsv": read_text,
    ".txt": read_text,
    ".dat": read_text,
    ".npy": read_npy,
    ".npz": read_npz,
    ".mat": read_mat,
    ".parquet": read_parquet,
}
"""By the end of the file's name."""


INSTEAD = {
    (".xlsx", ".xls", ".xlsm", ".ods"): "Save the sheet as CSV.",
    (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar"): "Unpack it first.",
    (".h5", ".hdf5", ".hdf", ".nc"): "Copy its arrays into an .npz file.",
    (".vtu", ".vtk", ".vtp", ".vts", ".vti", ".pvd", ".xdmf"): "Save its points as CSV in ParaView (File, Save Data).",
    (".rds", ".rdata"): "Save it by write.csv in R.",
    (".mph",): "Export the data from COMSOL as a spreadsheet.",
    (".pkl", ".pickle", ".pt", ".pth"): "Such files can run code; save its arrays by numpy.savez.",
}
"""What to do with files of other formats, by the end of their names."""


def instead(name: str) -> str:
    """What to do with a file of another format."""
    suffix = Path(name).suffix.lower()
    return next((words for ends, words in INSTEAD.items() if suffix in ends), "")


def read_file(name: str, data: bytes, told: Told = lambda part: None) -> Table:
    """The columns in a file's bytes.

    Text is a table with or without a header, of any delimiter, with decimal points or commas; what is guessed is
    noted. Arrays are columns (n,), grids (axes and matrices over them, or meshes), or rows of numbers.

    Raises:
        LabError: what the file has instead, and where.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(FORMATS)
        raise LabError(
            f"{name} is no dataset: its name ends in {suffix or 'nothing'}, not in {known}. {instead(name)}".strip()
        )
    try:
        return FORMATS[suffix](name, data, told)
    except LabError:
        raise
    except MemoryError:
        raise LabError(f"{name} needs more memory than is given to reading a file. Make it smaller.") from None
    except Exception as error:  # of damaged bytes a library may raise anything; it is the file's fault all the same
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise LabError(f"{name} is no {suffix} file that can be read: {words.rstrip('.')}.") from None


def read_table(name: str, data: bytes) -> dict[str, np.ndarray]:
    """All columns (n,) of a file's bytes by their names in it, read-only float64, rows with missing numbers left out.

    Raises LabError as `read_file` does, and where every row lacks a number.
    """
    return complete(name, read_file(name, data))[0]


def complete(name: str, table: Table) -> tuple[dict[str, np.ndarray], str]:
    """The rows of a table in which no number is missing, read-only, and a sentence on those left out or "".

    Raises LabError when no row is left.
    """
    whole = np.ones(table.rows, dtype=bool)
    for values in table.columns.values():
        whole &= ~np.isnan(values)
    kept = int(whole.sum())
    if not kept:
        raise LabError(f"{name} has no rows in which no number is missing.")
    columns, said = table.columns, ""
    if kept < table.rows:
        columns = {column: values[whole] for column, values in columns.items()}
        said = f"{plural(table.rows - kept, 'row')} of {table.rows:,} left out: a number is missing in each."
    for values in columns.values():
        values.flags.writeable = False
    return columns, said
