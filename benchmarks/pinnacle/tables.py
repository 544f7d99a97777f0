"""What a solution is held against: values of fields at points, such as PINNacle's tables of its references."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class TableError(Exception):
    """A table that is not there or can't be read; says which and why in one line."""


@dataclass(frozen=True)
class Table:
    """Values of fields at points."""

    coordinates: tuple[str, ...]
    points: np.ndarray
    """(n, d), float64."""
    values: Mapping[str, np.ndarray]
    """Field → (n,), float64."""
    known_to: float | None = None
    """How far an own reference is from one of half its resolution (relative L2), or from its boundary's values; None:
    exact, or not stated."""


def read_table(path: Path, coordinates: Sequence[str], fields: Sequence[str]) -> Table:
    """A CSV file with a header: columns of coordinates, and of fields, or of fields at moments as `u@t=0.5`.

    Of fields at moments, the moment is the last coordinate. Rows in which a value is not finite are left out.

    Raises:
        TableError: no such file, a column that is missing, a text that is no number.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file))
        data = np.array([[float(cell) for cell in row] for row in rows if row], dtype=np.float64)
    except OSError as error:
        raise TableError(f"{path} can't be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise TableError(f"{path} is no table of numbers with a header: {error}.") from error
    if data.ndim != 2 or data.shape[1] != len(header):
        raise TableError(f"{path} is no table of numbers with a header: {len(header)} names, and other columns.")
    columns = dict(zip(header, data.T, strict=True))
    moments = _moments(header)
    space = tuple(coordinates[:-1] if moments else coordinates)
    wanted = [*space, *(_at(field, moment) for field in fields for moment in moments or [None])]
    if missing := [name for name in wanted if name not in columns]:
        raise TableError(f"{path} has no column {', '.join(missing[:3])}; it has {', '.join(header[:8])}.")
    places = np.stack([columns[name] for name in space], axis=1)
    if moments:
        points = np.concatenate([np.column_stack([places, np.full(len(places), float(moment))]) for moment in moments])
        values = {name: np.concatenate([columns[_at(name, moment)] for moment in moments]) for name in fields}
    else:
        points, values = places, {name: columns[name] for name in fields}
    whole = np.isfinite(points).all(axis=1) & np.all([np.isfinite(value) for value in values.values()], axis=0)
    return Table(tuple(coordinates), points[whole], {name: value[whole] for name, value in values.items()})


def _moments(header: Sequence[str]) -> list[str]:
    """Texts of the moments that columns are of, in their order, each once."""
    return list(dict.fromkeys(name.partition("@t=")[2] for name in header if "@t=" in name))


def _at(field: str, moment: str | None) -> str:
    return field if moment is None else f"{field}@t={moment}"


def relative_l2(found: Mapping[str, np.ndarray], held_against: Mapping[str, np.ndarray]) -> float:
    """‖u − u_ref‖₂ / ‖u_ref‖₂ over all points and all fields of `held_against` together."""
    off = sum(float(np.sum((found[name] - value) ** 2)) for name, value in held_against.items())
    size = sum(float(np.sum(value**2)) for value in held_against.values())
    return (off / size) ** 0.5
