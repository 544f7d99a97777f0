"""Widgets that say what of a solution is drawn and how."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.errors import LabError
from core.problems import Problem
from core.singularity.views import INSIDE, MESH, is_given, usual_resolution, views
from core.solution.grid import check_resolution
from core.solution.sampled import Sampled
from core.solution.scene import SceneRequest, at_moment, displayed, drawn_axes, has_inside, moments, value_range
from pages.parts.shared.text import Markdown, plain, visible
from pages.parts.solution.scene import COLORMAPS, Look

KEY = "solution"
DIVERGING = list(COLORMAPS).index("coolwarm")


@dataclass(frozen=True)
class Quantity:
    """One of a grid's values as it is to be shown."""

    name: str
    logarithmic: bool
    limits: tuple[float, float]
    """Range over the whole grid."""
    signed: bool
    """Whether zero is the middle that matters: residuals, errors and blow-ups, unless drawn as logarithms."""

    @property
    def title(self) -> str:
        """For axes and colour bars."""
        return f"log₁₀ |{self.name}|" if self.logarithmic else self.name


def view_input(problem: Problem) -> str:
    """One of the views that a problem has: a self-similar profile also stands for a solution in physical time."""
    offered = list(views(problem))
    if len(offered) == 1:
        return offered[0]
    shown = st.segmented_control(
        "View", offered, default=offered[0], format_func=plain, key="view", bind="query-params"
    )
    return shown if shown in offered else offered[0]


def resolution_input(problem: Problem, run_id: str, view: str) -> int:
    """Points along each axis; in physical time space has one axis at least, and time is another.

    Raises LabError for what the memory can't hold.
    """
    if view in (MESH, INSIDE):
        return _cells_input(problem, run_id, view)
    start = usual_resolution(problem, view)
    choices = sorted({start // 4 + 1, start // 2 + 1, start, 2 * start - 1, 4 * start - 3})
    chosen = st.select_slider("Resolution", choices, start, format_func=plain, key=f"{KEY}.resolution.{run_id}.{view}")
    check_resolution(problem, chosen)
    return chosen


def _cells_input(problem: Problem, run_id: str, view: str) -> int:
    """Cells along the largest extent of a mesh that is made; a mesh that is the domain itself is taken as it is."""
    start = usual_resolution(problem, view)
    if is_given(problem, view):
        st.caption("On the points of the mesh itself.")
        return start
    choices = [start // 2, start, 2 * start, 4 * start]
    return st.select_slider("Cells along", choices, start, format_func=plain, key=f"{KEY}.cells.{run_id}.{view}")


def quantity_input(grid: Sampled, run_id: str) -> Quantity:
    """Which value, and whether as a logarithm."""
    name = st.selectbox("Value", list(grid.values), format_func=visible, key=f"{KEY}.value.{run_id}")
    grows = name in grid.blow_ups  # by powers of ten: on a linear scale there is only its last moment
    around_zero = grid.around_zero(name)
    logarithmic = around_zero and st.toggle("log₁₀ of the absolute value", grows, key=f"{KEY}.log.{grows}")
    limits = value_range(displayed(grid.values[name], logarithmic), logarithmic)
    return Quantity(name, logarithmic, limits, signed=around_zero and not logarithmic)


def scene_input(grid: Sampled, quantity: Quantity, run_id: str) -> SceneRequest:
    """What of a grid is drawn: the moment, surfaces, slices, a cut, a height, as its dimensions allow."""
    options: dict = {"value": quantity.name, "logarithmic": quantity.logarithmic}
    if (times := moments(grid)) is not None:
        options["time_index"] = st.select_slider(
            plain(grid.time), range(len(times)), format_func=lambda i: f"{times[i]:.3g}", key=f"{KEY}.moment.{run_id}"
        )
    drawn = at_moment(grid, 0)
    if has_inside(drawn):
        options |= _inside(drawn, quantity)
    elif len(drawn.axes) < 3:
        options["warp"] = st.slider("Height", 0.0, 2.0, 1.0, 0.1)
    return SceneRequest(**options, **_cut(drawn))


def _inside(drawn: Sampled, quantity: Quantity) -> dict:
    parts = st.pills("Show", ["isosurfaces", "slices"], default=["isosurfaces"], selection_mode="multi")
    options: dict = {}
    if "isosurfaces" in parts:
        low, high = quantity.limits
        shares = st.slider("Isosurfaces", 1, 99, (25, 75), format="%d %%", help="Levels, as shares of the value range.")
        options["isosurfaces"] = tuple(low + (high - low) * share / 100 for share in dict.fromkeys(shares))
        st.caption("at " + " and ".join(f"{level:.3g}" for level in options["isosurfaces"]))
    if "slices" in parts:
        options["slices"] = tuple(
            st.slider(f"Slice {plain(name)}", float(axis[0]), float(axis[-1]), float((axis[0] + axis[-1]) / 2))
            for name, axis in zip(drawn.coordinates, drawn_axes(drawn), strict=True)
        )
    if not parts:
        st.caption("The whole block; a clip shows its inside.")
    return options


def _cut(drawn: Sampled) -> dict:
    def across(k: int) -> Markdown:
        return plain(drawn.coordinates[k - 1]) if k else "none"

    chosen = st.segmented_control("Clip", range(1 + len(drawn.coordinates)), default=0, format_func=across)
    if not chosen:
        return {}
    axis = chosen - 1
    share = st.slider("Clip at", 1, 99, 50, format="%d %%", help="Of the extent.") / 100
    towards_viewer = st.toggle("Keep the other side")
    # the camera starts at +x, −y, +z: the side that is kept at first shows its cut
    return {"clip_axis": axis, "clip_at": share, "keep_upper": (axis == 1) != towards_viewer}


def look_input(quantity: Quantity) -> Look:
    """Colours, symmetric about zero for what is signed. Raises LabError for a range that is none."""
    colormap = st.selectbox("Colours", list(COLORMAPS), DIVERGING if quantity.signed else 0)
    low, high = quantity.limits
    if quantity.signed:
        low, high = -max(-low, high), max(-low, high)
    if not low < high:  # a constant
        low, high = low - 0.5, high + 0.5
    if st.toggle("Set the range by hand"):
        left, right = st.columns(2)
        low = left.number_input("From", value=low, format="%.2e")
        high = right.number_input("To", value=high, format="%.2e")
        if not low < high:
            raise LabError(f"A colour range goes up: {low:.2e} is not below {high:.2e}.")
    return Look(colormap, (low, high), quantity.title)
