"""Launch: a preset or an old config, changed in a form that validates as you type, queued with one click."""

import streamlit as st

from core.errors import LabError
from core.presets import presets
from core.problems import REFUSED
from pages.parts.equation.gallery import typed_presets
from pages.parts.launch.filling import chosen_problem, fill_in, preset_clicked, start_from_preset, start_from_source
from pages.parts.launch.panel import launch_panel, with_way_back
from pages.parts.launch.source import linked_source, source_notes
from pages.parts.shared.live_plotly import plotly_ahead
from pages.parts.shared.text import LONGEST, described, duration, message, plain

st.title("Launch a run")
typed = typed_presets()
if "launch.data" not in st.session_state:
    start_from_preset(next(name for name in presets() if name not in typed))
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
        [name for name in presets() if name not in typed],
        format_func=lambda name: f"{plain(presets()[name].title)} · {duration(presets()[name].expected_seconds)}",
        key="launch.preset",
        on_change=preset_clicked,
        wrap=True,
    )
    st.page_link(
        "pages/type_equation.py", label=f"An equation of your own, or one of {len(typed)} typed examples",
        icon=":material/function:",
    )  # fmt: skip
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
    with_way_back(lambda: launch_panel(data, source))
    if REFUSED:
        with st.expander(f"Problems that could not be loaded: {len(REFUSED)}"):
            for refused in REFUSED:
                st.caption(message(refused))
plotly_ahead()
