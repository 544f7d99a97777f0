"""Watch: the slots and the queue, and one run's progress, residuals, λ and log while it trains."""

import streamlit as st

from core.errors import LabError
from core.tracking.store import get_run
from pages.parts.live.view import live_grid
from pages.parts.people.rooms import way_to
from pages.parts.shared.text import message
from pages.parts.shared.troubles import troubles_view
from pages.parts.watch.board import board, chosen_run
from pages.parts.watch.run_view import run_view
from pages.parts.watch.stored_run import stored_run_view
from pages.parts.watch.sweeps import sweeps_view
from pages.parts.watch.timeline import timeline


def stored_run(run_id: str) -> None:
    """A run that only the store knows; an error is a message in its place."""
    try:
        stored_run_view(get_run(run_id))
    except LabError as error:
        st.error(message(error))


st.title("Watch")
try:
    troubles_view()
    run_id, job = chosen_run()
    if run_id is None:
        st.info("No runs yet. Launch one and watch its residual fall here.", icon=":material/info:")
        way_to("launch", "Launch a run", ":material/rocket_launch:")
        live_grid(None)
        st.stop()
    timeline()
    sweeps_view()
    main, side = st.columns([5, 3], gap="medium")
    with side:
        board(run_id)
    with main:
        if wanted := live_grid(run_id):
            st.query_params["run"] = wanted
            st.rerun()
        if job is None:
            stored_run(run_id)
        else:
            st.fragment(run_view)(run_id)
except LabError as error:
    st.error(message(error))
