"""A run's profile, its residual over all scales, and the solution in physical time."""

import streamlit as st

from core.problems import Problem
from core.runs import RunFolder
from core.singularity.certificate import Certificate
from core.singularity.reconstruction import RESOLUTION, Profile, blow_up
from core.singularity.similarity import PHYSICAL
from core.solution import children
from core.solution.grid import SolutionGrid
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.text import plain
from pages.parts.singularities.blow_up_figure import blow_up_figure
from pages.parts.singularities.choice import KEY
from pages.parts.singularities.profile_figures import AXES, profile_figure, profile_residual_figure


def profile_view(folder: RunFolder, problem: Problem, certificate: Certificate | None) -> None:
    """Everything that is drawn from the run's newest checkpoint. Raises LabError when it can't be sampled."""
    with st.spinner("Sampling the network …", show_time=True):
        grid = SolutionGrid.read(children.sampled_file(folder, RESOLUTION))
    axis = st.segmented_control("Axis", AXES, default=AXES[0], key=f"{KEY}.axis") or AXES[0]
    height = 420 if len(problem.fields) > 1 else 340
    left, right = st.columns(2, gap="large")
    revision = f"{folder.run_id}.{axis}"
    with left:
        st.caption("Profile, the exact one dashed where it is known")
        live_plotly(profile_figure(grid, problem.fields, axis, revision), key=f"{KEY}.profile", height=height)
    with right:
        st.caption("Residual over all scales of y")
        figure = profile_residual_figure(grid, axis, certificate, revision)
        live_plotly(figure, key=f"{KEY}.residual", height=height)
    st.subheader("Blow-up in physical time")
    names = [name for name in problem.fields if name != "HOmega"]
    shown = names[0]
    if len(names) > 1:
        shown = (
            st.segmented_control("Field", names, default=shown, format_func=lambda name: plain(PHYSICAL[name])) or shown
        )
    found = blow_up(Profile.of(grid, problem), shown)
    live_plotly(blow_up_figure(found), key=f"{KEY}.blow-up.{shown}", height=430)
