"""The slots as a picture of time: what ran where, what runs, and when what waits is due."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts.live.view import SOURCE

HERE = Path(__file__).parent
FEED = SOURCE + (HERE / "board_feed.js").read_text(encoding="utf-8")
"""For scripts of components: `feed` has the board and tells of changes; and how runs are put in words."""
STYLE = (HERE / "board.css").read_text(encoding="utf-8")

_component = st.components.v2.component(
    "singularity_lab_timeline",
    html='<div class="board-timeline"></div>',
    css=STYLE,
    js=FEED + (HERE / "board_timeline.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


@st.fragment
def timeline(key: str = "watch.timeline") -> None:
    """Draw the slots, the last hour and the forecast; a click on a run opens it.

    The browser asks `/live/board` for what moves, so that nothing here is run again for it.
    """
    opened = _component(key=key, on_opened_change=lambda: None).opened
    if opened:
        open_run(opened)


def open_run(run_id: str) -> None:
    """Show a run large on this page."""
    st.query_params["run"] = run_id
    st.rerun()
