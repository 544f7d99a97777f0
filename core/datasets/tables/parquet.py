"""Parquet files, by pyarrow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from core.datasets.tables.grids import table_of_arrays
from core.datasets.tables.limits import check_cells, check_unpacked, check_width
from core.datasets.tables.table import Table

if TYPE_CHECKING:
    from core.datasets.tables.formats import Told

INDEX = "__index_level_0__"
"""What pandas calls an index that has no name."""


def read_parquet(name: str, data: bytes, told: Told) -> Table:
    """Columns of numbers; missing ones are NaN. The index that pandas keeps beside them is left out."""
    import pyarrow as pa
    from pyarrow import compute, parquet

    file = parquet.ParquetFile(io.BytesIO(data))
    known = file.metadata
    check_width(name, known.num_columns)
    check_cells(name, known.num_rows, max(1, known.num_columns))
    check_unpacked(name, sum(known.row_group(i).total_byte_size for i in range(known.num_row_groups)))
    columns, refused = {}, {}
    for i, field in enumerate(file.schema_arrow):
        told(i / len(file.schema_arrow))
        if field.name == INDEX:
            continue
        kind = field.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            refused[field.name] = f"{name}: {field.name} has type {field.type}; a column has real numbers."
            continue
        values = file.read([field.name], use_threads=False).column(0)
        if pa.types.is_dictionary(field.type):
            values = values.cast(kind)
        values = compute.fill_null(values.cast(pa.float64(), safe=False), np.nan)
        columns[field.name] = values.to_numpy(zero_copy_only=False)
    return table_of_arrays(name, columns, refused)
