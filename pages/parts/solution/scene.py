"""Two renderers behind one function: Plotly's quick view, which keeps its camera, and VTK's own through stpyvista."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go
import streamlit as st

from core.errors import LabError
from core.solution import children
from core.solution.camera import BOX, PRESETS, Camera, read_camera
from core.solution.drawing import SceneRequest
from core.solution.lines import Lines
from core.solution.scene import Scene
from core.solution.vtk_view import HEIGHT, View
from pages.parts.shared.live_plotly import LONGEST_TITLE, component_key, live_plotly, page_of
from pages.parts.shared.text import message, visible

RENDERERS = ("Quick view", "VTK view")
EYE = "eye"
"""Name in the page's address of where a scene was turned to; `vtk_page.js` knows it, too."""

LINE = "#808890"
"""Colour of lines that have none of their own, seen on light and on dark."""

COLORMAPS = {"viridis": "Viridis", "cividis": "Cividis", "inferno": "Inferno", "coolwarm": "RdBu_r", "turbo": "Turbo"}
"""Names in VTK (matplotlib's) → in Plotly."""


@dataclass(frozen=True)
class Look:
    """How a scene is coloured."""

    colormap: str
    limits: tuple[float, float]
    title: str
    camera: str = next(iter(PRESETS))
    """One of PRESETS."""
    turned: int = 0
    """How often the visitor chose a camera: each time the view is taken back to it."""


def renderer_asked() -> str:
    """The renderer that will be drawn with, before its widget is there: the visitor's choice, or the address's."""
    asked = st.session_state.get("renderer") or st.query_params.get("renderer")
    return asked if asked in RENDERERS else RENDERERS[0]


def show_scene(
    path: Path, request: SceneRequest, look: Look, renderer: str, key: str,
    on_pick: Callable[[list[float]], None] | None = None,
) -> Scene:  # fmt: skip
    """Draw a scene in the chosen renderer; where VTK's can't be had, say why and draw the quick view.

    Args:
        path: the sampled grid's file; its name changes with its content.
        request: what of it to draw.
        look: colours.
        renderer: one of RENDERERS.
        key: identity of the view; the quick view keeps its camera as long as it stays.
        on_pick: called with a place in the scene that was clicked.
    """
    camera_of(look)  # a bad address is said and forgotten before the browser reads it
    try:
        scene = built_scene(path, request)
    except LabError as error:
        st.warning(f"This view can't be drawn: {message(error)}")
        st.button("Draw it again", key=f"{key}.again")
        return None
    if renderer == "VTK view":
        try:
            _show_vtk(_vtk_page(path, request, look, st.context.theme.type == "dark"), key)
            if on_pick is not None:
                _hear_places(on_pick)
            return scene
        except LabError as error:
            st.warning(f"The VTK view is not available: {message(error)} This is the quick view.")
    live_plotly(scene_figure(scene, look, key), key=f"{key}.quick", height=HEIGHT, camera=EYE, on_pick=on_pick)
    return scene


def scene_figure(scene: Scene, look: Look, revision: str) -> go.Figure:
    """The scene as Plotly meshes in a ruled box."""
    layout = {  # handed over whole: `update_layout` takes 20 ms for the same
        "uirevision": f"{revision}.{look.camera}.{look.turned}",
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "scene": box_of(scene, look),
    }
    figure = go.Figure(layout=layout)
    pointed = _pointed(scene, look)
    for index, surface in enumerate(scene.surfaces):
        x, y, z = surface.vertices.T
        i, j, k = surface.faces.T
        figure.add_mesh3d(
            x=x, y=y, z=z, i=i, j=j, k=k,
            intensity=surface.intensity,
            colorscale=COLORMAPS[look.colormap],
            cmin=look.limits[0],
            cmax=look.limits[1],
            showscale=index == 0,
            colorbar={
                "title": {"text": look.title, "side": "right"},
                "thickness": 14, "len": 0.75, "x": 0.98, "exponentformat": "power",
            },
            opacity=surface.opacity,
            flatshading=False,
            lighting={"ambient": 0.65, "diffuse": 0.45, "specular": 0.05} if surface.shaded
            else {"ambient": 1.0, "diffuse": 0.0, "specular": 0.0},
            lightposition={"x": 1000, "y": -2000, "z": 3000},
            hovertemplate=pointed,
        )  # fmt: skip
    for curves in scene.lines:
        figure.add_trace(_lines(curves, look))
    if not figure.data:  # without a trace in space Plotly draws the axes of a plane
        figure.add_scatter3d(x=[None], y=[None], z=[None], hoverinfo="skip")
    return figure


def _pointed(scene: Scene, look: Look) -> str:
    """What is said at the pointer: where it is, and the value; a height is the value already."""
    axes = [(title, axis) for title, axis in zip(scene.axis_titles, "xyz", strict=True)
            if title and not (axis == "z" and scene.stretch != 1)]  # fmt: skip
    said = [(title, f"%{{{axis}:.6~g}}") for title, axis in axes] + [(look.title, "<b>%{intensity:.6~g}</b>")]
    named = [f"{escape(visible(name, LONGEST_TITLE)).replace('%', '&#37;')} = {value}" for name, value in said]
    return "<br>".join(named) + "<extra></extra>"


def _lines(curves: Lines, look: Look) -> go.Scatter3d:
    gaps = curves.starts[1:]
    x, y, z = (np.insert(column.astype(float), gaps, np.nan) for column in curves.vertices.T)
    line = {"width": 1.6 * curves.width, "color": LINE}
    if curves.intensity is not None:
        colours = np.insert(curves.intensity.astype(float), gaps, np.nan)
        line |= {"color": np.nan_to_num(colours, nan=look.limits[0]), "colorscale": COLORMAPS[look.colormap],
                 "cmin": look.limits[0], "cmax": look.limits[1]}  # fmt: skip
    return go.Scatter3d(x=x, y=y, z=z, mode="lines", line=line, hoverinfo="skip")


def box_of(scene: Scene, look: Look) -> dict:
    """The ruled box around a scene as Plotly's layout has it."""
    lows, highs = scene.bounds[::2], scene.bounds[1::2]
    lengths = [high - low for low, high in zip(lows, highs, strict=True)]
    lengths[2] *= scene.stretch
    axes = {
        name: {
            "title": {"text": title},
            "range": [low, high] if high > low else [low - 0.5, low + 0.5],
            "showticklabels": bool(title),
            "exponentformat": "power",
            "nticks": 6,
        }
        for name, title, low, high in zip(("xaxis", "yaxis", "zaxis"), scene.axis_titles, lows, highs, strict=True)
    }
    diagonal = math.hypot(*lengths)  # as long as fits the canvas from any side
    ratio = {name: BOX * max(length / diagonal, 0.02) for name, length in zip("xyz", lengths, strict=True)}
    return {"aspectmode": "manual", "aspectratio": ratio, "camera": _plotly_camera(PRESETS[look.camera]), **axes}


def _plotly_camera(camera: Camera) -> dict:
    places = {"eye": camera.eye, "center": camera.center, "up": camera.up}
    return {name: dict(zip("xyz", place, strict=True)) for name, place in places.items()}


def camera_of(look: Look) -> Camera:
    """Where a scene is looked at from: turned freely as the address says, else as chosen. A bad address is said."""
    text = st.query_params.get(EYE)
    if not text:
        return PRESETS[look.camera]
    try:
        return read_camera(text)
    except LabError as error:
        st.warning(message(f"{error} The view starts at {look.camera}."))
        del st.query_params[EYE]
        return PRESETS[look.camera]


@st.cache_resource(max_entries=30, show_spinner=False)
def built_scene(path: Path, request: SceneRequest) -> Scene:
    """A sampled file's scene, built once for all visitors."""
    return children.build_scene(path, request)


@st.cache_data(max_entries=20, show_spinner="Drawing with VTK …")
def _vtk_page(path: Path, request: SceneRequest, look: Look, dark: bool) -> str:
    return children.vtk_html(built_scene(path, request), view_of(look, dark), _VIEWER)


def view_of(look: Look, dark: bool, camera: Camera | None = None) -> View:
    """The same look for VTK, from another place where one is given."""
    title = visible(look.title, LONGEST_TITLE)
    return View(look.colormap, look.limits, title, dark, camera or PRESETS[look.camera])


def offline_html(path: Path, request: SceneRequest, look: Look, dark: bool, renderer: str, camera: Camera) -> str:
    """What is drawn as a page of its own, everything in it, by the renderer that is chosen. Raises LabError."""
    scene = built_scene(path, request)
    if renderer == "VTK view":
        return children.vtk_html(scene, view_of(look, dark, camera))
    figure = scene_figure(scene, look, "offline")
    figure.update_layout(scene_camera=_plotly_camera(camera))
    return page_of(figure, look.title, dark)


_VIEWER = f"app/static/vtk-viewer.js?{version('trame-vtk')}"
"""Address of VTK's viewer as the page's own files are found; it changes with its content."""
_FRAME = """<div id="stpyvistadiv"><iframe id="stpyvistaframe" frameborder="0" allowfullscreen allowtransparency
referrerpolicy="same-origin"></iframe></div>"""


@cache
def _frame() -> Callable:
    """The component of stpyvista, which Streamlit knows by the package's files; only a server does."""
    return st.components.v2.component(
        "stpyvista.simple", html=_FRAME, js="v2/stpyvista.js", css="v2/style.css", isolate_styles=True
    )


def _show_vtk(page: str, key: str) -> None:
    """Hand a finished page to stpyvista's component.

    stpyvista 0.2.1 itself renders by forking this server, threads and all, and waits for the fork without a limit, so a
    child that dies blocks the page for ever; and to import it is to import vtk here, two seconds of processor time and
    the memory. The page was rendered in a child of its own with a time limit instead, and is shown by the package's
    component alone.
    """
    data = {"_html": page, "backend": "trame", "height": HEIGHT, "width": "stretch", "use_container_width": True}
    _frame()(key=component_key(f"{key}.vtk"), data=data)


_PLACES = """
export default function ({ setTriggerValue }) {
  const heard = ({ detail }) => setTriggerValue("picked", [...detail]);
  window.addEventListener("singularity-lab-place", heard);
  return () => window.removeEventListener("singularity-lab-place", heard);
}
"""
_places = st.components.v2.component("singularity_lab_places", js=_PLACES, isolate_styles=False)


def _hear_places(on_pick: Callable[[list[float]], None]) -> None:
    """Have a function called with a place [x, y, z] that was clicked in the VTK view, which tells the page around."""
    key = "solution.places"

    def picked() -> None:
        place = st.session_state[key].picked
        if place is not None:
            on_pick(place)

    _places(key=key, height=1, on_picked_change=picked)
