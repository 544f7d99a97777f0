"""The choice of the run whose solution is shown."""

from __future__ import annotations

import streamlit as st

from core.solution.available import Viewable
from pages.parts.shared.text import LONGEST, ago, code, visible
from pages.parts.solution.form import KEY


def pick_run(available: list[Viewable]) -> Viewable:
    """The run of the permalink, or the newest."""
    by_id = {item.run_id: item for item in available}
    wanted = st.query_params.get("run")
    if wanted and wanted not in by_id:
        st.warning(f"Run {code(wanted[:8])} has no checkpoint here yet. This is the newest run that has one.")
        wanted = None
    chosen = st.selectbox(
        "Run",
        list(by_id),
        index=list(by_id).index(wanted) if wanted else 0,
        format_func=lambda run_id: f"{name_of(by_id[run_id])} · {run_id[:6]}",
        key=(key := f"{KEY}.run.{wanted}"),
        on_change=lambda: st.query_params.update(run=st.session_state[key]),
    )
    if "run" not in st.query_params:
        st.query_params["run"] = chosen
    st.caption(f"Checkpoint of {ago(by_id[chosen].changed)}")
    return by_id[chosen]


def name_of(run: Viewable) -> str:
    """What people call it, else its problem."""
    return visible(run.config.name or run.config.problem.title, LONGEST)
