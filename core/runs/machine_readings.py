"""A run's readings of the machine (`core.runs.machine_file`), read with a cursor, and placed on its history's axis."""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.runs.machine_file import COLUMNS, columns_of, interval_s

if TYPE_CHECKING:
    from core.runs.curves import Curves

LARGEST = 64_000_000
"""Bytes that are read of a file at once; a year of readings has four million."""
LATE = 3
"""Intervals without a reading that are a gap."""


class MachineReadings:
    """The readings of one run, kept up to date by reading only what is new. May be shared by threads."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._offset, self._inode, self._columns = 0, 0, ()
        self._rows = np.empty((0, len(COLUMNS)))

    def update(self) -> bool:
        """Read what is new since the last call; True if there was something. Lines that are no readings are left out.

        A file that can't be read now has nothing new.
        """
        with self._lock:
            try:
                with self._path.open("rb") as file:
                    found = os.fstat(file.fileno())
                    restarted = found.st_ino != self._inode or found.st_size < self._offset
                    if restarted:
                        had = len(self._rows)
                        self._forget()
                        self._inode = found.st_ino
                    file.seek(self._offset)
                    data = file.read(LARGEST)
            except OSError:
                return False
            whole = data[: data.rfind(b"\n") + 1]  # what comes after is being written, or was cut off
            self._offset += len(whole)
            lines = whole.split(b"\n")[:-1]
            if lines and not self._columns:
                self._columns = columns_of(lines.pop(0))
            rows = [row for line in lines if (row := _row(line, self._columns)) is not None]
            if rows:
                self._rows = np.concatenate([self._rows, np.array(rows)])
            return bool(rows) or (restarted and had > 0)

    def __len__(self) -> int:
        return len(self._rows)

    def column(self, name: str) -> np.ndarray:
        """All values of one of `COLUMNS` so far, (n,), NaN where it was not read."""
        return self._rows[:, COLUMNS.index(name)]


@dataclass(frozen=True)
class Placed:
    """Readings on an axis of a run's history: those from before it trained, and those that a resume undid, are out."""

    x: np.ndarray
    """Seconds of training or iterations, (n,), never decreasing."""
    values: dict[str, np.ndarray]
    """Column → (n,), NaN where it was not read."""
    gaps: np.ndarray
    """Before which readings (n,) some are missing: nobody sampled."""


def placed(readings: MachineReadings, curves: Curves | None = None, axis: str = "wall_time_s") -> Placed:
    """The readings on the axis that the run's residuals are drawn on.

    Args:
        readings: of the run.
        curves: the run's history, needed for iterations alone.
        axis: wall_time_s or iteration.
    """
    wall = readings.column("wall_time_s")
    rows = np.flatnonzero(_in_force(wall))
    x = wall = wall[rows]
    if axis == "iteration":
        seconds, iterations = (np.empty(0),) * 2 if curves is None else _clock_of(curves)
        shown = wall <= (seconds[-1] if len(seconds) else -1.0)
        rows, wall = rows[shown], wall[shown]
        # an iteration ends at its row: the first one began when training did
        x = np.interp(wall, np.append(0.0, seconds), np.append(0.0, iterations)) if len(wall) else wall
    late = LATE * np.array([interval_s(row) for row in rows])
    gaps = np.diff(wall, prepend=wall[:1]) > late
    return Placed(x, {name: readings.column(name)[rows] for name in COLUMNS}, gaps)


def _in_force(wall: np.ndarray) -> np.ndarray:
    """Which readings (n,) are of training that counts: the run trained, and no later attempt went back behind them."""
    later = np.append(np.where(np.isnan(wall), np.inf, wall)[1:], np.inf)
    return wall <= np.minimum.accumulate(later[::-1])[::-1]


def _clock_of(curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of training and iterations, (n,) each, both increasing."""
    iterations, seconds = curves.points("wall_time_s")
    known = np.isfinite(seconds)
    return np.maximum.accumulate(seconds[known]), iterations[known]


def _row(line: bytes, columns: tuple[str, ...]) -> list[float] | None:
    """A line's values in the order of `COLUMNS`; None for one that is torn or no reading."""
    cells = line.split(b",")
    if len(cells) != len(columns):
        return None
    try:
        found = {name: float(cell) if cell else math.nan for name, cell in zip(columns, cells, strict=True)}
    except ValueError:
        return None
    row = [found.get(name, math.nan) for name in COLUMNS]
    return row if math.isfinite(row[0]) and not any(map(math.isinf, row)) else None
