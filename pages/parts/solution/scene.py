"""Two renderers behind one function: the quick view, and VTK's own through stpyvista."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import streamlit as st

from core.errors import LabError
from core.solution import children
from core.solution.camera import PRESETS, Camera, read_camera
from core.solution.drawing import SceneRequest
from core.solution.scene import Scene
from core.solution.vtk_view import HEIGHT, View
from pages.parts.in_space.component import page_of_scene, show_scenes
from pages.parts.in_space.look import Look
from pages.parts.in_space.packed import packed
from pages.parts.shared.live_plotly import component_key
from pages.parts.shared.text import LONGEST_TITLE, message, visible

RENDERERS = ("Quick view", "VTK view")
EYE = "eye"
"""Name in the page's address of where a scene was turned to; `vtk_page.js` knows it, too."""


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
    show_scenes(
        [packed(scene, look)], look, key=f"{key}.quick", revision=key, height=HEIGHT, address=EYE, on_pick=on_pick
    )
    return scene


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
    return page_of_scene(packed(scene, look), camera, look.title, dark)


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
