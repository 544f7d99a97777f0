"""Presenter: one run for a projector: large type, curve, solution and λ live, nothing to press."""

import streamlit as st

from core.errors import LabError
from pages.parts.present.run import run_presented
from pages.parts.shared.text import message
from pages.parts.watch.board import chosen_run

try:
    run_id, job = chosen_run()
    if job is None:
        st.info("There is no run here to present. Launch one, or open one on Watch.", icon=":material/info:")
        st.page_link("pages/watch_runs.py", label="Watch", icon=":material/monitoring:")
    else:
        run_presented(run_id)
except LabError as error:
    st.error(message(error))
