"""Singularity Lab in the browser: page config and navigation, nothing else."""

import streamlit as st

from pages.parts.notices.bell import bell
from pages.parts.people.rooms import greet, let_in, shown
from pages.parts.startup import ICON, prepare
from pages.parts.tour.strip import tour

st.set_page_config(page_title="Singularity Lab", page_icon=ICON, layout="wide")
prepare()
greet()
bell()

# Each url_path differs from its file's stem: Streamlit serves a file of pages/ that is named like the URL past this
# script on the first deep link.
page = st.navigation(
    [
        st.Page(
            "pages/launch_runs.py",
            title="Launch",
            icon=":material/rocket_launch:",
            url_path="launch",
            default=True,
            visibility=shown("launch"),
        ),
        st.Page(
            "pages/type_equation.py",
            title="Equation",
            icon=":material/function:",
            url_path="equation",
            visibility=shown("equation"),
        ),
        st.Page("pages/watch_runs.py", title="Watch", icon=":material/monitoring:", url_path="watch"),
        st.Page("pages/compare_runs.py", title="Compare", icon=":material/stacked_line_chart:", url_path="compare"),
        st.Page("pages/sweep_runs.py", title="Sweeps", icon=":material/tune:", url_path="sweeps"),
        st.Page("pages/best_run.py", title="Best run", icon=":material/trophy:", url_path="best"),
        st.Page("pages/replay_run.py", title="Replay", icon=":material/replay:", url_path="replay"),
        st.Page("pages/data_sets.py", title="Datasets", icon=":material/dataset:", url_path="datasets"),
        st.Page(
            "pages/find_singularities.py", title="Singularities", icon=":material/flare:", url_path="singularities"
        ),
        st.Page("pages/solution_3d.py", title="Solution 3D", icon=":material/deployed_code:", url_path="solution"),
        st.Page("pages/present_run.py", title="Presenter", url_path="present", visibility="hidden"),
        st.Page("pages/lab_system.py", title="System", icon=":material/memory:", url_path="system"),
        st.Page(
            "pages/lab_settings.py",
            title="Settings",
            icon=":material/settings:",
            url_path="settings",
            visibility=shown("settings"),
        ),
    ],
    position="top",
)
if let_in(page.url_path):
    tour(page.url_path)
    page.run()
