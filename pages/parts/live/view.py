"""The live parts of Watch, as components: their scripts ask `pages.parts.live.route`, Streamlit draws none of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.parts.shared.live_plotly import DRAWING


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


SOURCE = _text("source.js")
"""For scripts of components: `liveSource(address, part)`, one question a second for all parts that show the same."""

_run = st.components.v2.component(
    "singularity_lab_run",
    html='<div class="lab-live"></div>',
    css=_text("run_view.css"),
    js=SOURCE + DRAWING + _text("run_view.js"),
    isolate_styles=False,
)
_grid = st.components.v2.component(
    "singularity_lab_grid",
    html='<div class="lab-grid" hidden></div>',
    css=_text("grid.css"),
    js=SOURCE + _text("grid.js"),
    isolate_styles=False,
)


def _nothing() -> None:
    """A component's message runs the page again, which is all it is for."""


def live_run(run_id: str, structure: str, expects: Sequence[str], *, large: bool = False) -> None:
    """What moves of a run; the fragment around it is run again when `structure` is another.

    Args:
        run_id: the run.
        structure: `pages.parts.live.run_state.structure` of what has been drawn.
        expects: names of the charts that room is kept for.
        large: for a projector: large type, curves and key figures alone, nothing to press.
    """
    data = {
        "run": run_id,
        "structure": structure,
        "drawn": time.monotonic(),
        "expects": list(expects),
        "large": large,
    }
    _run(key="present.live" if large else "watch.live", data=data, on_changed_change=_nothing)


def live_grid(run_id: str | None) -> str | None:
    """The runs at work side by side, where there are several; the id of the one that was clicked.

    Args:
        run_id: the run that is shown large; without one the page is run again once there is a run.
    """
    data = {"run": run_id, "empty": run_id is None}
    result = _grid(key="watch.grid", data=data, on_open_change=_nothing, on_appeared_change=_nothing)
    return result.open
