"""The full metric history of a run: `history.arrows`, an append-only Arrow IPC stream.

The trainer appends whole record batches at least once a second; readers keep a byte offset and take only what is new.
A batch that was cut off by a crash is ignored by readers and overwritten by the next attempt.
"""

from __future__ import annotations

import io
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.names import history_column

WARMUP, MAIN = 0, 1
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


def schema(residual_names: tuple[str, ...]) -> pa.Schema:
    """Columns of a history: integers, numbers (NaN where a method has none), one RMS for each equation."""
    types = dict.fromkeys(columns_of(residual_names), pa.float64()) | dict.fromkeys(INTEGERS, pa.int64())
    return pa.schema(types)


def columns_of(residual_names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns of a history."""
    return (*INTEGERS, *NUMBERS, *map(history_column, residual_names))


class HistoryWriter:
    """Appends rows to a history file, buffered, flushed at least once a second.

    Args:
        path: the file; continued if it exists.
        residual_names: equations of the problem.
        on_flush: called with each flushed batch as column → list of values.
    """

    INTERVAL = 0.5
    """Seconds between flushes."""

    def __init__(
        self,
        path: Path,
        residual_names: tuple[str, ...],
        on_flush: Callable[[dict[str, list[float]]], None] | None = None,
    ):
        self.schema = schema(residual_names)
        self._on_flush = on_flush
        self._buffer: list[dict[str, object]] = []
        self._batches = 0
        self._last_flush = time.monotonic()
        self._file = path.open("r+b" if path.exists() else "w+b")
        end = _end_of_whole_messages(self._file)
        self._file.truncate(end)
        self._file.seek(end)
        if end == 0:
            self._write(self.schema.serialize())
        self.rows = _count_rows(path)

    def truncate(self, rows: int) -> None:
        """Keep the first `rows` rows only: what came after the checkpoint that a run resumes from is redone.

        The shorter file replaces the old one in one step; readers notice by its inode and start over.
        """
        path = Path(self._file.name)
        kept = read_history(path).columns
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            file.write(self.schema.serialize())
            if kept and rows:
                arrays = [pa.array(kept[name][:rows], type=self.schema.field(name).type) for name in self.schema.names]
                file.write(pa.record_batch(arrays, schema=self.schema).serialize())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        self._file.close()
        self._file = path.open("r+b")
        self._file.seek(0, os.SEEK_END)
        self.rows = rows

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
            pa.array(np.asarray(columns.get(name, np.full(rows, math.nan))), type=self.schema.field(name).type)
            for name in self.schema.names
        ]
        self._write_batch(pa.record_batch(arrays, schema=self.schema))

    def flush(self) -> None:
        """Write what is buffered."""
        self._last_flush = time.monotonic()
        if not self._buffer:
            return
        rows, self._buffer = self._buffer, []
        columns = {name: _numbers([row.get(name, math.nan) for row in rows]) for name in self.schema.names}
        arrays = [pa.array(columns[name], type=self.schema.field(name).type) for name in self.schema.names]
        self._write_batch(pa.record_batch(arrays, schema=self.schema))
        if self._on_flush:
            self._on_flush(columns)

    def close(self) -> None:
        """Flush and close; many small batches become one, which a reader takes in at once."""
        self.flush()
        if self._batches > COMPACT_FROM:
            self.truncate(self.rows)
        self._file.close()

    def _write_batch(self, batch: pa.RecordBatch) -> None:
        self._write(batch.serialize())
        self._batches += 1
        self.rows += batch.num_rows

    def _write(self, buffer: pa.Buffer) -> None:
        self._file.write(buffer)
        self._file.flush()


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


@dataclass(frozen=True)
class HistoryCursor:
    """How far a reader has come."""

    offset: int = 0
    inode: int = 0
    fields: pa.Schema | None = field(default=None, compare=False)


@dataclass(frozen=True)
class HistoryPart:
    """Rows read since a cursor, column → array (n,), and the cursor to continue from."""

    columns: dict[str, np.ndarray]
    cursor: HistoryCursor
    restarted: bool = False
    """The file was replaced since the cursor: `columns` starts at its beginning."""


def read_history(path: Path, cursor: HistoryCursor | None = None) -> HistoryPart:
    """What `path` holds beyond `cursor`; an empty part for a file that does not exist yet."""
    cursor = cursor or HistoryCursor()
    if not path.exists():
        return HistoryPart({}, cursor)
    with path.open("rb") as file:
        inode = os.fstat(file.fileno()).st_ino
        restarted = cursor.offset > 0 and inode != cursor.inode
        if restarted:
            cursor = HistoryCursor()
        fields, offset = cursor.fields, cursor.offset
        file.seek(offset)
        data = file.read()
    batches = []
    stream = pa.BufferReader(data)
    position = 0
    while True:
        message = _next_message(stream, len(data))
        if message is None:
            break
        if message.type == "schema":
            fields = pa.ipc.read_schema(message)
        else:
            batches.append(pa.ipc.read_record_batch(message, fields))
        position = stream.tell()
    columns = {}
    if batches:
        table = pa.Table.from_batches(batches)
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
    return HistoryPart(columns, HistoryCursor(offset + position, inode, fields), restarted)


def _next_message(stream: pa.NativeFile, size: int) -> pa.ipc.Message | None:
    """The next whole message, or None at the end or before a message that is still being written."""
    if stream.tell() >= size:
        return None
    try:
        return pa.ipc.read_message(stream)
    except (EOFError, OSError, pa.ArrowInvalid):
        return None


def _end_of_whole_messages(file: io.BufferedRandom) -> int:
    file.seek(0)
    data = file.read()
    stream, end = pa.BufferReader(data), 0
    while _next_message(stream, len(data)) is not None:
        end = stream.tell()
    return end


def _count_rows(path: Path) -> int:
    columns = read_history(path).columns
    return len(columns["iteration"]) if columns else 0
