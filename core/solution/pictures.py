"""Pictures of scenes, still and moving, drawn off screen by VTK. Runs in a child: it needs GL, and dies without."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.solution.drawing import SceneRequest
from core.solution.on_mesh import read_sampled
from core.solution.scene import at_moment, moments, scene_of
from core.solution.vtk_view import View, plotted

FRAMES = 60
"""Most pictures of a moving one; of more moments some are left out, evenly."""
SIZES = {"1280 × 720": (1280, 720), "1920 × 1080": (1920, 1080), "3840 × 2160": (3840, 2160)}
MOVING = (960, 540)
PAUSE_MS = 120


def picture_bytes(path: Path, request: SceneRequest, view: View, size: tuple[int, int]) -> bytes:
    """A scene as PNG of a size in pixels."""
    made = io.BytesIO()
    _image(_frame(read_sampled(path), request, view, size)).save(made, "PNG")
    return made.getvalue()


def moving_bytes(path: Path, request: SceneRequest, view: View) -> bytes:
    """All moments of a sampled solution as a GIF that goes round. Raises LabError where it has none."""
    sampled = read_sampled(path)
    times = moments(sampled)
    if times is None:
        raise LabError("A moving picture needs moments, and this solution is drawn all at once.")
    chosen = np.unique(np.linspace(0, len(times) - 1, min(FRAMES, len(times))).round().astype(int))
    name = sampled.time
    frames = [
        _image(_frame(sampled, replace(request, time_index=int(k)), view, MOVING, f"{name} = {times[k]:.4g}"))
        for k in chosen
    ]
    made = io.BytesIO()
    first, *rest = [frame.quantize(128) for frame in frames]
    first.save(made, "GIF", save_all=True, append_images=rest, duration=PAUSE_MS, loop=0)
    return made.getvalue()


def _frame(sampled, request: SceneRequest, view: View, size: tuple[int, int], caption: str = "") -> np.ndarray:
    plotter = plotted(scene_of(at_moment(sampled, request.time_index), request), view, size)
    if caption:
        plotter.add_text(caption, font_size=12, color="#e3e9ee" if view.dark else "#14202b")
    drawn = plotter.screenshot(None, return_img=True)
    plotter.close()
    return drawn


def _image(pixels: np.ndarray):
    from PIL import Image

    return Image.fromarray(pixels)
