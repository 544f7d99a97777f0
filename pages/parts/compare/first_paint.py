"""What matters first is painted first."""

from __future__ import annotations

import time

import streamlit as st

PAUSE_S = 0.9
"""About what a browser needs for a table of a thousand runs."""


def let_it_paint(page: str) -> None:
    """Hold back what comes below on a session's first visit to a page, until the browser has painted what stands above.

    The browser draws all that has arrived in one go: with a chart and its controls in it, the table above is usable
    a second later than without. Nothing comes later for it, since the browser is at work on the table meanwhile.
    """
    if st.session_state.setdefault(f"painted.{page}", None) is None:
        st.session_state[f"painted.{page}"] = True
        time.sleep(PAUSE_S)
