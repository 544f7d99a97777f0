"""Tables in text files, read by pandas once their layout is known."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.datasets.tables.layout import (
    BLANKS,
    COMMENT,
    MISSING,
    REMARK,
    Layout,
    is_comment,
    is_missing,
    layout_of,
    split,
)
from core.datasets.tables.limits import check_cells
from core.datasets.tables.table import Table, table_of, tidy
from core.datasets.tables.wide import crossed, long
from core.errors import LabError

if TYPE_CHECKING:
    import pandas as pd

    from core.datasets.tables.formats import Told

CHUNK = 100_000
"""Rows that are read at a time."""

FORTRAN = re.compile(rb"(?<![\w.])(\d+\.?\d*|\.\d+)[dD]([+-]?\d{1,3})\b")
FORTRAN_SHORT = re.compile(rb"(?<![\w.])(\d*\.\d+)([+-]\d{3})(?![\w.])")
"""An exponent of three digits, for which Fortran leaves its letter out."""
REMARKS = re.compile(b"(?m)" + REMARK.pattern.encode())
COMMENT_LINE = re.compile(rb"(?m)^[ \t]*(?:#(?!N/?A|DIV/0!|VALUE!|NAME\?|REF!|NULL!|NUM!)|%|//|!).*$")
EMPTY_LINE = re.compile(rb"(?m)^[ \t,;|]+$")
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def read_text(name: str, data: bytes, told: Told) -> Table:
    """A table with or without a header; comments, an index column and blank lines are left out.

    Raises LabError: it is no text, has no rows, rows of different lengths, or columns without names.
    """
    text, notes = _utf8(name, data)
    layout = layout_of(name, text)
    names = list(map(tidy, layout.header or ())) or [f"column_{i + 1}" for i in range(layout.width)]
    body = _body(text, layout)
    columns, refused = [], {}
    frames = _frames(name, body, layout, told)
    if not names[0] and all(frame[layout.width - 1].isna().all() for frame in frames):
        names = [*names[1:], ""]  # no index: the rows end in a delimiter, and the header does not
    for i, column in enumerate(names):
        values, bad = _numbers([frame[i] for frame in frames], layout)
        if bad is None:
            columns.append((column, values))
            continue
        row, cell = bad
        line = _line_of(body, row) + layout.first
        refused[column or "index"] = f"{name}, line {line}, column {column}: {cell[:40]!r} is no finite number."
    notes += layout.notes
    if layout.crossed:
        return table_of(name, crossed(name, columns, notes), refused=refused, notes=notes)
    if layout.header:
        columns = _without_index(name, columns, notes)
    return table_of(name, long(name, columns, notes), refused=refused, notes=notes, named=layout.header is not None)


def _utf8(name: str, data: bytes) -> tuple[bytes, list[str]]:
    """The text as UTF-8 with plain line ends, and how it was encoded where that is worth a word."""
    notes = []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or _looks_like_utf16(data):
        order = (
            "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        )
        try:
            data = data.decode(order).encode()
        except UnicodeError:
            raise LabError(f"{name} is no text: it begins as UTF-16 and goes on otherwise.") from None
        notes.append("Read as UTF-16.")
    data = data.removeprefix(b"\xef\xbb\xbf").rstrip(b"\x1a\0")
    if data.startswith(b"PK\x03\x04"):
        raise LabError(
            f"{name} is no text but an archive, as Excel's .xlsx is. Save it as CSV there, or as .npz in NumPy."
        )
    if data.startswith(b"# Created by Octave") and data.count(b"\n# name:") > 1:
        raise LabError(f"{name} is in Octave's own text format. Save it by `save -v7 {Path(name).stem}.mat` there.")
    if found := CONTROL.search(data):
        raise LabError(
            f"{name} is no text: byte {found.start()} is a control character, so it is not UTF-8, UTF-16 or Latin-1."
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        data = data.decode("cp1252", "replace").encode()
        notes.append("Read as Latin-1 (Windows-1252).")
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), notes


def _looks_like_utf16(data: bytes) -> bool:
    """Whether every other of the first bytes is zero, as in UTF-16 of Western text without its mark."""
    start = data[:200]
    return len(start) > 3 and any(start[1::2]) != any(start[::2]) and b"\0" in start


def _body(text: bytes, layout: Layout) -> bytes:
    """The rows of numbers, in the form that pandas takes; what is left out leaves its line behind."""
    at = 0
    for _ in range(layout.first):
        at = text.index(b"\n", at) + 1
    body = text[at:]
    if any(mark.encode() in body for mark in COMMENT):
        body = REMARKS.sub(b"", COMMENT_LINE.sub(b"", body))
    body = EMPTY_LINE.sub(b"", body)
    if b"\xe2\x88\x92" in body:
        body = body.replace(b"\xe2\x88\x92", b"-")  # the typographer's minus
    if re.search(rb"[0-9.][dD][+-]?[0-9]", body):
        body = FORTRAN.sub(rb"\1e\2", body)
    if re.search(rb"\d[+-]\d", body):
        body = FORTRAN_SHORT.sub(rb"\1e\2", body)
    body = body.replace(b"*^", b"e")  # Mathematica's
    if layout.thousands:
        body = _without_thousands(body, layout)
    return body


def _without_thousands(body: bytes, layout: Layout) -> bytes:
    blanks = b"" if layout.delimiter == BLANKS else rb"|[ ]|\xc2\xa0|\xe2\x80\xaf"
    point = rb"[.]" if layout.decimal == "," else rb"[,]"
    within = re.compile(rb"(?<=\d)(?:'" + blanks + rb")(?=\d{3}(?!\d))")
    points = re.compile(rb"(?<=\d)" + point + rb"(?=\d{3}(?!\d))")
    body = within.sub(b"", body)
    if layout.delimiter == ",":  # where commas are, they stand between quotes
        return re.sub(rb'"[^"\n]*"', lambda found: points.sub(b"", found[0]), body)
    return points.sub(b"", body)


def _frames(name: str, body: bytes, layout: Layout, told: Told) -> list[pd.DataFrame]:
    import pandas as pd

    frames, rows = [], 0
    expected = max(1, body.count(b"\n"))
    try:
        for frame in pd.read_csv(
            io.BytesIO(body),
            sep=layout.delimiter,
            header=None,
            decimal=layout.decimal,
            na_values=list(MISSING),
            skipinitialspace=True,
            chunksize=CHUNK,
            low_memory=False,
        ):
            frames.append(frame)
            rows += len(frame)
            check_cells(name, rows, layout.width)
            told(min(1.0, rows / expected))
    except pd.errors.ParserError as error:
        words = str(error).strip().splitlines()[-1]
        if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", words):
            line = _line_of(body, int(found[2]) - 1) + layout.first
            raise LabError(f"{name}, line {line}: {found[3]} cells, and the first row has {found[1]}.") from None
        raise LabError(f"{name} is no CSV file: {words.removeprefix('Error tokenizing data. C error: ')}.") from None
    for frame in frames:
        frame.index = range(len(frame))
    _check_short_rows(name, body, frames, layout)
    return frames


def _check_short_rows(name: str, body: bytes, frames: list[pd.DataFrame], layout: Layout) -> None:
    """A row that ends early is a damaged file; pandas takes it for one whose last cells are empty."""
    wide = layout.width - 1
    if all(wide in frame and not frame[wide].isna().any() for frame in frames):
        return
    named = "the header has" if layout.header else "most rows have"
    for line, text in _lines(body):
        cells = len(split(text, layout.delimiter))
        if cells < layout.width:
            raise LabError(f"{name}, line {line + layout.first}: {cells} cells, and {named} {layout.width}.")


def _lines(body: bytes) -> Iterator[tuple[int, str]]:
    """Rows and their lines, counted from 1."""
    for line, text in enumerate(io.BytesIO(body), 1):
        if text.strip():
            yield line, text.decode("utf-8", "replace").rstrip("\n")


def _line_of(body: bytes, row: int) -> int:
    """The line of a row, which counts from 0."""
    return next((line for i, (line, text) in enumerate(_lines(body)) if i == row and not is_comment(text)), row + 1)


def _numbers(parts: list[pd.Series], layout: Layout) -> tuple[np.ndarray, tuple[int, str] | None]:
    """A column's numbers, or the row and text of its first cell that is none."""
    found, rows = [], 0
    for part in parts:
        if part.dtype.kind in "iuf":
            found.append(part.to_numpy(dtype=float))
        else:
            values = np.empty(len(part))
            for i, cell in enumerate(part):
                number = _number(cell, layout.decimal)
                if number is None:
                    return values, (rows + i, str(cell))
                values[i] = number
            found.append(values)
        rows += len(part)
    values = np.concatenate(found)
    bad = np.flatnonzero(np.isinf(values))
    return values, (int(bad[0]), str(values[bad[0]])) if len(bad) else None


def _number(cell: object, decimal: str) -> float | None:
    if cell is True or cell is False:
        return None
    text = str(cell).strip()
    if is_missing(text):
        return np.nan
    try:
        return float(text.replace(decimal, ".")) if "_" not in text else None
    except ValueError:
        return None


def _without_index(name: str, columns: list[tuple[str, np.ndarray]], notes: list[str]) -> list[tuple[str, np.ndarray]]:
    """Columns without those that only count the rows or are empty. Raises LabError for others without a name."""
    kept = []
    for i, (column, values) in enumerate(columns):
        unnamed = not column or re.fullmatch(r"Unnamed: \d+", column)
        if unnamed and np.isnan(values).all():
            continue
        if unnamed and i == 0:
            if np.array_equal(values, np.arange(len(values)) + values[0]):
                notes.append("The first column counts the rows and is left out.")
                continue
            column = "index"
        elif not column:
            raise LabError(f"{name}: column {i + 1} of the first row has no name.")
        kept.append((column, values))
    return kept
