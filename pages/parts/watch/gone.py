"""A run that lies in the bin, or was deleted in MLflow's own pages: Watch says so, and brings it back."""

from __future__ import annotations

import streamlit as st

from core.jobs import Job, bin, retention
from core.jobs.job import AT_END, EMPTYING
from core.jobs.presence import deleted_in_store
from core.people import RUNNER, may
from pages.parts.shared.text import message
from pages.parts.shared.times import moment_text
from pages.parts.watch.controls import attempt


def gone(job: Job) -> None:
    """Say where the run is, with a button that restores it; nothing for one that is in its place."""
    why = absence(job)
    if not why:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.warning(message(why), icon=":material/delete:", width="stretch")
        restorable = job.bin_step != EMPTYING and may(RUNNER)
        if restorable and st.button("Restore", icon=":material/undo:", key=f"watch.restore.{job.run_id}"):
            attempt(job.run_id, bin.restore)


def absence(job: Job) -> str:
    """Where a run is that is not in its place, in a sentence; empty for one that is."""
    if job.bin_step == EMPTYING:
        return "It is being deleted for good."
    if job.bin_step == AT_END:
        return "It goes to the bin once it has ended."
    if job.binned:
        until = moment_text(retention.goes_at(job), "%-d %b %Y, %H:%M")
        return f"In the bin; deleted for good after {until}."
    if deleted_in_store(job.run_id, job):
        return "It was deleted in MLflow: lists and rankings leave it out, and nothing can start from it."
    return ""
