"""How a cluster is, as it was seen last; a page that shows it has all of them asked anew, on a thread."""

from __future__ import annotations

import streamlit as st

from core.background import Background
from core.jobs.engines.contract import AUTO, LOCAL
from core.jobs.engines.states import EngineState, look_at
from pages.parts.shared.text import message

PLACES = {LOCAL: "this machine", AUTO: "the first that is free"}
"""Where runs go that go to no cluster by its name."""
LOOK_S = 15.0
"""Clusters are asked anew so often while somebody looks at such a page: an answer may take seconds."""
_looks: Background[list[EngineState]] = Background(lambda say: look_at())


def ask_engines() -> None:
    """Have the clusters of the settings asked, unless they were a moment ago; nobody waits for it."""
    _looks.ask(LOOK_S)


def engine_state(state: EngineState) -> None:
    """A line: what it has and how many runs, or why it can't be asked."""
    if state.view is not None and state.view.trouble:
        st.error(message(state.line), icon=":material/cloud_off:")
    else:
        counts = f"{state.at_work:,} at work, {state.pending:,} pending, {state.waiting:,} waiting"
        st.caption(f"{message(state.line)} · {counts}")
