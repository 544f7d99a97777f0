"""How much of a file is read. Each limit is far beyond what a run can learn from, and far below what kills a server."""

from __future__ import annotations

from core.errors import LabError

MOST_COLUMNS = 1000
"""A table of more is a mistake, or means no good."""

UNPACKED = 500 * 2**20
"""Bytes that a compressed file may unpack to."""

MOST_CELLS = 60_000_000
"""Rows times columns."""


def check_width(name: str, width: int) -> None:
    """Raises LabError for too many columns."""
    if width > MOST_COLUMNS:
        raise LabError(f"{name} has {width:,} columns; at most {MOST_COLUMNS:,} are read.")


def check_cells(name: str, rows: int, columns: int) -> None:
    """Raises LabError for too many numbers."""
    if rows * columns > MOST_CELLS:
        raise LabError(
            f"{name} holds {rows:,} rows of {columns} columns; at most {MOST_CELLS:,} numbers are read. Leave some out."
        )


def check_unpacked(name: str, size: int) -> None:
    """Raises LabError for a file that would unpack to too much."""
    if size > UNPACKED:
        raise LabError(f"{name} unpacks to {size / 2**20:.0f} MB; at most {UNPACKED // 2**20} MB are read.")
