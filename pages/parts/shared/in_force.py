"""Whether a run did what it was asked for."""

from __future__ import annotations

import streamlit as st

from core.tracking.in_force import InForce
from pages.parts.shared.config_words import difference_table, value_text
from pages.parts.shared.text import Markdown, plain


def in_force_badge(found: InForce | None) -> Markdown:
    """The config in force against the one asked for, as a badge in Markdown; empty before the run has begun."""
    if found is None:
        return ""
    if found.matches:
        return ":green-badge[:material/check: config in force matches]"
    count = len(found.differing)
    return f":red-badge[:material/warning: {count:d} field{'s' * (count > 1)} not as asked]"


def in_force_view(found: InForce | None) -> None:
    """The badge, what the run chose itself, and what it did otherwise."""
    if found is None:
        st.caption("The config in force was not noted: the run has not begun, or is older than this check.")
        return
    chosen = [f"{plain(item.field)} {value_text(item.before)} → {value_text(item.after)}" for item in found.resolved]
    st.markdown(in_force_badge(found), help="Chosen by the run:\n\n" + "\n\n".join(chosen) if chosen else None)
    if found.differing:
        difference_table(found.differing, "asked for", "in force")
