"""The full metric history of a run: `history.arrows`, an append-only Arrow IPC stream.

The trainer appends whole record batches at least once a second; readers (`core.runs.history_stream`) keep a byte
offset and take only what is new. A batch that was cut off by a crash is ignored by readers and overwritten by the next
attempt.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.files import sync_folder
from core.names import history_column, unknown_column
from core.runs.history_stream import END, Begun, Hole, batch_bytes, checksum, column_of, read_history, schema_of

WARMUP, MAIN, PATH = 0, 1, 2
COMPACT_FROM = 50
"""Batches from which a closed history is put into one."""

INTEGERS = ("iteration", "stage", "phase")
NUMBERS = (
    "wall_time_s",
    "loss",
    "max_residual",
    "rms_residual",
    "lambda",
    "damping",
    "trust_ratio",
    "step_norm",
    "learning_rate",
    "device_memory_mb",
)


def schema(
    residual_names: tuple[str, ...],
    holes: Iterable[Hole] = (),
    begun: Begun | None = None,
    unknowns: Iterable[str] = (),
) -> pa.Schema:
    """Columns of a history: integers, numbers (NaN where a method has none), one RMS for each equation."""
    types = dict.fromkeys(columns_of(residual_names, unknowns), pa.float64()) | dict.fromkeys(INTEGERS, pa.int64())
    return schema_of(types, holes, begun)


def columns_of(residual_names: tuple[str, ...], unknowns: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of the columns of a history.

    Args:
        residual_names: equations of the problem.
        unknowns: its unknown numbers beside λ.
    """
    return (*INTEGERS, *NUMBERS, *map(history_column, residual_names), *map(unknown_column, unknowns))


class HistoryWriter:
    """Appends rows to a history file, buffered, flushed at least once a second.

    Args:
        path: the file; continued if it exists.
        residual_names: equations of the problem.
        on_flush: called with each flushed batch as column → list of values.
        unknowns: numbers beside λ that the problem looks for.
    """

    INTERVAL = 0.5
    """Seconds between flushes."""

    def __init__(
        self,
        path: Path,
        residual_names: tuple[str, ...],
        on_flush: Callable[[dict[str, list[float]]], None] | None = None,
        unknowns: Iterable[str] = (),
    ):
        self._path, self._residual_names, self._on_flush = path, residual_names, on_flush
        self._unknowns = tuple(unknowns)
        self._buffer: list[dict[str, object]] = []
        self._batches = 0
        self._failed = False
        self._last_flush = float("-inf")  # a run's first row is waited for, and is written at once
        there = read_history(path)
        self._begun = there.begun
        self.schema = schema(residual_names, there.holes, self._begun, self._unknowns)
        self.rows, self.checksum = there.cursor.rows, checksum(there.columns)
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._end = there.cursor.offset
        self._file.truncate(self._end)
        self._file.seek(self._end)
        if self._end == 0:
            self._write(self.schema.serialize().to_pybytes())

    def truncate(self, rows: int) -> None:
        """Begin an attempt: keep the first `rows` rows; what came after the checkpoint that it goes on from is redone.

        The shorter file replaces the old one in one step; readers notice by its inode and start over.
        """
        self._replace(rows, begins=True)

    def _replace(self, rows: int, begins: bool = False) -> None:
        there = read_history(self._path)
        kept = {name: block[:rows] for name, block in there.columns.items()}
        self.rows, self.checksum = len(kept.get("iteration", ())), checksum(kept)
        if begins:
            self._begun = Begun(os.getpid(), time.time(), self.rows)
        holes = [hole for hole in there.holes if rows and hole.row <= self.rows]
        self.schema = schema(self._residual_names, holes, self._begun, self._unknowns)
        replace_history(self._path, kept, self.schema)
        self._file.close()
        self._file = self._path.open("r+b", buffering=0)
        self._end = self._file.seek(0, os.SEEK_END)

    def append(self, **row: object) -> None:
        """Add one row; values are numbers or zero-dimensional tensors, which are read only when flushed."""
        self._buffer.append(row)
        if time.monotonic() - self._last_flush >= self.INTERVAL:
            self.flush()

    def extend(self, columns: dict[str, np.ndarray]) -> None:
        """Add many rows at once, each column (n,); columns that are left out become NaN."""
        self.flush()
        rows = len(columns["iteration"])
        arrays = [
            column_of(columns.get(name, np.full(rows, math.nan)), self.schema.field(name).type)
            for name in self.schema.names
        ]
        self._write_batch(pa.record_batch(arrays, schema=self.schema))

    def flush(self) -> None:
        """Write what is buffered. Raises OSError; the rows before stay whole then."""
        self._last_flush = time.monotonic()
        if not self._buffer:
            return
        rows, self._buffer = self._buffer, []
        columns = {name: _numbers([row.get(name, math.nan) for row in rows]) for name in self.schema.names}
        arrays = [column_of(columns[name], self.schema.field(name).type) for name in self.schema.names]
        self._write_batch(pa.record_batch(arrays, schema=self.schema))
        if self._on_flush:
            self._on_flush(columns)

    def sync(self) -> None:
        """Have all rows on disk: what a checkpoint counts must outlast a power cut. Raises OSError."""
        self.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush and close; many small batches become one, which a reader takes in at once."""
        try:
            if not self._failed:  # else it was said, and saying it again would hide it
                self.flush()
                if self._batches > COMPACT_FROM:
                    with contextlib.suppress(OSError):  # no room for a copy: the batches do as well
                        self._replace(self.rows)
                self._write(END)
                os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def _write_batch(self, batch: pa.RecordBatch) -> None:
        self._write(batch_bytes(batch))
        self._batches += 1
        self.rows += batch.num_rows
        self.checksum = checksum(batch, self.checksum)

    def _write(self, data: bytes) -> None:
        """Append a whole message, or nothing where the disk does not take it."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._failed = True
            self._file.truncate(self._end)
            raise
        self._end += len(data)


def replace_history(path: Path, columns: dict[str, np.ndarray], fields: pa.Schema) -> None:
    """Put these rows in the place of a history's, in one step. Raises OSError; the old file stays then."""
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(fields.serialize())
            if columns and len(next(iter(columns.values()))):
                arrays = [column_of(columns[name], fields.field(name).type) for name in fields.names]
                file.write(batch_bytes(pa.record_batch(arrays, schema=fields)))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _numbers(values: list[object]) -> list[float]:
    """Values as floats; tensors are stacked where they are, so that a GPU is asked once, not once a value."""
    alike: dict[tuple, list[int]] = {}
    for i, value in enumerate(values):
        if hasattr(value, "detach"):
            alike.setdefault((value.device, value.dtype), []).append(i)
    if not alike:
        return values
    import torch

    numbers = list(values)
    for places in alike.values():
        read = torch.stack([values[i].detach() for i in places]).cpu().double().tolist()
        for i, number in zip(places, read, strict=True):
            numbers[i] = number
    return [float(number) for number in numbers]
