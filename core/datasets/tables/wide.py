"""Wide tables, turned into one row for each time: COMSOL's `u @ t=0.1`, and an axis's numbers as a header."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from core.datasets.names import stem
from core.datasets.tables.limits import check_cells
from core.datasets.tables.table import plural
from core.errors import LabError

AT = re.compile(r"^(?P<name>.+?)\s*@\s*(?:\d+:\s*)?(?P<where>.+)$|^(?P<given>\w*)\s*\(?(?P<there>\w+\s*=[^()]+)\)?$")
"""Also `u(t=0.1)`, and `t=0.1` alone."""
SETTING = re.compile(r"([^\W\d]\w*)\s*=\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)")

Columns = list[tuple[str, np.ndarray]]
Setting = tuple[tuple[str, float], ...]


def long(name: str, columns: Columns, notes: list[str]) -> Columns:
    """Columns (n,) with those of several times below each other, and the times as a column; others are repeated."""
    plain: Columns = []
    blocks: dict[Setting, dict[str, np.ndarray]] = {}
    for column, values in columns:
        found = AT.match(column)
        where = found["where"] or found["there"] if found else ""
        setting = tuple((key, float(value)) for key, value in SETTING.findall(where))
        if not setting:
            plain.append((column, values))
            continue
        field = found["name"] or found["given"] or "u"
        if field in blocks.setdefault(setting, {}):
            raise LabError(f"{name}: two columns are called {column!r}.")
        blocks[setting][field] = values
    if not blocks:
        return columns
    fields = list(dict.fromkeys(field for block in blocks.values() for field in block))
    places = list(dict.fromkeys(key for setting in blocks for key, _ in setting))
    rows = len(columns[0][1])
    check_cells(name, rows * len(blocks), len(plain) + len(places) + len(fields))
    notes.append(
        f"{', '.join(fields)}: given at {plural(len(blocks), 'value')} of {', '.join(places)}, one row for each now."
    )

    def below(parts: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate(list(parts))

    nothing = np.full(rows, np.nan)
    result = [(column, np.tile(values, len(blocks))) for column, values in plain]
    result += [
        (place, below(np.full(rows, dict(setting).get(place, np.nan)) for setting in blocks)) for place in places
    ]
    return result + [(field, below(block.get(field, nothing) for block in blocks.values())) for field in fields]


def crossed(name: str, columns: Columns, notes: list[str]) -> Columns:
    """A matrix under an axis (the columns' names) and beside another (the first column) → both axes and the cells."""
    (corner, down), *others = columns
    check_cells(name, len(down) * len(others), 3)
    side = "" if corner.isdigit() else re.split(r"\s*[\\/|]\s*", corner)[0]
    across = {"x": "t", "t": "x"}.get(stem(side), "across") if side else "across"
    side = side or "down"
    notes.append(
        f"The first line is an axis, taken for {across}; the first column is {side}; the cells are taken for u."
    )
    return [
        (side, np.repeat(down, len(others))),
        (across, np.tile([float(column) for column, _ in others], len(down))),
        ("u", np.stack([values for _, values in others], axis=1).reshape(-1)),
    ]
