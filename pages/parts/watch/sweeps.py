"""The sweeps that go on, above the runs that they are made of: how far each is, to open it, to stop it."""

from __future__ import annotations

import streamlit as st

from core import sweeps
from core.errors import LabError
from core.jobs.sweeping import open_sweeps
from core.people import RUNNER, may
from pages.parts.shared.state_badge import state_badge
from pages.parts.shared.text import LONGEST, message, plain

EVERY_S = 3.0
MOST = 4
"""Sweeps that are shown, the newest."""


def sweeps_view() -> None:
    """Draw them; nothing where none goes on."""
    if open_sweeps():
        st.fragment(_view, run_every=EVERY_S)()


def _view() -> None:
    try:
        going = sweeps.going()
        for seen in going[:MOST]:
            _one(seen)
        if len(going) > MOST:
            st.page_link("pages/sweep_runs.py", label=f"{len(going) - MOST:d} more sweeps", icon=":material/tune:")
    except LabError as error:
        st.error(message(error))


def _one(seen: sweeps.Seen) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        name = plain(seen.sweep.name, LONGEST)
        st.markdown(f":material/tune: **Sweep {name}** {state_badge(seen.known.state)}", width="content")
        st.caption(message(seen.in_full), width="stretch")
        st.page_link("pages/sweep_runs.py", label="Open", query_params={"sweep": seen.sweep_id})
        if st.button(
            "Stop",
            icon=":material/stop:",
            key=f"watch.sweep.{seen.sweep_id}",
            disabled=seen.known.state != "running" or not may(RUNNER),
        ):
            sweeps.stop(seen.sweep_id)
            st.rerun(scope="fragment")
