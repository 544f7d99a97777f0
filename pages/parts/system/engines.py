"""The clusters that runs may be handed to: how each is, and its nodes."""

from __future__ import annotations

import streamlit as st

from core.jobs.engines.states import engine_states
from pages.parts.shared.data_table import data_table
from pages.parts.shared.engine_state import ask_engines, engine_state
from pages.parts.shared.text import LONGEST, plain


def engines_view() -> None:
    """A line for each engine and a row for each of its nodes; nothing in a lab without clusters."""
    states = engine_states()
    if not states:
        return
    ask_engines()
    st.subheader("Engines")
    for state in states:
        version = state.view.version if state.view is not None else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(state.name)}**", width="content")
            st.caption(f"{plain(state.kind)} {plain(version)} · {plain(state.where, LONGEST)}")
        engine_state(state)
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
