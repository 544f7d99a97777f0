"""Launch: a preset or an old config, changed in a form that validates as you type, queued with one click."""

import streamlit as st

from core.errors import ExperimentDeletedError, LabError
from core.presets import presets
from core.problems import REFUSED
from pages.parts.launch.filling import chosen_problem, fill_in, preset_clicked, start_from_preset, start_from_source
from pages.parts.launch.panel import launch_panel
from pages.parts.launch.source import linked_source, source_notes
from pages.parts.shared.deleted_experiment import deleted_experiment
from pages.parts.shared.live_plotly import plotly_ahead
from pages.parts.shared.text import LONGEST, described, duration, message, plain

st.title("Launch a run")
if "launch.data" not in st.session_state:
    start_from_preset(next(iter(presets())))
try:
    if linked := linked_source():
        start_from_source(linked)
except LabError as error:
    st.error(message(error))
source = st.session_state.get("launch.source")
main, side = st.columns([9, 3], gap="large")
with main:
    chosen = st.pills(
        "Preset",
        list(presets()),
        format_func=lambda name: f"{plain(presets()[name].title)} · {duration(presets()[name].expected_seconds)}",
        key="launch.preset",
        on_change=preset_clicked,
        wrap=True,
    )
    if chosen:
        st.caption(f"{described(presets()[chosen].description)} The time is for two CPU cores.")
    if source:
        source_notes(source)
    data = fill_in()
with side:
    problem = chosen_problem(data["problem"])
    st.caption(plain(problem.title, LONGEST))
    for part in filter(None, problem.equation.split(r"\quad")):
        st.latex(part.strip(" ,"))
    try:
        launch_panel(data, source)
    except ExperimentDeletedError:
        st.session_state["launch.deleted"] = True
    except LabError as error:
        st.error(message(error))
    if "launch.deleted" in st.session_state and not deleted_experiment():
        del st.session_state["launch.deleted"]
    if REFUSED:
        with st.expander(f"Problems that could not be loaded: {len(REFUSED)}"):
            for refused in REFUSED:
                st.caption(message(refused))
plotly_ahead()
