"""What the machine did while a run was active: `machine.csv` in its folder, appended to, once a second at first.

Rows become rarer as the file grows, so that a run of months stays readable: each `ROWS` rows the interval doubles, and
it is never more than 1/2,500 of the time so far.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
from collections.abc import Mapping
from pathlib import Path

from core.runs.going_on import keep_aside

COLUMNS = (
    "time",
    "wall_time_s",
    "attempt",
    "cpu_percent",
    "run_cpu_percent",
    "memory_used_mb",
    "memory_total_mb",
    "run_memory_mb",
    "disk_free_mb",
    "gpu_percent",
    "gpu_memory_used_mb",
    "gpu_memory_total_mb",
    "gpu_temperature_c",
    "gpu_power_w",
)
"""`time` is Unix time; `wall_time_s` is that of the history, empty while the run does not train yet. CPU is in percent
of all cores, MB are 2²⁰ bytes. What could not be read is an empty cell."""
ROWS = 2500
"""Rows until the interval doubles."""


LONGEST_LINE = 1024
"""Bytes of a row at most."""


def interval_s(rows: int) -> float:
    """Seconds from a reading to the next, in a file that has so many."""
    return 2.0 ** (rows // ROWS)


class ReadingsWriter:
    """Appends to a run's readings; one process at a time, by the file's lock. Use `open_readings`."""

    def __init__(self, handle: int, columns: tuple[str, ...], rows: int, end: int):
        self._handle, self._columns, self.rows, self._end = handle, columns, rows, end

    def add(self, values: Mapping[str, float]) -> None:
        """Append a row; NaN is an empty cell. Raises OSError, and what was half written is taken back then."""
        cells = [_cell(values.get(name, math.nan)) for name in self._columns]
        data = (",".join(cells) + "\n").encode()
        try:
            written = os.write(self._handle, data)
            if written < len(data):
                raise OSError(28, os.strerror(28))
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._end)
            raise
        self._end += len(data)
        self.rows += 1

    def close(self) -> None:
        """Let another process go on."""
        os.close(self._handle)


def open_readings(path: Path) -> ReadingsWriter | None:
    """A run's readings, to be appended to; None while another process does so.

    A row that a crash cut off is ended first. Raises OSError.
    """
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        data = path.read_bytes()
        columns = columns_of(data)
        if data and "time" not in columns:  # something else is there: it is kept beside, and nothing of it is used
            keep_aside(path)
            os.close(handle)
            return open_readings(path)
        if not data:
            data, columns = (",".join(COLUMNS) + "\n").encode(), COLUMNS
            os.write(handle, data)
        elif not data.endswith(b"\n"):
            os.write(handle, b"\n")
        return ReadingsWriter(handle, columns, max(0, data.count(b"\n") - 1), os.fstat(handle).st_size)
    except OSError:
        with contextlib.suppress(OSError):
            os.close(handle)
        raise


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}".rstrip("0").rstrip(".")


def columns_of(data: bytes) -> tuple[str, ...]:
    """The columns that the first line of a file names."""
    return tuple(data.partition(b"\n")[0].decode("utf-8", "replace").strip().split(","))


def newest_reading(path: Path) -> dict[str, float]:
    """The last whole row of a run's readings, by column; empty where there is none. What was not read is NaN."""
    try:
        with path.open("rb") as file:
            columns = columns_of(file.readline(LONGEST_LINE))
            file.seek(max(file.tell(), file.seek(0, os.SEEK_END) - LONGEST_LINE))
            lines = file.read(LONGEST_LINE).split(b"\n")[:-1]
        cells = lines[-1].split(b",")
        return {name: float(cell) if cell else math.nan for name, cell in zip(columns, cells, strict=True)}
    except (OSError, IndexError, ValueError):
        return {}
