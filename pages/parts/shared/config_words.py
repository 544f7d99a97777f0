"""A config in words: fields that differ, and what of an old one was not read as it was written."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.config import Difference
from core.config.differences import field_words
from pages.parts.shared.text import LONGEST_MESSAGE, Markdown, plain

LONGEST_VALUE = 200
"""Characters of a value in a table."""


def note_list(notes: tuple[str, ...]) -> None:
    """What of an old config is not read as it was written."""
    if notes:
        lines = "\n".join(f"- {plain(note, LONGEST_MESSAGE)}" for note in notes)
        st.warning(f"Not all of the config is as it was written:\n{lines}", icon=":material/history:")


def difference_table(changed: tuple[Difference, ...], before: Markdown, after: Markdown) -> None:
    """Fields and their values on both sides."""
    rows = {
        "field": [field_text(item.field) for item in changed],
        before: [value_text(item.before) for item in changed],
        after: [value_text(item.after) for item in changed],
    }
    st.table(rows, border="horizontal", hide_index=True)


def field_text(path: str) -> Markdown:
    """`field_words` for Markdown."""
    return plain(field_words(path), LONGEST_VALUE)


def value_text(value: Any) -> Markdown:
    """A config's value as the form shows it."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return plain(", ".join(map(str, value)), LONGEST_VALUE) or "none"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else plain(value, LONGEST_VALUE)
