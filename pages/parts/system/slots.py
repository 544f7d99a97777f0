"""Slots and what is in each, and the processes of this lab."""

from __future__ import annotations

import time

import streamlit as st

from core import jobs
from core.jobs import table
from core.jobs.engines.contract import LOCAL
from core.jobs.processes import of_home
from core.runs.states import ACTIVE
from pages.parts.shared.data_table import data_table
from pages.parts.shared.state_badge import state_badge_of
from pages.parts.shared.text import LONGEST, duration, message, plain, whole


def slots_view() -> None:
    """A line for each slot, with a link to the run in it; below them, what waits, and the processes."""
    active = table.find(ACTIVE)
    by_slot = {job.slot: job for job in active if job.slot and not job.elsewhere}
    st.subheader("Slots")
    slots = jobs.capacity()
    shown = [slot for slot in slots if slot.engine == LOCAL or slot.name in by_slot]  # a cluster may have thousands
    for slot in shown:
        with st.container(horizontal=True, vertical_alignment="center"):
            job = by_slot.get(slot.name)
            st.markdown(f"**{plain(slot.name)}**", width=90 if slot.engine == LOCAL else "content")
            if job is None:
                st.caption("its worker is about to take or leave a run" if slot.busy else "free")
            else:
                _link(job)
    for job in active:
        if job.engine_word:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(job.engine)}**", width=90)
                _link(job)
                st.caption(message(job.engine_word))
        elif job.elsewhere:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(
                    f"**{plain(job.machine.partition(':')[0])}**", width="content", help="Another machine's slot."
                )
                st.caption(plain(job.slot or ""))
                _link(job)
        elif not job.slot:
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
    st.markdown(state_badge_of(job), width="content")
    st.page_link("pages/watch_runs.py", label=plain(name, LONGEST), help=whole(name), query_params={"run": job.run_id})
    st.caption(f"{progress.get('fraction', 0.0):.0%}")
