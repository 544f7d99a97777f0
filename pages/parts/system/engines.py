"""The clusters that runs may be handed to: how each is, and its nodes."""

from __future__ import annotations

import streamlit as st

from core.background import Background
from core.jobs.engines.states import EngineState, engine_states, look_at
from pages.parts.shared.data_table import data_table
from pages.parts.shared.text import LONGEST, message, plain

LOOK_S = 15.0
"""Clusters are asked anew so often while somebody looks at the page, on a thread: an answer may take seconds."""
_looks: Background[list[EngineState]] = Background(lambda say: look_at())


def engines_view() -> None:
    """A line for each engine and a row for each of its nodes; nothing in a lab without clusters."""
    states = engine_states()
    if not states:
        return
    _looks.ask(LOOK_S)
    st.subheader("Engines")
    for state in states:
        trouble = state.view is not None and bool(state.view.trouble)
        version = state.view.version if state.view is not None else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(state.name)}**", width="content")
            st.caption(f"{plain(state.kind)} {plain(version)} · {plain(state.where, LONGEST)}")
        if trouble:
            st.error(message(state.line), icon=":material/cloud_off:")
        else:
            counts = f"{state.at_work:,} at work, {state.pending:,} pending, {state.waiting:,} waiting"
            st.caption(f"{message(state.line)} · {counts}")
        rows = [
            {
                "Node": node.name,
                "State": node.word or ("up" if node.up else "down"),
                "Cores": node.cpus,
                "GPUs": f"{node.gpus} {node.kind}".strip() if node.gpus else "",
                "Memory": f"{node.memory_gb:,.0f} GB",
            }
            for node in (state.view.nodes if state.view is not None else ())
        ]
        if rows:
            data_table(rows, hide_index=True, height=min(38 + 35 * len(rows), 318), key=f"system.nodes.{state.name}")
