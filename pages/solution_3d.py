"""Solution 3D: what a run's checkpoints know, as fields, formulas, curves and views, and as files to take along."""

from dataclasses import replace

import streamlit as st

from core.errors import LabError
from core.singularity.views import takes_wanted, views
from core.solution import children, streamfunction
from core.solution.available import Viewable, viewable_runs
from core.solution.wanted import Wanted
from pages.parts.shared.live_plotly import plotly_ahead
from pages.parts.shared.text import LONGEST, ago, code, message, visible
from pages.parts.solution.beside import beside
from pages.parts.solution.downloads import downloads
from pages.parts.solution.figures import BESIDE, curve, further_figures, further_input, numbers
from pages.parts.solution.form import (
    KEY,
    first_value,
    quantity_of,
    resolution_input,
    stage_input,
    value_input,
    vectors_input,
    vectors_offered,
    view_input,
)
from pages.parts.solution.sampling import read_grid, sampled
from pages.parts.solution.scene import RENDERERS, show_scene
from pages.parts.solution.scene_form import ARROWS, STREAMLINES, look_input, moment_input, scene_input, shown_input


def pick_run(available: list[Viewable]) -> Viewable:
    """The run of the permalink, or the newest."""
    by_id = {item.run_id: item for item in available}
    wanted = st.query_params.get("run")
    if wanted and wanted not in by_id:
        st.warning(f"Run {code(wanted[:8])} has no checkpoint here yet. This is the newest run that has one.")
        wanted = None
    chosen = st.selectbox(
        "Run",
        list(by_id),
        index=list(by_id).index(wanted) if wanted else 0,
        format_func=lambda run_id: f"{name_of(by_id[run_id])} · {run_id[:6]}",
        key=(key := f"{KEY}.run.{wanted}"),
        on_change=lambda: st.query_params.update(run=st.session_state[key]),
    )
    if "run" not in st.query_params:
        st.query_params["run"] = chosen
    st.caption(f"Checkpoint of {ago(by_id[chosen].changed)}")
    return by_id[chosen]


def name_of(run: Viewable) -> str:
    """What people call it, else its problem."""
    return visible(run.config.name or run.config.problem.title, LONGEST)


def draw(run: Viewable, controls, canvas) -> None:
    """Inputs, one scene or curve, its numbers, the downloads."""
    problem = run.config.problem
    what, how_fine = controls.container(), controls.container()
    with how_fine:
        view = view_input(problem)
        resolution = resolution_input(problem, run.run_id, view)
        wanted = stage_input(problem, run.folder, view)
    sampler, further = views(problem)[view], {} if wanted == Wanted() else {"wanted": wanted}
    with canvas:
        path = sampled("all", sampler, run.folder, resolution, **further)
        grid = read_grid(path)
    with what:
        chosen, formulas = value_input(problem, grid, view)
        moment = moment_input(grid)
        follow = vectors_offered(problem, view)
        shown = shown_input(grid, bool(follow))
        vectors = vectors_input(follow) if ARROWS in shown or STREAMLINES in shown else ()
    asked = wanted
    flow = chosen.name == streamfunction.NAME and chosen.name not in grid.values
    if formulas or vectors or flow:
        asked = replace(wanted, formulas=tuple(dict.fromkeys((*formulas, *vectors))), streamfunction=flow)
        with canvas:
            try:
                path = sampled("formula", sampler, run.folder, resolution, wanted=asked)
                grid = read_grid(path)
            except LabError as error:  # what there is is shown all the same
                st.warning(message(error))
                asked, formulas, vectors, chosen = wanted, (), (), first_value(grid)
                shown = [each for each in shown if each not in (ARROWS, STREAMLINES)]
    is_curve = len(grid.axes) == 1
    with what:
        quantity = quantity_of(grid, chosen)
        request = scene_input(grid, quantity, shown, moment, vectors)
        look = look_input(quantity, has_camera=not is_curve)
    renderer = RENDERERS[0]
    with canvas:
        if is_curve:
            curve(grid, quantity, look, run.run_id)
            st.caption(numbers(grid, run))
        else:
            renderer = st.segmented_control(
                "Renderer", RENDERERS, default=RENDERERS[0], label_visibility="collapsed", key="renderer",
                bind="query-params",
            ) or renderer  # fmt: skip
            identity = f"{KEY}.{run.run_id}.{quantity.name}.{quantity.logarithmic}"
            scene = show_scene(path, request, look, renderer, identity)
            thinned = f"{scene.shown:,} of {scene.total:,} triangles" if scene.shown < scene.total else ""
            st.caption(" · ".join(filter(None, [numbers(grid, run), thinned])))
        wished = further_input(has_line=takes_wanted(view, problem), has_scene=not is_curve)
        if BESIDE in wished:
            beside(run, available, path, (view, resolution, asked), quantity, request, look)
        further_figures(wished, grid, quantity, formulas, run, wanted)
        downloads(path, grid, run, request, look, renderer)


st.title("Solution 3D")
try:
    available = viewable_runs()
    if not available:
        st.info("No run has a solution yet. Launch one: its first checkpoint shows here.", icon=":material/info:")
        st.page_link("pages/launch_runs.py", label="Launch a run", icon=":material/rocket_launch:")
        st.stop()
    children.prepare()  # they start while the page asks what is wanted of them
    left, right = st.columns([1, 3], gap="large")
    plotly_ahead(soon=True)
    with left:
        picked = pick_run(available)
    draw(picked, left, right)
except LabError as error:
    st.error(message(error))
