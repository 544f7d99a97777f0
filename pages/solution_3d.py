"""Solution 3D: what a run's checkpoints know, as fields, formulas, curves and views, and as files to take along."""

from dataclasses import replace

import streamlit as st

from core.errors import LabError
from core.singularity.views import takes_wanted, views
from core.solution import children, streamfunction
from core.solution.available import Viewable, viewable_runs
from core.solution.grid import shown
from core.solution.pointing import place_of
from pages.parts.in_space.component import scenes_ahead
from pages.parts.people.rooms import way_to
from pages.parts.shared.live_plotly import plotly_ahead
from pages.parts.shared.text import message
from pages.parts.solution.beside import beside
from pages.parts.solution.downloads import downloads
from pages.parts.solution.figures import BESIDE, HISTOGRAM, LINE, curve, further_input, histogram_figure, numbers
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
from pages.parts.solution.pointed import line_input, line_plot, picker, probe
from pages.parts.solution.run_choice import pick_run
from pages.parts.solution.sampling import DRAWN_S, Samples, read_grid, sampled
from pages.parts.solution.scene import RENDERERS, renderer_asked, show_scene
from pages.parts.solution.scene_form import (
    ARROWS,
    STREAMLINES,
    look_input,
    moment_input,
    play_on,
    scene_input,
    shown_input,
)


def draw(run: Viewable, controls, canvas) -> None:
    """Inputs, one scene or curve, its numbers, the downloads."""
    problem = run.config.problem
    what, how_fine = controls.container(), controls.container()
    with how_fine:
        view = view_input(problem)
        resolution = resolution_input(problem, run.run_id, view)
        wanted = stage_input(problem, run.folder, view)
    samples = Samples(views(problem)[view], run.folder, resolution, wanted if takes_wanted(view, problem) else None)
    with canvas:
        grid = read_grid(path := samples.first())
    with what:
        chosen, formulas = value_input(problem, grid, view, later := samples.later(grid))
    if chosen.name in later:
        with canvas:
            grid = read_grid(path := samples.whole())
    with what:
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
                grid = read_grid(path := sampled("formula", samples.sampler, run.folder, resolution, wanted=asked))
            except LabError as error:  # what there is is shown all the same
                st.warning(message(error))
                asked, formulas, vectors, chosen = wanted, (), (), first_value(grid)
                shown = [each for each in shown if each not in (ARROWS, STREAMLINES)]
    is_curve = len(grid.axes) == 1
    with what:
        quantity = quantity_of(grid, chosen)
        request = scene_input(grid, quantity, shown, moment, vectors)
        look = look_input(quantity, has_camera=not is_curve)
    has_line = takes_wanted(view, problem)
    with canvas:
        above = st.container()
        wished = further_input(has_line, has_scene=not is_curve)
        ends = line_input(problem, by_mouse=not is_curve) if LINE in wished else None
    renderer, thinned = RENDERERS[0], ""
    with above:
        if is_curve:
            curve(grid, quantity, look, run.run_id)
        else:
            if ends:
                request = replace(request, segment=tuple(place_of(problem, grid, end) for end in ends))
            renderer = st.segmented_control(
                "Renderer", RENDERERS, default=RENDERERS[0], label_visibility="collapsed", key="renderer",
                bind="query-params",
            ) or renderer  # fmt: skip
            identity = f"{KEY}.{run.run_id}.{quantity.name}.{quantity.logarithmic}"
            on_pick = picker(problem, grid, moment, LINE in wished) if has_line else None
            scene = show_scene(path, request, look, renderer, identity, on_pick)
            thinned = f"{scene.shown:,} of {scene.total:,} triangles" if scene and scene.shown < scene.total else ""
        told = st.empty()
        told.caption(" · ".join(filter(None, [numbers(grid, run), thinned])))
        if has_line and not is_curve:
            probe(quantity, formulas, run, wanted)
        if samples.later(grid):  # what is drawn did not wait for it
            try:
                grid = read_grid(path := samples.whole(after_s=DRAWN_S))
                told.caption(" · ".join(filter(None, [numbers(grid, run), thinned])))
            except LabError as error:
                st.warning(message(error))
    with canvas:
        if ends:
            line_plot(ends, quantity, formulas, run, wanted)
        if HISTOGRAM in wished:
            histogram_figure(grid, quantity, run.run_id)
        if BESIDE in wished:
            beside(run, available, path, (view, resolution, asked), quantity, request, look)
        downloads(path, grid, run, request, look, renderer)
        play_on(grid)


st.title("Solution 3D")
try:
    available = viewable_runs()
    if not available:
        st.info("No run has a solution yet. Launch one: its first checkpoint shows here.", icon=":material/info:")
        way_to("launch", "Launch a run", ":material/rocket_launch:")
        st.stop()
    children.prepare()  # they start while the page asks what is wanted of them
    left, right = st.columns([1, 3], gap="large")
    with left:
        picked = pick_run(available)
    is_curve = len(shown(picked.config.problem)) == 1
    plotly_ahead(soon=is_curve)
    if not is_curve and renderer_asked() == RENDERERS[0]:
        scenes_ahead()
    draw(picked, left, right)
except LabError as error:
    st.error(message(error))
