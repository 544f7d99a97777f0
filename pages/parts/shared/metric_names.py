"""Columns of the store as a person reads them, and which of a metric's values counts."""

from __future__ import annotations

from collections.abc import Iterable

from pages.parts.shared.text import visible

HOW = {"last": "last", "lowest": "min", "highest": "max", "at checkpoint": "at-checkpoint"}
LABELS = {
    "metrics.dense_max_residual": "max |R|, dense grid",
    "metrics.max_residual": "max |R|",
    "metrics.rms_residual": "RMS R",
    "metrics.relative_l2_error": "rel. L2 error",
    "metrics.max_error": "max error",
    "metrics.lambda": "λ",
    "metrics.lambda_error": "|λ − reference|",
    "metrics.wall_time_s": "seconds",
    "metrics.loss": "loss",
}


def label(column: str) -> str:
    """A column as a person reads it."""
    short = column.removeprefix("metrics.") if column.startswith("metrics.") else column.removeprefix("params.")
    return LABELS.get(column) or visible(short)


def labels(columns: Iterable[str]) -> dict[str, str]:
    """Column → a label of its own, since widgets know options by their labels; names where two share one."""
    columns = list(columns)
    found = {column: label(column) for column in columns}
    taken: dict[str, int] = {}
    for text in found.values():
        taken[text] = taken.get(text, 0) + 1
    found = {column: text if taken[text] == 1 else column for column, text in found.items()}
    return found if len(set(found.values())) == len(columns) else dict(zip(columns, columns, strict=True))
