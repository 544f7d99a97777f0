"""The bytes of a history: an Arrow IPC stream whose schema and batches carry checksums, read with a cursor.

Each batch's CRC-32 is over its rows, one after another, so that the checksum of many batches, of one that holds them
all and of a checkpoint that counts them are the same number. Histories of older programs have none and are read as they
are.
"""

from __future__ import annotations

import io
import json
import os
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

CHECKSUM, HOLES, BEGUN = b"lab.crc32", b"lab.holes", b"lab.begun"
"""Metadata of the schema: its own checksum, which says that batches have one too, the holes that were accepted, and
which attempt it is that appends."""

END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""Arrow's end of a stream: the writer closed it."""

SETTLED_S = 5.0
"""A batch is written at once: one that is still cut off after so long is not being written."""

UNREADABLE = (EOFError, OSError, ValueError, MemoryError, pa.ArrowException)


@dataclass(frozen=True)
class Hole:
    """Rows that a damaged history lost before its run was resumed all the same, by a person's choice."""

    row: int
    """Rows before the hole."""
    checkpoint_rows: int
    """Rows that the checkpoint counted from which the run went on."""
    checkpoint_checksum: int | None
    """Their checksum, where it was known."""

    def __str__(self) -> str:
        """What is missing, in one sentence."""
        if self.row < self.checkpoint_rows:
            return f"Rows {self.row + 1:,} to {self.checkpoint_rows:,} are missing: the history was damaged there."
        return f"The rows up to {self.row:,} are not those that the checkpoint was written with."


@dataclass(frozen=True)
class Begun:
    """The attempt that appends to a history: who looks at its rows must know which of them are an earlier one's."""

    pid: int
    """Its process."""
    time: float
    """When it began, in Unix seconds."""
    rows: int
    """Rows that earlier attempts left."""


@dataclass(frozen=True)
class HistoryCursor:
    """How far a reader has come."""

    offset: int = 0
    inode: int = 0
    fields: pa.Schema | None = field(default=None, compare=False)
    rows: int = field(default=0, compare=False)


@dataclass(frozen=True)
class HistoryPart:
    """Rows read since a cursor, column → array (n,), and the cursor to continue from."""

    columns: dict[str, np.ndarray]
    cursor: HistoryCursor
    restarted: bool = False
    """The file was replaced since the cursor: `columns` starts at its beginning."""
    damage: str | None = None
    """What is wrong after the rows that could be read, in one sentence; None while all is well."""
    closed: bool = False
    """The writer closed the file: nothing is missing at its end."""

    @property
    def holes(self) -> tuple[Hole, ...]:
        """The holes that were accepted so far."""
        metadata = self.cursor.fields.metadata if self.cursor.fields is not None else None
        return tuple(Hole(**hole) for hole in json.loads((metadata or {}).get(HOLES, b"[]")))

    @property
    def begun(self) -> Begun | None:
        """The attempt that appends; None where that is not known, as in histories of older programs."""
        metadata = self.cursor.fields.metadata if self.cursor.fields is not None else None
        try:
            return Begun(**json.loads((metadata or {})[BEGUN]))
        except (KeyError, ValueError, TypeError):
            return None

    @property
    def cut_off(self) -> str | None:
        """The damage, or that the end is missing of a history that was closed, which old ones don't tell."""
        if self.damage or self.closed or self.cursor.fields is None or not _vouched(self.cursor.fields):
            return self.damage
        return f"The history ends early: what came after row {self.cursor.rows:,} is missing."


NUMPY = {pa.int64(): np.int64, pa.float64(): np.float64}
"""Between columns of these types and numpy there is no need of `pa.array` and `to_numpy`, which import pandas: a run's
first rows waited half a second for that."""


def column_of(values: Iterable[float], kind: pa.DataType) -> pa.Array:
    """Numbers as a column."""
    if kind not in NUMPY:  # a history of another program
        return pa.array(values, type=kind)
    numbers = np.ascontiguousarray(values, dtype=NUMPY[kind])
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def numbers_of(column: pa.Array) -> np.ndarray:
    """A column's numbers, (n,)."""
    if column.type not in NUMPY or column.null_count or not len(column):
        return column.to_numpy(zero_copy_only=False)
    first = column.offset
    return np.frombuffer(column.buffers()[1], NUMPY[column.type])[first : first + len(column)]


def schema_of(names: Mapping[str, pa.DataType], holes: Iterable[Hole] = (), begun: Begun | None = None) -> pa.Schema:
    """A history's columns with their checksum, its holes, and the attempt that appends to it."""
    fields = pa.schema(list(names.items()))
    noted = json.dumps([asdict(hole) for hole in holes]).encode()
    metadata = {CHECKSUM: str(_schema_checksum(fields, noted)).encode(), HOLES: noted}
    if begun is not None:
        metadata[BEGUN] = json.dumps(asdict(begun)).encode()
    return fields.with_metadata(metadata)


def _schema_checksum(fields: pa.Schema, holes: bytes) -> int:
    return zlib.crc32(repr([(f.name, str(f.type)) for f in fields]).encode() + holes)


def _vouched(fields: pa.Schema) -> bool:
    return CHECKSUM in (fields.metadata or {})


def checksum(columns: Mapping[str, np.ndarray] | pa.RecordBatch, before: int = 0) -> int:
    """CRC-32 of rows, each column (n,) of eight-byte numbers, going on from that of the rows before."""
    if isinstance(columns, pa.RecordBatch):
        columns = {name: numbers_of(columns.column(name)) for name in columns.schema.names}
    if not columns:
        return before
    return zlib.crc32(np.stack([block.view(np.int64) for block in columns.values()], axis=1).tobytes(), before)


def batch_bytes(batch: pa.RecordBatch) -> bytes:
    """A batch as a message of the stream, with its checksum."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch, custom_metadata={"crc32": str(checksum(batch))})
    return sink.getvalue()[batch.schema.serialize().size : -len(END)]


def read_history(path: Path, cursor: HistoryCursor | None = None) -> HistoryPart:
    """What `path` holds beyond `cursor`; an empty part for a file that does not exist yet."""
    cursor = cursor or HistoryCursor()
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            restarted = cursor.offset > 0 and (status.st_ino != cursor.inode or status.st_size < cursor.offset)
            if restarted:
                cursor = HistoryCursor()
            file.seek(cursor.offset)
            data = file.read()
    except FileNotFoundError:
        return HistoryPart({}, cursor)
    except OSError as error:
        return HistoryPart({}, cursor, damage=f"The history can't be read: {(error.strerror or str(error)).lower()}.")
    batches, fields, rows, position = [], cursor.fields, cursor.rows, 0
    stream, wrong = pa.BufferReader(data), False
    while (message := _next_message(stream, len(data))) is not None:
        try:
            if message.type == "schema":
                fields = _schema(message)
            else:
                batches.append(_batch(data[position : stream.tell()], fields))
                rows += batches[-1].num_rows
        except UNREADABLE:
            wrong = True
            break
        position = stream.tell()
    columns = {}
    if batches:
        table = pa.Table.from_batches(batches)
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
    rest = data[position:]
    closed = rest == END
    unfinished = bool(rest) and not closed and time.time() - status.st_mtime > SETTLED_S
    damage = f"The history is damaged from row {rows + 1:,} on." if wrong or unfinished else None
    return HistoryPart(
        columns, HistoryCursor(cursor.offset + position, status.st_ino, fields, rows), restarted, damage, closed
    )


def _next_message(stream: pa.NativeFile, size: int) -> pa.ipc.Message | None:
    """The next whole message, or None at the end or before a message that is still being written."""
    if stream.tell() >= size:
        return None
    try:
        return pa.ipc.read_message(stream)
    except UNREADABLE:
        return None


def _schema(message: pa.ipc.Message) -> pa.Schema:
    """The columns. Raises ValueError where they are not what was written."""
    fields = pa.ipc.read_schema(message)
    if _vouched(fields):
        holes = fields.metadata.get(HOLES, b"")
        if fields.metadata[CHECKSUM] != str(_schema_checksum(fields, holes)).encode():
            raise ValueError("the schema's checksum is another")
    return fields


def _batch(message: bytes, fields: pa.Schema | None) -> pa.RecordBatch:
    """The rows of a message. Raises one of UNREADABLE where they are not what was written."""
    if fields is None:
        raise ValueError("there is no schema")
    with pa.ipc.open_stream(pa.BufferReader(fields.serialize().to_pybytes() + message)) as stream:
        batch, metadata = stream.read_next_batch_with_custom_metadata()
    batch.validate(full=True)
    if any(column.null_count for column in batch.columns):
        raise ValueError("a number is missing")
    if _vouched(fields):
        said = (metadata or {}).get(b"crc32")
        if said != str(checksum(batch)).encode():
            raise ValueError("the batch's checksum is another")
    return batch
