"""A config in words: fields that differ, and what of an old one was not read as it was written."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from core.config import Difference
from pages.parts.shared.text import plain


def note_list(notes: tuple[str, ...]) -> None:
    """What of an old config is not read as it was written."""
    if notes:
        lines = "\n".join(f"- {plain(note)}" for note in notes)
        st.warning(f"Not all of the config is as it was written:\n{lines}", icon=":material/history:")


def difference_table(changed: tuple[Difference, ...], before: str, after: str) -> None:
    """Fields and their values on both sides."""
    rows = {
        "field": [field_text(item.field) for item in changed],
        before: [value_text(item.before) for item in changed],
        after: [value_text(item.after) for item in changed],
    }
    st.table(rows, border="horizontal", hide_index=True)


def field_text(path: str) -> str:
    """A field's path in words that wrap in a narrow column: stages.0.target_residual → stage 1 · target residual."""
    path = re.sub(r"^stages\.(\d+)\.", lambda match: f"stage {int(match[1]) + 1} · ", path)
    return plain(path.replace(".", " · ").replace("_", " "))


def value_text(value: Any) -> str:
    """A config's value as the form shows it."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else plain(str(value))
