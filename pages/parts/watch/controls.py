"""What can be done to a run on Watch: its buttons, and the ways out of what was refused."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core import jobs
from core.errors import LabError
from core.jobs import many, resumption
from pages.parts.people.rooms import may_enter, way_to
from pages.parts.shared.bulk_bar import deletion_words
from pages.parts.shared.text import LONGEST, Markdown, message, plain

LABELS = {
    "stop": "Stop",
    "pause": "Pause",
    "resume": "Resume",
    "retry": "Retry",
    "hold": "Hold",
    "release": "Release",
}
"""Of the buttons for what is done at one click."""
REFUSED = "watch.refused"
"""Key of the session's state: (run, error) of what was asked last and refused."""


def controls(job: jobs.Job) -> None:
    """Buttons for what can be done to the run now."""
    possible = many.possible_for(job)
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
        for action, label in LABELS.items():
            if action not in possible:
                st.empty()  # each has its place, so that none of those that are replaced stands beside the new ones
            elif st.button(label, key=f"watch.{label}.{job.run_id}"):
                attempt(job.run_id, many.ACTIONS[action].do)
        if job.state == "queued" and not job.has_checkpoint and may_enter("launch"):
            _launch_link("edit", "Edit", ":material/edit:", job)
            _launch_link("duplicate", "Duplicate", ":material/content_copy:", job)
        else:
            st.page_link(
                "pages/replay_run.py", label="Replay", icon=":material/replay:", query_params={"run": job.run_id}
            )
            st.empty()
        if job.has_checkpoint:
            st.page_link(
                "pages/solution_3d.py",
                label="Solution 3D",
                icon=":material/deployed_code:",
                query_params={"run": job.run_id},
            )
        else:
            st.empty()
        if "delete" in possible:
            with st.popover("Delete", icon=":material/delete:"):
                _delete(job)
        else:
            st.empty()


def _launch_link(kind: str, label: Markdown, icon: str, job: jobs.Job) -> None:
    """A link to the Launch form, filled with this run's config."""
    way_to("launch", label, icon, **{kind: job.run_id})


def _delete(job: jobs.Job) -> None:
    st.markdown(deletion_words())
    label = "Stop and delete" if job.active else "Delete"
    if st.button(label, type="primary", key=f"watch.delete.{job.run_id}"):
        attempt(job.run_id, many.ACTIONS["delete"].do, stop=job.active)


def attempt(run_id: str, action: Callable[..., None], **options: Any) -> None:
    """Do it; a refusal stays on the page, with what can be done instead, until something else is tried."""
    try:
        action(run_id, **options)
        st.session_state.pop(REFUSED, None)
    except LabError as error:
        st.session_state[REFUSED] = (run_id, error)
    st.rerun()


def refusal(run_id: str) -> None:
    """Why what was asked last for this run was refused, and a button for each way out."""
    asked, error = st.session_state.get(REFUSED, (None, None))
    if asked != run_id:
        return
    st.error(message(error))
    with st.container(horizontal=True):
        for way in error.ways if isinstance(error, resumption.CannotResumeError) else ():
            label = plain(way.label[:1].upper() + way.label[1:], LONGEST)
            if st.button(label, key=f"watch.{way.option}.{run_id}"):
                options = {
                    "checkpoint": way.checkpoint,
                    "accept_hole": way.accept_hole,
                    "restore_config": way.restore_config,
                }
                attempt(run_id, resumption.resume, **options)
