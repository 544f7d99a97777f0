"""What the columns of a file are to runs: coordinates and fields by the problems' names, in the problems' units.

A mapping is one text, `column=role*factor; …`, that a person can write, the ledger keeps and a config pins. None stands
for columns under the names they have in the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.datasets.names import (
    are_counted,
    bare,
    columns_wanted,
    counted_from_one,
    is_component,
    is_role,
    likeness,
    problems_with_data,
    roles,
)
from core.datasets.tables.formats import complete
from core.datasets.tables.table import Table
from core.errors import LabError
from core.problems import CATALOGUE
from core.problems.base import Problem

NOTHING = "nothing"
"""The role of a column that is left out."""


@dataclass(frozen=True)
class Column:
    """One column of a file, what it stands for, and the factor that takes it into the problem's units."""

    column: str
    role: str
    factor: float = 1.0

    def __post_init__(self) -> None:
        """Raises LabError for a factor that loses everything."""
        if not math.isfinite(self.factor) or self.factor == 0:
            raise LabError(f"{self.column!r} can't be taken {self.factor:g} times: a factor is a number other than 0.")

    def __str__(self) -> str:
        times = "" if self.factor == 1 else f"*{self.factor!r}"
        return f"{self.column}={self.role}{times}"


@dataclass(frozen=True)
class Guess:
    """What a file's columns are likely to be."""

    columns: tuple[Column, ...]
    """One for each that has a role."""
    title: str = ""
    """The problem whose coordinates and fields are all there."""
    notes: tuple[str, ...] = ()

    def changed(self, asked: Iterable[Column]) -> list[Column]:
        """The columns with what a person says of some of them in place of what was guessed."""
        asked = list(asked)
        names, taken = {column.column for column in asked}, {column.role for column in asked}
        return [*(c for c in self.columns if c.column not in names and c.role not in taken), *asked]


def parse_column(text: str) -> Column:
    """A column from `column=role`, `column=role*factor` or `column=role/divisor`. Raises LabError."""
    column, equals, rest = text.rpartition("=")
    role, sign, factor = (part.strip() for part in re.fullmatch(r"([^*/]*)([*/]?)(.*)", rest, re.S).groups())
    try:
        number = float(factor) if sign else 1.0
        number = 1 / number if sign == "/" else number
    except (ValueError, ZeroDivisionError):
        number = math.nan
    if not equals or not column.strip() or not math.isfinite(number):
        raise LabError(
            f"{text!r} says nothing of a column: write column=role or column=role*factor, as in 'x (mm)=x*0.001'."
        )
    role = role or NOTHING
    if not role.isidentifier():
        raise LabError(
            f"{role!r} can't be what a column stands for: a coordinate or field such as {', '.join(roles()[:4])}."
        )
    return Column(column.strip(), role, number)


def parse_mapping(text: str) -> list[Column]:
    """The columns in a mapping. Raises LabError."""
    return [parse_column(part) for part in text.split(";") if part.strip()]


def mapping_of(columns: Iterable[Column]) -> str:
    """A mapping from columns; those that stand for nothing are not in it. Raises LabError for a role given twice."""
    kept = [column for column in columns if column.role != NOTHING]
    for column in kept:
        if twice := [other.column for other in kept if other.role == column.role][1:]:
            raise LabError(
                f"{column.role} can be one column only, and {column.column!r} and {twice[0]!r} are to be it."
            )
    if not kept:
        raise LabError("No column stands for a coordinate or a field, so nothing could be learned from the file.")
    return "; ".join(sorted(map(str, kept)))


def guess(table: Table, problem: Problem | type[Problem] | None = None) -> Guess:
    """The likely roles of a table's columns: all of those of a problem, if they are there.

    Args:
        table: what the file holds.
        problem: what they are to be the coordinates and fields of; without it of any, rather one that learns from data.
    """
    names = [*table.columns, *table.refused]
    learning = problems_with_data() if problem is None else [problem]
    others = [each for each in CATALOGUE if each.coordinates] if problem is None else []
    if not table.named or are_counted(list(table.columns)):
        by_place = _by_place(list(table.columns), learning)
        if by_place.title or not table.named:
            return by_place
    best: tuple[int, bool, int, type[Problem], list[Column]] | None = None
    for candidate in (*learning, *others):
        wanted = columns_wanted(candidate)
        found, score = _fitted(names, wanted)
        if len(found) == len(wanted):
            rank = (len(wanted), candidate in learning, score)
            if best is None or rank > best[:3]:
                best = (*rank, candidate, found)
    if (best is None or not best[1]) and (by_place := _points_by_place(list(table.columns), learning)):
        return by_place
    if best is not None:
        return Guess(tuple(best[4]), best[3].title, _parts_of_complex(best[4]))
    found, _ = _fitted(names, roles())
    taken = {column.column for column in found} | {column.role for column in found}
    found += [
        Column(name, bare(name))
        for name in table.columns
        if name not in taken and bare(name).isidentifier() and bare(name) not in taken
    ]
    return Guess(tuple(found))


def _fitted(names: list[str], wanted: tuple[str, ...]) -> tuple[list[Column], int]:
    """The columns that fit some roles best, one for each, and how well they do."""
    spelled = counted_from_one(names)
    fits = [
        (-likeness(spelled[name], role), wanted.index(role), names.index(name), name, role)
        for name in names
        for role in wanted
    ]
    found: dict[str, Column] = {}
    score = 0
    for fit, _, _, name, role in sorted(fits):
        if fit and role not in found and all(column.column != name for column in found.values()):
            found[role] = Column(name, role)
            score -= fit
    return [found[role] for role in wanted if role in found], score


def _points_by_place(names: list[str], learning: list[Problem | type[Problem]]) -> Guess | None:
    """Coordinates and columns of other names, or points in a matrix, X[:, 0] and X[:, 1], and values beside it."""
    spelled = counted_from_one(names)
    points = [name for name in names if is_component(spelled[name])]
    values = [name for name in names if name not in points]
    for problem in learning:
        fields = columns_wanted(problem)[len(problem.coordinates) :]
        if len(names) == len(problem.coordinates) + len(fields):
            at, _ = _fitted(names, problem.coordinates)
            rest = [name for name in names if all(column.column != name for column in at)]
            if len(at) == len(problem.coordinates) and not any(map(is_role, rest)):  # then they are the fields
                said = f"{', '.join(rest)} is taken for {', '.join(fields)}."
                named = [Column(name, role) for name, role in zip(rest, fields, strict=True)]
                return Guess((*at, *named), problem.title, (said,))
        if len(points) == len(problem.coordinates) and len(values) == len(fields):
            given = zip([*points, *values], [*problem.coordinates, *fields], strict=True)
            said = f"{', '.join(points)} are taken for {', '.join(problem.coordinates)}, in this order."
            return Guess(tuple(Column(name, role) for name, role in given), problem.title, (said,))
    return None


def _by_place(names: list[str], learning: list[Problem | type[Problem]]) -> Guess:
    for problem in learning:
        wanted = columns_wanted(problem)
        if len(wanted) == len(names):
            columns = tuple(Column(name, role) for name, role in zip(names, wanted, strict=True))
            return Guess(columns, problem.title, ("The columns have no names and are taken in this order.",))
    return Guess(tuple(Column(name, name) for name in names if name.isidentifier()))


def _parts_of_complex(found: list[Column]) -> tuple[str, ...]:
    if parts := [column.column for column in found if column.column.endswith((".real", ".imag"))]:
        return (f"{', '.join(parts)}: the numbers are complex, and this part of them is taken.",)
    return ()


def stored(columns: Iterable[Column], table: Table) -> str | None:
    """The mapping that says this of a table, None where the names in the file say the same.

    Raises LabError: a column that is not there or holds no numbers, a role given twice, or no role at all.
    """
    columns = list(columns)
    mapping = mapping_of(columns)
    _check(columns, table)
    kept = [column for column in columns if column.role != NOTHING]
    own = all(column.column == column.role and column.factor == 1 for column in kept)
    rest = table.columns.keys() - {column.column for column in kept}
    silent = all(name not in roles() and not np.isnan(table.columns[name]).any() for name in rest)
    return None if own and silent else mapping


def _check(columns: Iterable[Column], table: Table) -> None:
    for column in columns:
        if column.column not in table.columns and column.role != NOTHING:
            if column.column in table.refused:
                raise LabError(table.refused[column.column])
            raise LabError(f"There is no column {column.column!r} in the file; it has {', '.join(table.columns)}.")


def mapped(name: str, table: Table, mapping: str | None) -> tuple[dict[str, np.ndarray], str]:
    """Role → (n,) read-only, coordinates first, rows with a missing number left out, and a sentence on those or "".

    Raises LabError: a column that is not there or holds no numbers, or no whole row.
    """
    if mapping is None:
        return complete(name, table)
    columns = parse_mapping(mapping)
    try:
        _check(columns, table)
    except LabError as error:
        raise LabError(f"The dataset {name!r} does not have what its mapping says: {error}") from None
    chosen = {
        column.role: table.columns[column.column] * column.factor
        if column.factor != 1
        else table.columns[column.column]
        for column in sorted(
            columns, key=lambda column: roles().index(column.role) if column.role in roles() else len(roles())
        )
    }
    return complete(name, Table(chosen))
