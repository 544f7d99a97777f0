"""What of a solution is taken along: the file for ParaView."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.names import file_stem
from core.solution import children
from core.solution.available import Viewable
from core.solution.drawing import SceneRequest
from core.solution.export import FORMATS, formats
from core.solution.sampled import Sampled
from core.solution.scene import at_moment
from core.solution.series import mesh_series_bytes
from pages.parts.shared.made_download import made_download
from pages.parts.solution.scene import Look


def downloads(path: Path, grid: Sampled, run: Viewable, request: SceneRequest, look: Look) -> None:
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
