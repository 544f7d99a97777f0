"""The list of runs beside a page's content, and which of them is looked at."""

from __future__ import annotations

import time

import streamlit as st

from core import jobs
from core.errors import RunNotFoundError
from core.runs import run_folder
from pages.parts.shared.data_table import data_table
from pages.parts.shared.text import duration, figure_of

WIDTHS = {"State": 98, "max |R|": 70, "Age": 62}
"""Pixels of what is as wide for each run, so that nothing moves while one trains; the name has the rest."""


def chosen_run(listed: list[jobs.Job]) -> tuple[str, jobs.Job | None]:
    """The run of this page's permalink (`?run=`), else the running one, else the newest; without a job if not of here.

    Raises RunNotFoundError for what is no id.
    """
    wanted = st.query_params.get("run")
    if wanted:
        try:
            return wanted, jobs.status(wanted)
        except RunNotFoundError:
            return run_folder(wanted).run_id, None
    job = next((job for job in listed if job.active), listed[0])
    return job.run_id, job


def run_table() -> None:
    """All runs, newest first; a click shows one."""
    listed = jobs.queue(limit=200)
    rows = []
    for job in listed:
        progress = job.folder.progress() or {}
        rows.append(
            {
                "State": f"{job.state} {progress.get('fraction', 0.0):.0%}" if job.active else job.state,
                "max |R|": figure_of(progress.get("max_residual")),
                "Age": duration(time.time() - job.submitted),
                "Run": job.name or job.run_id[:8],
            }
        )
    st.session_state["watch.rows"] = [job.run_id for job in listed]
    st.caption(f"{sum(job.active for job in listed)} active, {sum(job.state == 'queued' for job in listed)} queued")
    data_table(
        rows,
        key="watch.table",
        on_select=_open_selected,
        selection_mode="single-row",
        hide_index=True,
        height=min(38 + 35 * len(rows), 640),
        column_config={name: st.column_config.TextColumn(width=width) for name, width in WIDTHS.items()},
    )

    if st.session_state.pop("watch.opened", False):
        st.rerun()  # the table is a fragment of its own; the run beside it has to follow


def _open_selected() -> None:
    rows = st.session_state["watch.table"]["selection"]["rows"]
    if rows:
        st.query_params["run"] = st.session_state["watch.rows"][rows[0]]
        st.session_state["watch.opened"] = True
