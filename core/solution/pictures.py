"""Pictures of scenes, still and moving, drawn off screen by VTK. Runs in a child: it needs GL, and dies without."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.solution.drawing import SceneRequest
from core.solution.on_mesh import read_sampled
from core.solution.scene import at_moment, moments, scene_of
from core.solution.vtk_view import View, plotted, show

FRAMES = 60
"""Most pictures of a moving one; of more moments some are left out, evenly."""
SIZES = {"1280 × 720": (1280, 720), "1920 × 1080": (1920, 1080), "3840 × 2160": (3840, 2160)}
SMALLEST, LARGEST = 64, 8192
"""Pixels along a side."""
MOVING = (960, 540)
PAUSE_MS = 120


def picture_bytes(path: Path, request: SceneRequest, view: View, size: tuple[int, int]) -> bytes:
    """A scene as PNG of a size in pixels. Raises LabError where that is too small or too large."""
    _check(size)
    made = io.BytesIO()
    plotter = plotted(scene_of(at_moment(read_sampled(path), request.time_index), request), view, size)
    _image(plotter.screenshot(None, return_img=True)).save(made, "PNG")
    plotter.close()
    return made.getvalue()


def moving_bytes(path: Path, request: SceneRequest, view: View) -> bytes:
    """All moments of a sampled solution as a GIF that goes round. Raises LabError where it has none."""
    made = io.BytesIO()
    first, *rest = [_image(frame).quantize(128) for frame in _frames(path, request, view, MOVING)]
    first.save(made, "GIF", save_all=True, append_images=rest, duration=PAUSE_MS, loop=0)
    return made.getvalue()


def film_bytes(path: Path, request: SceneRequest, view: View, size: tuple[int, int]) -> bytes:
    """All moments of a sampled solution as MP4, H.264 in the colours that all players read.

    Raises LabError where it has no moments, or the size is too small or too large.
    """
    import av

    _check(size)
    width, height = (side - side % 2 for side in size)  # its colours are half as fine, in pairs of pixels
    made = io.BytesIO()
    with av.open(made, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=Fraction(1000, PAUSE_MS), options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in _frames(path, request, view, (width, height)):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        film.mux(stream.encode())
    return made.getvalue()


def _check(size: tuple[int, int]) -> None:
    if not all(SMALLEST <= side <= LARGEST for side in size):
        raise LabError(f"A picture is {SMALLEST} to {LARGEST:,} pixels wide and high, not {size[0]:,} × {size[1]:,}.")


def _frames(path: Path, request: SceneRequest, view: View, size: tuple[int, int]) -> Iterator[np.ndarray]:
    sampled = read_sampled(path)
    times = moments(sampled)
    if times is None:
        raise LabError("A moving picture needs moments, and this solution is drawn all at once.")
    plotter = None
    for k in np.unique(np.linspace(0, len(times) - 1, min(FRAMES, len(times))).round().astype(int)):
        scene = scene_of(at_moment(sampled, int(k)), replace(request, time_index=int(k)))
        if plotter is None:
            plotter = plotted(scene, view, size)
        else:
            show(plotter, scene, view)
        plotter.add_text(f"{sampled.time} = {times[k]:.4g}", font_size=12, color="#e3e9ee" if view.dark else "#14202b")
        yield plotter.screenshot(None, return_img=True)
    plotter.close()


def _image(pixels: np.ndarray):
    from PIL import Image

    return Image.fromarray(pixels)
