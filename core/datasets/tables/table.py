"""A file's columns as they were found, with what could not be read of it and what was decided on the way."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from core.datasets.tables.limits import check_cells, check_width
from core.errors import LabError

LONGEST_COLUMN = 200
"""Characters of a column's name."""


@dataclass(frozen=True)
class Table:
    """Columns of one length; a missing number is NaN, and nothing is infinite."""

    columns: dict[str, np.ndarray]
    """(n,) float64."""
    refused: dict[str, str] = field(default_factory=dict)
    """Column that holds no numbers → what it holds instead and where, as a sentence."""
    notes: tuple[str, ...] = ()
    """What was guessed or left out, a sentence each."""
    named: bool = True
    """Whether the file names its columns; else they are column_1, column_2 and so on."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(next(iter(self.columns.values())))

    def noting(self, *notes: str) -> Table:
        """The same with further notes."""
        return replace(self, notes=(*self.notes, *notes))


def table_of(
    name: str,
    columns: Iterable[tuple[str, np.ndarray]],
    *,
    refused: dict[str, str] | None = None,
    notes: Iterable[str] = (),
    named: bool = True,
) -> Table:
    """A table of (name, (n,) float64) pairs: names tidied, columns without any number and infinities taken out.

    Raises LabError: no columns, no rows, columns of different lengths, two of one name, none that holds numbers.
    """
    refused, notes, found = dict(refused or {}), list(notes), {}
    columns = [(tidy(column), values) for column, values in columns]
    check_width(name, len(columns))
    names = [column for column, _ in columns] + [column for column in refused]
    twice = next((column for column in names if names.count(column) > 1), None)
    if twice is not None:
        raise LabError(f"{name}: two columns are called {twice!r}.")
    lengths = {column: len(values) for column, values in columns}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{column} {length}" for column, length in list(lengths.items())[:6])
        raise LabError(f"{name} has columns of different lengths: {listed}.")
    if columns and not len(columns[0][1]):
        raise LabError(f"{name} has no rows.")
    for column, values in columns:
        bad = np.flatnonzero(np.isinf(values))
        if len(bad):
            refused[column] = f"{name}, column {column}, row {bad[0] + 1}: {values[bad[0]]} is no finite number."
        elif np.isnan(values).all():
            refused[column] = f"{name}, column {column} has no rows with a number in it."
        else:
            found[column] = values
    if not found:
        raise LabError(next(iter(refused.values()), f"{name} has no columns."))
    check_cells(name, len(next(iter(found.values()))), len(found))
    return Table(found, refused, tuple(notes), named)


def tidy(column: str) -> str:
    """A column's name without what can't be seen: composed Unicode, single blanks, at most 200 characters.

    A semicolon, which stands between columns in a mapping, becomes a comma.
    """
    text = unicodedata.normalize("NFC", column).replace(";", ",")
    text = "".join(mark if mark.isprintable() else " " for mark in text)
    return " ".join(text.split())[:LONGEST_COLUMN]


def plural(count: int, what: str) -> str:
    """As in 1 row, 2 rows."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
