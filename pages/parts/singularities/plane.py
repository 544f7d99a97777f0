"""A run's profile above a wall, in the plane, along wall and axis, and its blow-up in physical time."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.names import file_stem
from core.problems import Problem
from core.runs import RunFolder
from core.singularity.plane import RESOLUTION, PlaneProfile, plane_file
from core.singularity.plane_blow_up import plane_blow_up, plane_physical_file
from core.singularity.plane_export import FORMATS, blow_up_series, profile_bytes
from core.singularity.similarity import PHYSICAL
from core.solution import children
from core.solution.grid import SolutionGrid
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.made_download import made_download
from pages.parts.shared.text import plain
from pages.parts.singularities.choice import KEY
from pages.parts.singularities.plane_figures import RESIDUAL, plane_blow_up_figure, plane_figure
from pages.parts.singularities.profile_figures import AXES, SYMBOLS, profile_figure

HEIGHT = 400
SERIES = 129
"""Points along the wall of a time series' moments."""


def plane_view(folder: RunFolder, problem: Problem) -> None:
    """Everything that is drawn from the run's newest checkpoint. Raises LabError when it can't be sampled."""
    with st.spinner("Sampling the network …", show_time=True):
        path = children.sample(plane_file, folder, RESOLUTION)
        grid = SolutionGrid.read(path)
    profile = PlaneProfile.of(grid, problem.fields)
    left, right = st.columns(2, gap="large")
    with left:
        _contours(grid, problem, folder.run_id)
    with right:
        _curves(profile, folder.run_id)
    st.subheader("Blow-up in physical time")
    shown = _physical_field(problem)
    live_plotly(plane_blow_up_figure(plane_blow_up(profile, shown)), key=f"{KEY}.blow-up.{shown}", height=460)
    _downloads(folder, path)


def _physical_field(problem: Problem) -> str:
    """One of the fields in physical time."""
    chosen = st.segmented_control(
        "Physical field", list(problem.fields), default="Omega", format_func=lambda name: plain(PHYSICAL[name]),
        key=f"{KEY}.blow-up", label_visibility="collapsed",
    )  # fmt: skip
    return chosen or "Omega"


def _contours(grid: SolutionGrid, problem: Problem, run_id: str) -> None:
    names = [*problem.fields, RESIDUAL]
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        shown = st.segmented_control(
            "Profile", names, default="Omega", key=f"{KEY}.field",
            format_func=lambda name: plain(SYMBOLS.get(name, name)),
        )  # fmt: skip
        streamlines = st.toggle("Streamlines", True, key=f"{KEY}.streamlines")
    figure = plane_figure(grid, shown or "Omega", streamlines, run_id)
    live_plotly(figure, key=f"{KEY}.plane", height=HEIGHT)


def _curves(profile: PlaneProfile, run_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        places = {"along the wall": profile.along_wall, "along the axis": profile.along_axis}
        place = st.segmented_control("Curves", list(places), default="along the wall", key=f"{KEY}.along")
        axis = st.segmented_control("Axis", AXES, default=AXES[0], key=f"{KEY}.axis") or AXES[0]
    line = places[place or "along the wall"]()
    figure = profile_figure(line, list(line.values), axis, f"{run_id}.{place}.{axis}")
    live_plotly(figure, key=f"{KEY}.profile.{place}", height=HEIGHT)


def _downloads(folder: RunFolder, path: Path) -> None:
    """The profile, and all moments as a time series, for ParaView."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        suffix = st.segmented_control(
            "For ParaView", list(FORMATS), default="vts", format_func=lambda name: plain(f".{name}, {FORMATS[name]}"),
            key=f"{KEY}.format",
        ) or "vts"  # fmt: skip
        name = file_stem(folder.run_id[:8])
        made_download(
            "Profile",
            lambda: children.written(profile_bytes, path, suffix),
            f"{name}.{suffix}",
            "application/octet-stream",
        )
        made_download(
            "Blow-up as a time series",
            lambda: children.written(blow_up_series, children.sample(plane_physical_file, folder, SERIES), suffix),
            f"{name}-blow-up-{suffix}.zip",
            "application/zip",
        )
