"""Slots and what is in each, and the processes of this lab."""

from __future__ import annotations

import time

import streamlit as st

from core import jobs
from core.jobs import table
from core.jobs.processes import of_home
from core.runs.states import ACTIVE
from pages.parts.shared.data_table import data_table
from pages.parts.shared.state_badge import state_badge
from pages.parts.shared.text import LONGEST, duration, plain, whole


def slots_view() -> None:
    """A line for each slot, with a link to the run in it; below them, what waits, and the processes."""
    active = table.find(ACTIVE)
    by_slot = {job.slot: job for job in active if job.slot}
    st.subheader("Slots")
    for slot in jobs.capacity():
        with st.container(horizontal=True, vertical_alignment="center"):
            job = by_slot.get(slot.name)
            st.markdown(f"**{plain(slot.name)}**", width=90)
            if job is None:
                st.caption("its worker is about to take or leave a run" if slot.busy else "free")
            else:
                _link(job)
    for job in active:
        if not job.slot:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown("no slot", width=90, help="A command trains it in its own process.")
                _link(job)
    waiting = table.find(("queued",))
    st.caption(f"{len(waiting):,} waiting" if waiting else "Nothing waits.")
    now = time.time()
    rows = [
        {
            "Process": f"{each.what} {each.of[:8]}".strip(),
            "Memory": f"{each.memory / 2**20:,.0f} MB",
            "For": duration(max(0.0, now - each.started)),
            "PID": each.pid,
        }
        for each in of_home()
    ]
    if rows:
        data_table(rows, hide_index=True, height=min(38 + 35 * len(rows), 318), key="system.processes")


def _link(job: jobs.Job) -> None:
    progress = job.folder.progress() or {}
    name = job.name or job.run_id[:8]
    st.markdown(state_badge(job.state), width="content")
    st.page_link("pages/watch_runs.py", label=plain(name, LONGEST), help=whole(name), query_params={"run": job.run_id})
    st.caption(f"{progress.get('fraction', 0.0):.0%}")
