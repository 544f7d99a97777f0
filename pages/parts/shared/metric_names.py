"""Columns of the store as a person reads them, and which of a metric's values counts."""

from __future__ import annotations

from pages.parts.shared.text import LONGEST, Markdown, plain

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
    return LABELS.get(column) or column.removeprefix("metrics.").removeprefix("params.")


def label_text(column: str) -> Markdown:
    """`label`, for Markdown."""
    return plain(label(column), LONGEST)
