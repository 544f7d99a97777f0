"""What a dense Jacobian takes."""

from __future__ import annotations

from typing import Literal

SHARE = 0.8
"""Part of the free memory that a dense Jacobian may take."""


def dense_bytes(rows: int, columns: int, squared: Literal["columns", "rows"]) -> int:
    """Bytes that a dense Jacobian takes with the copies that its factorisation makes.

    Args:
        rows: of the Jacobian.
        columns: its parameters.
        squared: whether the factorised matrix is parameters² or rows².
    """
    return 8 * (3 * rows * columns + 4 * (columns if squared == "columns" else rows) ** 2)
