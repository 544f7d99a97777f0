"""Two renderers behind one function: Plotly's quick view, which keeps its camera, and VTK's own through stpyvista."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from core.errors import LabError
from core.solution import children
from core.solution.scene import Scene
from core.solution.vtk_view import HEIGHT
from pages.parts.live_plotly import live_plotly

COLORMAPS = {"viridis": "Viridis", "cividis": "Cividis", "inferno": "Inferno", "coolwarm": "RdBu_r", "turbo": "Turbo"}
"""Names in VTK (matplotlib's) → in Plotly."""


@dataclass(frozen=True)
class Look:
    """How a scene is coloured."""

    colormap: str
    limits: tuple[float, float]
    title: str


def show_scene(scene: Scene, look: Look, renderer: str, key: str) -> None:
    """Draw a scene in the chosen renderer; where VTK's can't be had, say why and draw the quick view.

    Args:
        scene: what to draw.
        look: colours.
        renderer: "Quick view" or "VTK view".
        key: identity of the view; the quick view keeps its camera as long as it stays.
    """
    if renderer == "VTK view":
        reason = _vtk_unavailable()
        if reason is None:
            try:
                _show_vtk(_vtk_page(scene, look, _dark()), key)
                return
            except LabError as error:
                reason = str(error)
        st.warning(f"The VTK view is not available: {reason} This is the quick view.")
    live_plotly(scene_figure(scene, look, key), key=f"{key}.quick", height=HEIGHT)


def scene_figure(scene: Scene, look: Look, revision: str) -> go.Figure:
    """The scene as Plotly meshes with the box around them."""
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
            colorbar={"title": {"text": look.title, "side": "right"}, "thickness": 14, "len": 0.75},
            opacity=surface.opacity,
            lighting={"ambient": 0.6, "diffuse": 0.6, "specular": 0.1},
            hovertemplate="%{x:.4g}, %{y:.4g}, %{z:.4g}<br>%{intensity:.4g}<extra></extra>",
        )  # fmt: skip
    x0, x1, y0, y1, z0, z1 = scene.bounds
    # one line that runs along all twelve edges of the box
    route = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 0, 0), (1, 0, 1)]
    route += [(1, 1, 1), (1, 1, 0), (1, 1, 1), (0, 1, 1), (0, 1, 0), (0, 1, 1), (0, 0, 1)]
    figure.add_scatter3d(
        x=[(x0, x1)[a] for a, _, _ in route],
        y=[(y0, y1)[b] for _, b, _ in route],
        z=[(z0, z1)[c] for _, _, c in route],
        mode="lines",
        line={"color": "#94a3b8", "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    titles = dict(zip(("xaxis", "yaxis", "zaxis"), scene.axis_titles, strict=True))
    figure.update_layout(
        uirevision=revision,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        scene={
            "aspectmode": "data",
            "camera": {"eye": {"x": 1.6, "y": -1.6, "z": 1.1}},
            **{axis: {"title": {"text": title}} for axis, title in titles.items()},
        },
    )
    return figure


@st.cache_data(show_spinner="Trying VTK …")
def _vtk_unavailable() -> str | None:
    return children.vtk_unavailable()


@st.cache_data(max_entries=20, show_spinner="Drawing with VTK …", hash_funcs={Scene: id, Look: hash})
def _vtk_page(scene: Scene, look: Look, dark: bool) -> str:
    return children.vtk_html(scene, look.colormap, look.limits, look.title, dark)


def _dark() -> bool:
    return st.context.theme.type == "dark"


def _show_vtk(page: str, key: str) -> None:
    """Hand a finished page to stpyvista.

    stpyvista 0.2.1 renders by forking this server, threads and all, and waits for the fork without a limit, so a child
    that dies blocks the page for ever. The page was rendered in a spawned child with a time limit instead; stpyvista
    gets it through the one function that its trame backend consists of, and does what is its own: the component.
    """
    import pyvista
    import stpyvista

    class Rendered(pyvista.Plotter):
        """Passes for a plotter; its page is there already, and no window was ever opened."""

        window_size = (1100, HEIGHT)

        def __init__(self):
            pass

        def __del__(self):
            pass

    stpyvista._trame_html = lambda plotter: page
    stpyvista.stpyvista(Rendered(), backend="trame", key=f"{key}.vtk")
