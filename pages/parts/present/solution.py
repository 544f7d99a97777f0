"""The solution of a run as one looks at it first, drawn without a widget."""

from __future__ import annotations

import streamlit as st

from core.runs import RunFolder
from core.singularity.views import usual_resolution, views
from core.solution import children
from core.solution.colormaps import COLORMAPS
from core.solution.drawing import SceneRequest, displayed, value_range
from core.solution.on_mesh import read_sampled
from core.solution.sampled import Sampled
from core.solution.scene import at_moment, has_inside, moments
from core.tracking.store import run_config
from pages.parts.in_space.component import show_scenes
from pages.parts.in_space.look import Look
from pages.parts.in_space.packed import packed
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.text import figure_of, plain
from pages.parts.solution.figures import axis_of, curve_figure_of
from pages.parts.solution.form import Quantity


def solution_presented(folder: RunFolder) -> None:
    """Sample the newest checkpoint and draw its first value: one coordinate as a curve, else a scene. Raises LabError.

    Of a solution in time, the moment in the middle is drawn.
    """
    problem = run_config(folder).problem
    view = next(iter(views(problem)))
    path = children.sample(views(problem)[view], folder, usual_resolution(problem, view))
    grid = read_sampled(path)
    quantity = _first_value(grid)
    times = moments(grid) if len(grid.axes) > 1 else None
    moment = len(times) // 2 if times is not None else 0
    key = f"present.solution.{folder.run_id}"
    if len(grid.axes) == 1:
        figure = curve_figure_of(grid, quantity, axis_of(grid), folder.run_id)
        live_plotly(figure, key=key, height=None, large=True)
    else:
        request = SceneRequest(quantity.name, quantity.logarithmic, time_index=moment, **_drawn(grid, quantity))
        scene, look = children.build_scene(path, request), _look(quantity)
        show_scenes([packed(scene, look)], look, key=key, revision=folder.run_id, height=None, large=True)
    said = [plain(quantity.title)]
    if times is not None:
        said.append(f"{plain(grid.time)} = {times[moment]:.3g}")
    if (error := grid.accuracy().relative_l2_error) is not None:
        said.append(f"relative L2 error {figure_of(error)}")
    st.markdown(" · ".join(said))


def _first_value(grid: Sampled) -> Quantity:
    name = next(iter(grid.values))
    logarithmic = name in grid.blow_ups
    limits = value_range(displayed(grid.values[name], logarithmic), logarithmic)
    return Quantity(name, name, logarithmic=logarithmic, limits=limits)


def _drawn(grid: Sampled, quantity: Quantity) -> dict:
    low, high = quantity.limits
    if has_inside(at_moment(grid, 0)):
        return {"isosurfaces": tuple(low + (high - low) * share for share in (0.25, 0.75))}
    return {"warp": 1.0}


def _look(quantity: Quantity) -> Look:
    low, high = quantity.limits
    if not low < high:  # a constant
        low, high = low - 0.5, high + 0.5
    return Look(COLORMAPS[0], (low, high), quantity.title)
