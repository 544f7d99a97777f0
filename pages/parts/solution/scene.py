"""Two renderers behind one function: Plotly's quick view, which keeps its camera, and VTK's own through stpyvista."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go
import streamlit as st

from core.errors import LabError
from core.solution import children
from core.solution.scene import Scene, SceneRequest
from core.solution.vtk_view import HEIGHT
from pages.parts.shared.live_plotly import LONGEST_TITLE, component_key, live_plotly
from pages.parts.shared.text import message, visible

RENDERERS = ("Quick view", "VTK view")

COLORMAPS = {"viridis": "Viridis", "cividis": "Cividis", "inferno": "Inferno", "coolwarm": "RdBu_r", "turbo": "Turbo"}
"""Names in VTK (matplotlib's) → in Plotly."""

RETRY_S = 300.0
"""A machine on which VTK failed is asked again after so long: it may only have been busy."""


@dataclass(frozen=True)
class Look:
    """How a scene is coloured."""

    colormap: str
    limits: tuple[float, float]
    title: str


def show_scene(path: Path, request: SceneRequest, look: Look, renderer: str, key: str) -> Scene:
    """Draw a scene in the chosen renderer; where VTK's can't be had, say why and draw the quick view.

    Args:
        path: the sampled grid's file; its name changes with its content.
        request: what of it to draw.
        look: colours.
        renderer: one of RENDERERS.
        key: identity of the view; the quick view keeps its camera as long as it stays.
    """
    scene = _scene(path, request)
    if renderer == "VTK view":
        reason = _vtk_trial().reason
        if reason is None:
            try:
                _show_vtk(_vtk_page(path, request, look, st.context.theme.type == "dark"), key)
                return scene
            except LabError as error:
                reason = str(error)
        st.warning(f"The VTK view is not available: {message(reason)} This is the quick view.")
    live_plotly(scene_figure(scene, look, key), key=f"{key}.quick", height=HEIGHT)
    return scene


def scene_figure(scene: Scene, look: Look, revision: str) -> go.Figure:
    """The scene as Plotly meshes in a ruled box."""
    figure = go.Figure()
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
            hovertemplate="%{x:.4g}, %{y:.4g}, %{z:.4g}<br>%{intensity:.4g}<extra></extra>",
        )  # fmt: skip
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
    ratio = {name: 1.65 * max(length / diagonal, 0.02) for name, length in zip("xyz", lengths, strict=True)}
    figure.update_layout(
        uirevision=revision,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        scene={
            "aspectmode": "manual",
            "aspectratio": ratio,
            "camera": {"eye": {"x": 1.6, "y": -1.6, "z": 1.1}, "center": {"x": 0, "y": 0, "z": -0.08}},
            **axes,
        },
    )
    return figure


@st.cache_resource(max_entries=30, show_spinner=False)
def _scene(path: Path, request: SceneRequest) -> Scene:
    return children.build_scene(path, request)


@dataclass(frozen=True)
class _Trial:
    """Whether VTK could draw here, and when that was asked."""

    reason: str | None
    at: float


def _holds(trial: _Trial) -> bool:
    return trial.reason is None or time.time() - trial.at < RETRY_S


@st.cache_resource(show_spinner="Trying VTK …", validate=_holds)
def _vtk_trial() -> _Trial:
    return _Trial(children.vtk_unavailable(), time.time())


@st.cache_data(max_entries=20, show_spinner="Drawing with VTK …")
def _vtk_page(path: Path, request: SceneRequest, look: Look, dark: bool) -> str:
    return children.vtk_html(
        _scene(path, request), look.colormap, look.limits, visible(look.title, LONGEST_TITLE), dark
    )


def _show_vtk(page: str, key: str) -> None:
    """Hand a finished page to stpyvista.

    stpyvista 0.2.1 renders by forking this server, threads and all, and waits for the fork without a limit, so a child
    that dies blocks the page for ever. The page was rendered in a child of its own with a time limit instead;
    stpyvista gets it through the one function that its trame backend consists of, and does what is its own: the
    component. The replaced function reads the page from its argument, so that visitors can't get each other's.
    """
    import stpyvista

    stpyvista._trame_html = lambda rendered: rendered.page
    stpyvista.stpyvista(_rendered(page), backend="trame", key=component_key(f"{key}.vtk"))


def _rendered(page: str):
    """Passes for a plotter; its page is there already, and no window is ever opened."""
    import pyvista

    class Rendered(pyvista.Plotter):
        window_size = (1100, HEIGHT)

        def __init__(self):
            self.page = page

        def __del__(self):
            pass  # there is nothing to close

    return Rendered()
