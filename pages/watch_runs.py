"""Watch: the queue, and one run's progress, residuals, λ and log while it trains."""

import streamlit as st

from core import jobs
from core.errors import LabError
from core.tracking.store import get_run
from pages.parts.live.view import live_grid
from pages.parts.shared.text import message
from pages.parts.watch.run_list import chosen_run, run_table
from pages.parts.watch.run_view import run_view
from pages.parts.watch.stored_run import stored_run_view

st.title("Watch")
try:
    listed = jobs.queue()
    if not listed and "run" not in st.query_params:
        st.info("No runs yet. Launch one and watch its residual fall here.", icon=":material/info:")
        st.page_link("pages/launch_runs.py", label="Launch a run", icon=":material/rocket_launch:")
        live_grid(None)
        st.stop()
    run_id, job = chosen_run(listed)
    main, side = st.columns([5, 3], gap="medium")
    with side:
        if listed:
            st.fragment(run_table, run_every=2.0)()
    with main:
        if wanted := live_grid(run_id):
            st.query_params["run"] = wanted
            st.rerun()
        if job is None:
            stored_run_view(get_run(run_id))
        else:
            st.fragment(run_view)(run_id)
except LabError as error:
    st.error(message(error))
