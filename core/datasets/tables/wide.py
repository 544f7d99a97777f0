"""COMSOL's wide tables: one column for each time, `u @ t=0.1`, turned into one row for each time."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from core.datasets.tables.limits import check_cells
from core.datasets.tables.table import plural
from core.errors import LabError

AT = re.compile(r"^(?P<name>.+?)\s*@\s*(?:\d+:\s*)?(?P<where>.+)$")
SETTING = re.compile(r"([^\W\d]\w*)\s*=\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)")

Columns = list[tuple[str, np.ndarray]]
Setting = tuple[tuple[str, float], ...]


def long(name: str, columns: Columns, notes: list[str]) -> Columns:
    """Columns (n,) with those of several times below each other, and the times as a column; others are repeated."""
    plain: Columns = []
    blocks: dict[Setting, dict[str, np.ndarray]] = {}
    for column, values in columns:
        found = AT.match(column)
        setting = tuple((key, float(value)) for key, value in SETTING.findall(found["where"])) if found else ()
        if not setting:
            plain.append((column, values))
        elif found["name"] in blocks.setdefault(setting, {}):
            raise LabError(f"{name}: two columns are called {column!r}.")
        else:
            blocks[setting][found["name"]] = values
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
