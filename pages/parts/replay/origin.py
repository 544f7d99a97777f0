"""Where a run comes from and whether it did what it was asked for."""

from __future__ import annotations

import streamlit as st

from core.runs import run_folder
from core.tracking.in_force import InForce
from core.tracking.origin import origin
from pages.parts.launch.source import difference_table, value_text


def in_force_badge(found: InForce | None) -> str:
    """The config in force against the one asked for, as a badge in Markdown; empty before the run has begun."""
    if found is None:
        return ""
    if found.matches:
        return ":green-badge[:material/check: config in force matches]"
    count = len(found.differing)
    return f":red-badge[:material/warning: {count} field{'s' * (count > 1)} not as asked]"


def in_force_view(found: InForce | None) -> None:
    """The badge, what the run chose itself, and what it did otherwise."""
    if found is None:
        st.caption("The config in force was not noted: the run has not begun, or is older than this check.")
        return
    chosen = [f"{item.field} {value_text(item.before)} → {value_text(item.after)}" for item in found.resolved]
    st.markdown(in_force_badge(found), help="Chosen by the run:\n\n" + "\n\n".join(chosen) if chosen else None)
    if found.differing:
        difference_table(found.differing, "asked for", "in force")


def provenance_view(run_id: str) -> None:
    """Code, machine, versions and seed of a run, with the uncommitted changes and the list of packages to keep."""
    with st.expander("Provenance", icon=":material/fingerprint:"):
        found = origin(run_folder(run_id))
        if not found.facts:
            st.caption("None was noted: the run has not begun, or was made by another program.")
            return
        rows = list(found.facts.items())
        half = (len(rows) + 1) // 2
        for column, part in zip(st.columns(2, gap="medium"), (rows[:half], rows[half:]), strict=True):
            names, values = zip(*part, strict=True)
            column.table(
                {"": list(names), "value": [value_text(v) for v in values]},
                border="horizontal",
                hide_index=True,
                hide_header=True,
            )
        with st.container(horizontal=True):
            name = run_id[:8]
            if found.diff:
                st.download_button("Uncommitted changes", found.diff, f"{name}.diff", icon=":material/download:")
            if found.lock:
                st.download_button(
                    "Installed packages", found.lock, f"{name}-environment.txt", icon=":material/download:"
                )
