"""Solution 3D: the fields, residuals and errors of a run's newest checkpoint, and the file for ParaView."""

import streamlit as st

from core.errors import LabError
from core.names import file_stem
from core.singularity.views import views
from core.solution import children
from core.solution.available import Viewable, viewable_runs
from core.solution.export import FORMATS, formats
from core.solution.on_mesh import read_sampled
from core.solution.sampled import Sampled
from core.solution.scene import SceneRequest, at_moment
from core.solution.series import mesh_series_bytes
from pages.parts.shared.made_download import made_download
from pages.parts.shared.text import LONGEST, ago, code, message, visible
from pages.parts.solution.figures import curve, numbers
from pages.parts.solution.form import (
    KEY,
    look_input,
    quantity_input,
    resolution_input,
    scene_input,
    view_input,
)
from pages.parts.solution.scene import RENDERERS, show_scene


@st.cache_resource(max_entries=4, show_spinner=False)
def read_grid(path) -> Sampled:
    """A sampled grid or mesh, shared by visitors; a file's name changes with its content."""
    return read_sampled(path)


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
    """Inputs, one scene, its numbers, the download."""
    what, how_fine = controls.container(), controls.container()
    with how_fine:
        view = view_input(run.config.problem)
        resolution = resolution_input(run.config.problem, run.run_id, view)
    with canvas, st.spinner("Sampling the network …", show_time=True):
        path = children.sample(views(run.config.problem)[view], run.folder, resolution)
        grid = read_grid(path)
    with what:
        quantity = quantity_input(grid, run.run_id)
        request = scene_input(grid, quantity, run.run_id)
        look = look_input(quantity)
    with canvas:
        renderer = st.segmented_control("Renderer", RENDERERS, default=RENDERERS[0], label_visibility="collapsed")
        identity = f"{KEY}.{run.run_id}.{quantity.name}.{quantity.logarithmic}"
        scene = show_scene(path, request, look, renderer or RENDERERS[0], identity)
        thinned = f"{scene.shown:,} of {scene.total:,} triangles" if scene.shown < scene.total else ""
        st.caption(" · ".join(filter(None, [numbers(grid, run), thinned])))
        if len(grid.axes) == 1:
            curve(grid, quantity, run.run_id)
        download(path, grid, run, request)


def download(path, grid: Sampled, run: Viewable, request: SceneRequest) -> None:
    """The file for ParaView: exactly the sampled values; of a mesh in time one moment, or all of them."""
    whole = grid if len(grid.axes) <= 3 else at_moment(grid, request.time_index)
    suffix, button = st.columns([2, 3], vertical_alignment="bottom")
    all_moments = {"zip": "all moments: .vtu files and a .pvd"} if getattr(grid, "times", None) is not None else {}
    said = {name: FORMATS[name] for name in formats(whole)} | all_moments
    chosen = suffix.selectbox("Format", list(said), format_func=lambda name: f".{name}, {said[name]}")
    with button:
        made_download(
            "Download for ParaView",
            lambda: children.written(mesh_series_bytes, path) if chosen == "zip"
            else children.exported_bytes(path, chosen, request.time_index),
            f"{file_stem(run.config.name or run.run_id[:8])}.{chosen}",
            "application/octet-stream",
        )  # fmt: skip


st.title("Solution 3D")
try:
    available = viewable_runs()
    if not available:
        st.info("No run has a solution yet. Launch one: its first checkpoint shows here.", icon=":material/info:")
        st.page_link("pages/launch_runs.py", label="Launch a run", icon=":material/rocket_launch:")
        st.stop()
    left, right = st.columns([1, 3], gap="large")
    with left:
        picked = pick_run(available)
    draw(picked, left, right)
except LabError as error:
    st.error(message(error))
