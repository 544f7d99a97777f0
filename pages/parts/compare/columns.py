"""What kind of values a column holds, over all runs that are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.tracking import compare
from core.tracking.store import How, RunRecord


def table_columns(records: Sequence[RunRecord], columns: Sequence[str], how: How) -> dict[str, list]:
    """Columns of the table as lists, the same runs in each."""
    frame = compare.table(records, columns, how)
    return {column: frame[column].tolist() for column in columns}


def varies(records: Sequence[RunRecord], column: str) -> bool:
    """Whether the runs have several values."""
    if column in ("params.config_hash", "params.problem.kind"):  # told by other columns
        return False
    values = {compare.cell(record, column) for record in records} - {None}
    return len(values) > 1


def is_number(records: Sequence[RunRecord], column: str) -> bool:
    """Whether every value that is there is a number."""
    values = [value for record in records if (value := compare.cell(record, column)) is not None]
    return all(isinstance(value, int | float) for value in values)


def few(records: Sequence[RunRecord], column: str) -> bool:
    """Whether the values are few enough for a colour each."""
    return 1 < len({compare.cell(record, column) for record in records}) <= 10


def wants_log(values: np.ndarray) -> bool:
    """Positive values over more than two decades read best on a logarithmic axis."""
    usable = values[np.isfinite(values)]
    return bool(len(usable)) and usable.min() > 0 and usable.max() / usable.min() > 100
