"""Above a search: its name, what can be done next, and the way that it came from another problem."""

import streamlit as st

from core.errors import LabError
from core.problems import Problem
from core.runs.path import travelled
from core.singularity.found import Found
from core.singularity.onward import ways
from pages.parts.people.rooms import may_enter
from pages.parts.shared.state_badge import state_badge
from pages.parts.shared.text import LONGEST, message, plain, whole
from pages.parts.singularities.certificate import certificate_badge


def head(run: Found, problem: Problem) -> None:
    """Name, badges, and what can be done next."""
    name, buttons = st.columns([5, 7], vertical_alignment="center")
    name.markdown(
        f"### {plain(run.name, LONGEST)} &nbsp; {state_badge(run.state)} {certificate_badge(run.holds)}",
        help=whole(run.name),
    )
    checkpoint = run.folder.has_checkpoint
    with buttons, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        query = {"run": run.run_id}
        st.page_link("pages/watch_runs.py", label="Watch", icon=":material/monitoring:", query_params=query)
        if checkpoint:
            view = query | {"view": "physical time"}
            st.page_link("pages/solution_3d.py", label="3D view", icon=":material/deployed_code:", query_params=view)
        for name, way in ways(problem).items() if checkpoint and may_enter("launch") else ():
            if st.button(plain(way.label), type="primary" if name != "to_boussinesq" else "secondary", icon=way.icon):
                st.switch_page("pages/launch_runs.py", query_params={name: run.run_id})
    if run.reason:
        st.caption(message(run.reason))
    if caution := problem.caution():
        st.warning(message(caution), icon=":material/warning:")


def path_line(run: Found) -> None:
    """The way that the run has come so far from its parent's problem; of a damaged one a warning."""
    try:
        way = travelled(run.folder.path_steps())
    except LabError as error:
        st.warning(message(error), icon=":material/broken_image:")
        return
    if way:
        st.caption(f":material/route: Along {plain(way, LONGEST)}.")
