"""A polygon drawn with the mouse, beside the lines in which its vertices are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import streamlit as st

MOST = 200
"""Vertices that are drawn so; longer polygons are typed or pasted."""
_STYLE = """
.polygon { width: 100%; max-width: 560px; }
.polygon .canvas { width: 100%; height: auto; display: block; touch-action: none; cursor: crosshair;
  border: 1px solid var(--st-border-color); border-radius: 6px; user-select: none; }
.polygon .grid { stroke: var(--st-border-color); stroke-width: 0.6; }
.polygon .tick, .polygon .name { font: 10px var(--st-font); fill: var(--st-text-color); opacity: 0.65; }
.polygon .name { opacity: 1; text-anchor: middle; }
.polygon text { pointer-events: none; }
.polygon .inside { fill: var(--st-primary-color); opacity: 0.15; pointer-events: none; }
.polygon .side { stroke: var(--st-primary-color); stroke-width: 2; }
.polygon .wide { stroke: transparent; stroke-width: 12; cursor: copy; }
.polygon .vertex { fill: var(--st-background-color); stroke: var(--st-primary-color); stroke-width: 2; cursor: move; }
"""
_component = st.components.v2.component(
    "singularity_lab_polygon",
    html='<div class="polygon"></div>',
    css=_STYLE,
    js=(Path(__file__).parent / "polygon_canvas.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def polygon_canvas(
    vertices: list[tuple[float, float, str]], key: str, on_drawn: Callable[[list[tuple[float, float, str]]], None]
) -> None:
    """Draw a polygon that can be changed.

    Args:
        vertices: x, y, and the name of the side that begins there.
        key: identity of the canvas on its page.
        on_drawn: is given the vertices as they were changed, before the page is drawn again.
    """

    def drawn() -> None:
        if text := st.session_state[key].drawn:
            on_drawn([(float(x), float(y), str(name)) for x, y, name in json.loads(text)])

    _component(key=key, data={"vertices": json.dumps(vertices)}, on_drawn_change=drawn, height="content")
