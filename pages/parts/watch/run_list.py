"""The list of runs beside a page's content, and which of them is looked at."""

from __future__ import annotations

import streamlit as st

from core import jobs
from pages.parts.shared.text import ago, figure_of


def chosen_run(listed: list[jobs.Job]) -> str:
    """The run of this page's permalink (`?run=`), else the running one, else the newest."""
    wanted = st.query_params.get("run")
    if wanted:
        jobs.status(wanted)  # a clear message for a run that is not there
        return wanted
    running = [job.run_id for job in listed if job.active]
    return (running or [listed[0].run_id])[0]


def run_table() -> None:
    """All runs, newest first; a click shows one."""
    listed = jobs.queue(limit=200)
    rows = []
    for job in listed:
        progress = jobs.progress(job.run_id) or {}
        rows.append(
            {
                "state": job.state,
                "name": job.name or job.run_id[:8],
                "done": 100 * min(1.0, progress.get("fraction", 0.0)) if job.active else None,
                "max R": figure_of(progress.get("max_residual")),
                "started": ago(job.submitted),
            }
        )
    st.session_state["watch.rows"] = [job.run_id for job in listed]
    st.caption(f"{sum(job.active for job in listed)} active, {sum(job.state == 'queued' for job in listed)} queued")
    st.dataframe(
        rows,
        key="watch.table",
        on_select=_open_selected,
        selection_mode="single-row",
        hide_index=True,
        height=min(38 + 35 * len(rows), 640),
        column_config={
            "state": st.column_config.TextColumn("State", width="small"),
            "name": st.column_config.TextColumn("Run", width="medium"),
            "done": st.column_config.ProgressColumn("Done", format="%d%%", min_value=0, max_value=100, width="small"),
            "max R": st.column_config.TextColumn("max |R|", width="small"),
            "started": st.column_config.TextColumn("Submitted", width="small"),
        },
    )

    if st.session_state.pop("watch.opened", False):
        st.rerun()  # the table is a fragment of its own; the run beside it has to follow


def _open_selected() -> None:
    rows = st.session_state["watch.table"]["selection"]["rows"]
    if rows:
        st.query_params["run"] = st.session_state["watch.rows"][rows[0]]
        st.session_state["watch.opened"] = True
