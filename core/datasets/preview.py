"""A file before it is added: what was found in it, what its columns are likely to be, and a few of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from core.datasets.mapping import Column, Guess, guess, mapped, stored
from core.datasets.names import problems_with_data
from core.datasets.reading import table_of_bytes
from core.datasets.tables import Table
from core.errors import LabError

ROWS = 8
"""First rows that are shown."""
POINTS = 2000
"""Rows that are drawn, spread evenly over the file."""


@dataclass(frozen=True)
class Preview:
    """What a visitor sees before deciding."""

    name: str
    table: Table
    guess: Guess

    def first_rows(self) -> dict[str, np.ndarray]:
        """The file's first rows, column → (at most 8,)."""
        return {column: values[:ROWS] for column, values in self.table.columns.items()}

    def range_of(self, column: str) -> tuple[float, float]:
        """Its lowest and highest number."""
        values = self.table.columns[column]
        return float(np.nanmin(values)), float(np.nanmax(values))

    def result(self, columns: Iterable[Column]) -> tuple[dict[str, np.ndarray], str]:
        """What runs would learn from: role → (n,), and a sentence on rows that are left out or "". Raises LabError."""
        return mapped(self.name, self.table, stored(columns, self.table))

    def caution(self, values: dict[str, np.ndarray]) -> str:
        """Why no run could learn from what `result` gave, as a run would say it; "" where one could."""
        reasons = {}
        for problem in problems_with_data():
            try:
                problem.model_construct(dataset=self.name).samples_in(values)
            except LabError as error:
                reasons[problem.title] = str(error)
            else:
                return ""
        return reasons.get(self.guess.title) or next(iter(reasons.values()), "")


def preview(name: str, data: bytes, told: Callable[[float], None] = lambda part: None) -> Preview:
    """Read a file without adding it, large ones in a child; `told` hears how much of it has been read, from 0 to 1.

    Raises LabError: what the file has instead of a table.
    """
    table = table_of_bytes(name, data, told=told)
    return Preview(name, table, guess(table))


def thinned(columns: dict[str, np.ndarray], most: int = POINTS) -> dict[str, np.ndarray]:
    """At most so many rows, spread evenly."""
    rows = len(next(iter(columns.values())))
    if rows <= most:
        return columns
    chosen = np.linspace(0, rows - 1, most).astype(int)
    return {name: values[chosen] for name, values in columns.items()}
