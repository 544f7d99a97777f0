"""A report to download: about the runs of a page, or for a meeting. It is made in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from core.reports.asked import FORMATS, MOST_RUNS, Asked, Making
from pages.parts.shared.text import message
from pages.parts.shared.times import midnight, today

MIME = {
    "html": "text/html",
    "pdf": "application/pdf",
    "ipynb": "application/x-ipynb+json",
    "md": "application/zip",
}
THESE, SINCE = "These runs", "Since a date"
LOOK_S = 0.7
"""Seconds between two looks at one that is being made."""


def report_popover(key: str, run_ids: Sequence[str], meeting: bool = False) -> None:
    """A button that opens the choice of a report, makes it, and gives it to be saved.

    Args:
        key: prefix of the widgets' keys and of what the session keeps.
        run_ids: of the runs that it may be about.
        meeting: offer one of all that ended since a date, too.
    """
    with st.popover("Report", icon=":material/summarize:"):
        wanted = _choice(key, tuple(run_ids), meeting)
        made: Making | None = st.session_state.get(f"{key}.report")
        if made is not None and made.wanted != wanted:  # another one is wanted now
            made.cancel()
            made = st.session_state[f"{key}.report"] = None
        if wanted is None:
            return
        busy = made is not None and made.known().busy
        if (
            st.button("Make it", key=f"{key}.report.make", type="primary", disabled=busy, icon=":material/build:")
            and not busy
        ):
            st.session_state[f"{key}.report"] = made = Making(wanted)
            busy = True
        if made is not None:
            st.fragment(_state, run_every=LOOK_S if busy else None)(key)


def _choice(key: str, run_ids: tuple[str, ...], meeting: bool) -> Asked | None:
    """What is asked for; None where that is nothing, which is said."""
    about = THESE
    if meeting:
        about = st.segmented_control("About", [THESE, SINCE], default=THESE, key=f"{key}.report.about") or THESE
    form = st.selectbox("Format", list(FORMATS), format_func=FORMATS.get, key=f"{key}.report.form", width=260)
    if about == SINCE:
        day = st.date_input("Ended since", today() - timedelta(days=7), key=f"{key}.report.day", width=260)
        return Asked(form, since=midnight(day))
    if not run_ids:
        st.caption("No run is chosen.")
        return None
    if len(run_ids) > MOST_RUNS:
        st.caption(f"A report is about {MOST_RUNS} runs at most; tick fewer.")
        return None
    return Asked(form, run_ids)


def _state(key: str) -> None:
    """How far it is; once it is there, the button that saves it."""
    made: Making | None = st.session_state.get(f"{key}.report")
    if made is None:
        return
    known = made.known()
    if known.busy:
        st.progress(known.share, text="Reading runs and drawing figures")
        if st.button("Cancel", key=f"{key}.report.cancel", icon=":material/close:"):
            made.cancel()
            st.session_state[f"{key}.report"] = None
            st.rerun()
        return
    if st.session_state.get(f"{key}.report.seen") != id(made):
        st.session_state[f"{key}.report.seen"] = id(made)
        st.rerun()  # without the timer
    if known.error:
        st.error(message(known.error))
        return
    st.download_button(
        f"Save · {len(known.value) / 1e6:.1f} MB", known.value, made.wanted.file_name, MIME[made.wanted.form],
        on_click="ignore", key=f"{key}.report.save", icon=":material/download:",
    )  # fmt: skip
