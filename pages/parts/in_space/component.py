"""Scenes drawn by the browser itself, several on one canvas: small enough that they are there with the page.

plotly.js would take a second to compile and one to three more for its shaders; this takes a tenth of one. The same
scripts make a page that opens without a network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from core.solution.camera import PRESETS, Camera
from pages.parts.in_space.look import Look
from pages.parts.shared.live_plotly import component_key
from pages.parts.shared.text import LONGEST, visible

_FILES = Path(__file__).parent
SCRIPT = "".join(
    (_FILES / f"{name}.js").read_text(encoding="utf-8") for name in ("camera", "ruler", "drawing", "box", "view")
)
STYLES = (_FILES / "in_space.css").read_text(encoding="utf-8")
_MOUNT = """
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lab-scene");
  if (data.height) root.style.height = data.height + "px";
  root.classList.toggle("chart-large", data.large);
  const view = root.view ??= new SceneView(root);
  try { view.given(data, setTriggerValue); } catch (error) { view.refuse(error.message); }
  return () => { root.view = undefined; root.replaceChildren(); view.stop(); };
}
"""
_component = st.components.v2.component(
    "singularity_lab_scenes",
    html='<div class="lab-scene"></div>',
    css=STYLES,
    js=SCRIPT + _MOUNT,
    isolate_styles=False,
)
_ahead = st.components.v2.component(
    "singularity_lab_scenes_ahead", js=SCRIPT + "export default function () { readyAhead(); }", isolate_styles=False
)


def scenes_ahead() -> None:
    """On a page that will show a scene: the browser gets ready to draw while the server makes it."""
    _ahead(key="scenes.ahead", height=1)


def show_scenes(
    scenes: Sequence[dict[str, Any]], look: Look, *, key: str, revision: str, height: int | None, large: bool = False,
    linked: bool = False, address: str = "", on_pick: Callable[[list[float]], None] | None = None,
) -> None:  # fmt: skip
    """Draw scenes side by side, or hand the view of the same key its new ones.

    Args:
        scenes: as `pages.parts.in_space.packed` has them.
        look: where they are looked at from at first.
        key: identity of the view on its page.
        revision: as long as it and the look's camera stay, so does where the visitor turned the view to.
        height: in pixels; None where the page's styles say it.
        large: for a projector: larger type and lines, no buttons.
        linked: they are turned together.
        address: name in the page's address of where they are looked at from (`core.solution.camera`), which goes
            before the look's camera; without it turning leaves the address alone.
        on_pick: called with a place [x, y, z] that was clicked, before the page runs again.
    """
    key = component_key(key)
    content = _content(scenes, PRESETS[look.camera], f"{revision}.{look.camera}.{look.turned}")
    data = {"content": content, "height": height, "name": key, "large": large, "linked": linked, "address": address,
            "picks": on_pick is not None}  # fmt: skip

    def picked() -> None:
        place = st.session_state[key].picked
        if on_pick is not None and place is not None:
            on_pick(place)

    _component(key=key, data=data, height=height or "content", on_picked_change=picked)


def page_of_scene(scene: dict[str, Any], camera: Camera, title: str, dark: bool) -> str:
    """A scene as a page of its own, everything in it.

    Args:
        scene: as `pages.parts.in_space.packed` has it.
        camera: where it is looked at from.
        title: of the page.
        dark: light lines on a dark ground.
    """
    ground, ink, line = ("#0f151b", "#e3e9ee", "#3a4653") if dark else ("#ffffff", "#14202b", "#d5dbe1")
    colours = f"--st-background-color:{ground};--st-text-color:{ink};--st-border-color:{line}"
    data = {"content": _content([scene], camera, "offline"), "name": visible(title, LONGEST)}
    written = json.dumps(data).replace("<", "\\u003c")
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{escape(visible(title, LONGEST))}</title>'
        f"<style>html,body{{margin:0;height:100%;background:{ground};{colours}}}{STYLES}"
        '.lab-scene{height:100%}</style></head><body><div class="lab-scene"></div>'
        f"<script>{SCRIPT}\nconst root = document.querySelector('.lab-scene'), view = root.view = new SceneView(root);"
        f"view.given({written}, () => {{}});</script></body></html>"
    )


def _content(scenes: Sequence[dict[str, Any]], camera: Camera, revision: str) -> str:
    place = [float(number) for number in (*camera.eye, *camera.center, *camera.up)]
    return json.dumps({"scenes": list(scenes), "camera": place, "revision": revision})
