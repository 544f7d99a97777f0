"""Where a run comes from."""

from __future__ import annotations

import streamlit as st

from core.errors import LabError
from core.runs import RunFolder
from core.tracking.origin import origin
from pages.parts.shared.config_words import value_text
from pages.parts.shared.text import LONGEST, message, plain


def provenance_view(folder: RunFolder) -> None:
    """Code, machine, versions and seed of a run, with the uncommitted changes and the list of packages to keep."""
    with st.expander("Provenance", icon=":material/fingerprint:"):
        try:
            found = origin(folder)
        except LabError as error:
            st.warning(message(error), icon=":material/broken_image:")
            return
        if not found.facts:
            st.caption("None was noted: the run has not begun, or was made by another program.")
            return
        rows = list(found.facts.items())
        half = (len(rows) + 1) // 2
        for column, part in zip(st.columns(2, gap="medium"), (rows[:half], rows[half:]), strict=True):
            names, values = zip(*part, strict=True)
            column.table(
                {"": [plain(name, LONGEST) for name in names], "value": [value_text(v) for v in values]},
                border="horizontal",
                hide_index=True,
                hide_header=True,
            )
        with st.container(horizontal=True):
            name = str(folder)
            if found.diff:
                st.download_button(
                    "Uncommitted changes",
                    found.diff,
                    f"{name}.diff",
                    on_click="ignore",
                    icon=":material/download:",
                )
            if found.lock:
                st.download_button(
                    "Installed packages",
                    found.lock,
                    f"{name}-environment.txt",
                    on_click="ignore",
                    icon=":material/download:",
                )
