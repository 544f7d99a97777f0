"""Tables for other programs, safe to open in a spreadsheet.

A spreadsheet runs a cell that begins with one of `FORMULA`, whoever wrote it. Such a text gets a `'` in front, as OWASP
advises, which spreadsheets show as text; one that has a `'` there already gets another, so that the text can be had
back: where a `'` is followed by more of them or by one of `FORMULA`, take one away. Numbers stay as they are, and so do
zeros at the beginning: read params as text (`pandas.read_csv(…, dtype=str)`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.tracking.written_numbers import number_of

if TYPE_CHECKING:
    import pandas as pd

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""Beginnings of what a spreadsheet takes for a formula."""


def cell_text(text: str) -> str:
    """A text as a cell that no spreadsheet runs; different texts stay different."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) and number_of(text) is None else text


def csv_of(frame: pd.DataFrame) -> bytes:
    """A table as CSV in UTF-8, its index first; times are in UTC, as ISO 8601 with the offset."""
    safe = frame.map(lambda value: cell_text(value) if isinstance(value, str) else value)
    return safe.to_csv().encode()
