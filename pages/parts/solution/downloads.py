"""What of a solution is taken along: files for ParaView and other programs, the view itself, pictures of it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.names import file_stem
from core.solution import children
from core.solution.available import Viewable
from core.solution.drawing import SceneRequest
from core.solution.export import FORMATS, formats, size_of
from core.solution.pictures import LARGEST, SIZES, SMALLEST, film_bytes, moving_bytes, picture_bytes
from core.solution.sampled import Sampled
from core.solution.scene import at_moment, moments
from core.solution.series import sampled_series_bytes
from core.solution.surface_files import SURFACES, surface_bytes
from pages.parts.in_space.look import Look
from pages.parts.shared.made_download import made_download
from pages.parts.solution.form import KEY, URL
from pages.parts.solution.scene import camera_of, offline_html, view_of

OF_ALL = ("nc", "npz", "csv")
"""Formats that hold any number of coordinates."""
OWN_SIZE = "other …"


def downloads(path: Path, grid: Sampled, run: Viewable, request: SceneRequest, look: Look, renderer: str) -> None:
    """The file for other programs, exactly the sampled values; then the view as a page and as pictures."""
    stem = file_stem(run.config.name or run.run_id[:8])
    is_curve = len(grid.axes) == 1
    suffix, room, button = st.columns([3, 1, 2], vertical_alignment="bottom")
    drawn = {} if is_curve else SURFACES
    series = {} if moments(grid) is None else {"zip": "all moments as files, and a .pvd"}
    said = {name: FORMATS[name] for name in formats(at_moment(grid, 0) if len(grid.axes) > 3 else grid)}
    said = said | series | drawn
    chosen = suffix.selectbox("Format", list(said), format_func=lambda name: f".{name}, {said[name]}")
    single = room.toggle("float32", help="Values with seven digits in half of the room.", disabled=chosen in drawn)
    whole = grid if chosen in OF_ALL or len(grid.axes) <= 3 else at_moment(grid, 0)
    with button:
        made_download(
            "Download for ParaView",
            lambda: _made(path, chosen, request, single),
            f"{stem}.{'zip' if chosen == 'h5' else chosen}",
            "application/octet-stream",
        )
    if chosen in formats(whole):
        st.caption(f"About {size_of(whole.points, len(whole.values), chosen, single) / 1e6:.1f} MB")
    if not is_curve:
        _views(path, grid, request, look, renderer, stem)


def _made(path: Path, chosen: str, request: SceneRequest, single: bool) -> bytes:
    if chosen == "zip":
        return children.written(sampled_series_bytes, path)
    if chosen in SURFACES:
        return children.written(surface_bytes, path, request, chosen)
    return children.exported_bytes(path, chosen, request.time_index, single)


def _views(path: Path, grid: Sampled, request: SceneRequest, look: Look, renderer: str, stem: str) -> None:
    dark = st.context.theme.type == "dark"
    # opening it runs the page, which hears where the view was turned to meanwhile
    with st.popover("This view …", icon=":material/photo_camera:", on_change="rerun", key=f"{KEY}.taken"):
        camera = camera_of(look)
        view = view_of(look, dark, camera)
        made_download(
            "As a page that opens offline", lambda: offline_html(path, request, look, dark, renderer, camera).encode(),
            f"{stem}.html", "text/html",
        )  # fmt: skip
        size = _size_input()
        made_download(
            "As a picture", lambda: children.painted(picture_bytes, path, request, view, size), f"{stem}.png",
            "image/png",
        )  # fmt: skip
        if moments(grid) is not None:
            made_download(
                "All moments as MP4", lambda: children.painted(film_bytes, path, request, view, size), f"{stem}.mp4",
                "video/mp4",
            )  # fmt: skip
            made_download(
                "All moments as a GIF", lambda: children.painted(moving_bytes, path, request, view), f"{stem}.gif",
                "image/gif",
            )  # fmt: skip


def _size_input() -> tuple[int, int]:
    """Of a picture, in pixels."""
    chosen = st.selectbox("Size in pixels", [*SIZES, OWN_SIZE], key="picture-size", bind=URL)
    if chosen in SIZES:
        return SIZES[chosen]
    columns = st.columns(2)
    width, height = (
        column.number_input(label, SMALLEST, LARGEST, usual, key=f"picture-{label.lower()}", bind=URL)
        for column, label, usual in zip(columns, ("Width", "Height"), (1600, 1200), strict=True)
    )
    return int(width), int(height)
