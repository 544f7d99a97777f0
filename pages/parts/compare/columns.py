"""What kind of values a column holds, over all runs that are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.tracking import compare
from core.tracking.compare import METRIC
from core.tracking.store import How, RunRecord

NOTHING = "–"
"""Stands for the value of a run that has none."""


def axis_columns(records: Sequence[RunRecord], columns: Sequence[str], how: How) -> dict[str, list]:
    """Columns as an axis has them, the same runs in each: numbers where a column is of numbers, else its texts."""
    found = {}
    for column in columns:
        values = compare.numbers(records, column, how)
        found[column] = words(records, column) if values is None else values
    return found


def words(records: Sequence[RunRecord], column: str) -> list[str]:
    """A column as it was logged, (n,)."""
    return [NOTHING if (value := compare.cell(record, column)) is None else str(value) for record in records]


def varies(records: Sequence[RunRecord], column: str) -> bool:
    """Whether the runs have several values."""
    told = {"params.config_hash": "config_hash", "params.problem.kind": "problem"}.get(column)  # by other columns
    values = {compare.cell(record, column) for record in records if not (told and getattr(record, told))} - {None}
    return len(values) > 1


def is_number(records: Sequence[RunRecord], column: str) -> bool:
    """Whether a column is of numbers."""
    return column.startswith(METRIC) or compare.numbers(records, column) is not None


def few(records: Sequence[RunRecord], column: str) -> bool:
    """Whether the values are few enough for a colour each."""
    return 1 < len({compare.cell(record, column) for record in records}) <= 10


def wants_log(values: np.ndarray) -> bool:
    """Positive values over more than two decades read best on a logarithmic axis."""
    usable = values[np.isfinite(values)]
    return bool(len(usable)) and usable.min() > 0 and usable.max() / usable.min() > 100
