"""Solution 3D: the fields, residuals and errors of a run's newest checkpoint, and the file for ParaView."""

import numpy as np
import streamlit as st

from core.errors import LabError
from core.solution import children
from core.solution.available import Viewable, viewable_runs
from core.solution.export import FORMATS, export_bytes
from core.solution.grid import SolutionGrid, check_resolution, default_resolution
from core.solution.scene import SceneRequest, displayed
from pages.parts.figures import PALETTE, Series, curve_figure
from pages.parts.live_plotly import live_plotly
from pages.parts.scene import COLORMAPS, Look, show_scene
from pages.parts.text import ago, figure_of

KEY = "solution"


@st.cache_resource(max_entries=8, show_spinner=False)
def read_grid(path, changed: float) -> SolutionGrid:
    """A sampled grid, shared by visitors."""
    return SolutionGrid.read(path)


@st.cache_resource(max_entries=30, show_spinner=False)
def scene_of(path, changed: float, request: SceneRequest):
    """A scene, shared by visitors."""
    return children.build_scene(path, request)


def pick_run(available: list[Viewable]) -> Viewable:
    """The run of the permalink, or the newest."""
    by_id = {item.run_id: item for item in available}
    wanted = st.query_params.get("run")
    if wanted and wanted not in by_id:
        raise LabError(f"Run {wanted[:32]} has no checkpoint here yet, so there is nothing to draw.")
    chosen = st.selectbox(
        "Run",
        list(by_id),
        index=list(by_id).index(wanted) if wanted else 0,
        format_func=lambda run_id: f"{by_id[run_id].config.name or run_id[:8]} · {ago(by_id[run_id].changed)}",
        key=f"{KEY}.run.{wanted}",
    )
    st.query_params["run"] = chosen
    return by_id[chosen]


def scene_inputs(grid: SolutionGrid, value: str, logarithmic: bool, limits: tuple[float, float]) -> SceneRequest:
    """Widgets for what the grid's dimensions allow."""
    options: dict = {"value": value, "logarithmic": logarithmic}
    space = [name for name in grid.coordinates if name != grid.time]
    if grid.time is not None and len(grid.axes) > 2:
        times = grid.axes[grid.coordinates.index(grid.time)]
        moment = st.select_slider(grid.time, list(range(len(times))), format_func=lambda i: f"{times[i]:.3g}")
        options["time_index"] = moment
    if len(grid.axes) == 3:
        low, high = limits
        parts = st.pills("Show", ["isosurfaces", "slices"], default=["isosurfaces"], selection_mode="multi")
        if "isosurfaces" in parts:
            levels = st.slider("Isosurfaces at", 0, 100, (25, 75), format="%d%%", help="Of the range of values.")
            options["isosurfaces"] = tuple(low + (high - low) * level / 100 for level in dict.fromkeys(levels))
        if "slices" in parts:
            middles = [(axis[0], axis[-1]) for axis in grid.axes]
            options["slices"] = tuple(
                st.slider(f"Slice {name}", float(a), float(b), float((a + b) / 2))
                for name, (a, b) in zip(space, middles, strict=False)
            )
    else:
        options["warp"] = st.slider("Height", 0.0, 2.0, 1.0, 0.1)
    options["clip_axis"] = (
        st.segmented_control("Clip", ["none", *"xyz"[: max(2, len(space))]], default="none") or "none"
    )
    if options["clip_axis"] != "none":
        options["clip_at"] = st.slider("Clip at", 0, 100, 50, format="%d%%") / 100
    return SceneRequest(**options)


def draw(run: Viewable, controls, canvas) -> None:
    """Inputs, one scene, the download."""
    problem = run.config.problem
    with controls:
        start = default_resolution(problem)
        resolution = st.select_slider(
            "Resolution", sorted({start // 4 + 1, start // 2 + 1, start, 2 * start - 1, 4 * start - 3}), start,
            key=f"{KEY}.resolution.{run.run_id}",
        )  # fmt: skip
        check_resolution(problem, resolution)
        with canvas, st.spinner("Sampling the network …", show_time=True):
            path = children.sampled_file(run.run_id, resolution)
        grid = read_grid(path, path.stat().st_mtime)
        value = st.selectbox("Value", list(grid.values), key=f"{KEY}.value.{run.run_id}")
        signed = value.startswith("residual_") or value.endswith("_error")
        logarithmic = signed and st.toggle("log₁₀ of the absolute value", key=f"{KEY}.log")
        shown = displayed(grid.values[value], logarithmic)
        finite = shown[np.isfinite(shown)]
        limits = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        request = scene_inputs(grid, value, logarithmic, limits)
        colormap = st.selectbox("Colours", list(COLORMAPS), 3 if signed and not logarithmic else 0)
        colors = limits
        if st.toggle("Set the range by hand"):
            low = st.number_input("From", value=limits[0], format="%.3e")
            high = st.number_input("To", value=limits[1], format="%.3e")
            colors = (low, high) if high > low else limits
        renderer = st.segmented_control("Renderer", ["Quick view", "VTK view"], default="Quick view")
    with canvas:
        title = f"log₁₀ |{value}|" if logarithmic else value
        scene = scene_of(path, path.stat().st_mtime, request)
        show_scene(scene, Look(colormap, colors, title), renderer or "Quick view", f"{KEY}.{run.run_id}.{value}")
        thinned = f"{scene.shown:,} of {scene.total:,} triangles" if scene.shown < scene.total else ""
        figures(grid, problem.fields, thinned)
        if len(grid.axes) == 1:
            line(grid, value, run.run_id)
        download(grid, run)


def figures(grid: SolutionGrid, fields: tuple[str, ...], thinned: str) -> None:
    """How good the sampled solution is, in one line."""
    residual = max(np.nanmax(np.abs(v)) for name, v in grid.values.items() if name.startswith("residual_"))
    parts = [f"{grid.points:,} points", f"max |R| {figure_of(residual)}"]
    errors = [
        (grid.values[f"{name}_error"], grid.values[f"{name}_exact"])
        for name in fields
        if f"{name}_error" in grid.values
    ]
    if errors:
        relative = np.sqrt(sum((e**2).sum() for e, _ in errors) / sum((x**2).sum() for _, x in errors))
        parts.append(f"relative L2 error {figure_of(relative)}")
        parts.append(f"max error {figure_of(max(np.abs(e).max() for e, _ in errors))}")
    if "lambda" in grid.about:
        parts.append(f"λ = {grid.about['lambda']:.10f}")
    st.caption(" · ".join([*parts, thinned] if thinned else parts))


def line(grid: SolutionGrid, value: str, run_id: str) -> None:
    """A field of one coordinate as a curve, over the exact one where it is known."""
    x = np.arcsinh(grid.axes[0]) if not grid.uniform else grid.axes[0]
    title = grid.coordinates[0] if grid.uniform else f"asinh {grid.coordinates[0]}"
    series = [Series(x, grid.values[value], value, PALETTE[0])]
    if f"{value}_exact" in grid.values:
        series.append(Series(x, grid.values[f"{value}_exact"], "exact", PALETTE[1], "dash"))
    figure = curve_figure(series, x_title=title, y_title=value, log_y=False, revision=f"{run_id}.{value}")
    live_plotly(figure, key=f"{KEY}.line.{run_id}.{value}", height=320)


def download(grid: SolutionGrid, run: Viewable) -> None:
    """The file for ParaView: exactly the sampled values."""
    suffix, button = st.columns([2, 3], vertical_alignment="bottom")
    formats = [name for name in FORMATS if name != "vti" or grid.uniform]
    chosen = suffix.selectbox("Format", formats, format_func=lambda name: f".{name}, {FORMATS[name]}")
    button.download_button(
        "Download for ParaView",
        data=lambda: export_bytes(grid, chosen),
        file_name=f"{run.config.name or run.run_id[:8]}.{chosen}",
        mime="application/octet-stream",
        icon=":material/download:",
    )


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
    st.error(str(error))
