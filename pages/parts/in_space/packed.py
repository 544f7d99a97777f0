"""A scene as the browser's viewer takes it: numbers in base64, places relative to the middle of its box as drawn."""

from __future__ import annotations

import math
from base64 import b64encode
from typing import Any

import numpy as np

from core.solution.camera import BOX
from core.solution.colormaps import palette
from core.solution.scene import Scene
from pages.parts.in_space.look import Look
from pages.parts.shared.text import LONGEST_TITLE, visible

THINNEST = 0.02
"""Length of a side of the box that has none of its own."""
KINDS = {"float32": "f4", "float64": "f8", "uint8": "u1", "uint16": "u2", "uint32": "u4"}


def packed(scene: Scene, look: Look, name: str = "", bar: str = "right") -> dict[str, Any]:
    """All of a scene that `view.js` draws.

    Args:
        scene: what is drawn.
        look: its colours.
        name: written above of it.
        bar: where its colour bar is, "right" or "below"; none where it is empty.
    """
    lows, highs = (np.array(ends, float) for ends in (scene.bounds[::2], scene.bounds[1::2]))
    lengths = (highs - lows) * [1.0, 1.0, scene.stretch]
    diagonal = math.hypot(*lengths) or 1.0  # as long as fits the canvas from any side
    sides = BOX * np.maximum(lengths / diagonal, THINNEST)
    flat = ~(highs > lows)
    lows, highs = np.where(flat, lows - 0.5, lows), np.where(flat, highs + 0.5, highs)

    def placed(vertices: np.ndarray) -> str:
        return _text(((((vertices - lows) / (highs - lows)) - 0.5) * sides).astype(np.float32))

    low, high = look.limits
    return {
        "title": visible(look.title, LONGEST_TITLE),
        "name": name,
        "bar": bar,
        "limits": [float(low), float(high) if high > low else float(low) + 1.0],
        "palette": _text(palette(look.colormap)),
        "box": {
            "lows": lows.tolist(),
            "highs": highs.tolist(),
            "sides": sides.tolist(),
            "titles": [visible(title, LONGEST_TITLE) for title in scene.axis_titles],
        },
        "heights": [False, False, bool(scene.stretch != 1)],  # a height is the value already: the pointer says it once
        "surfaces": [
            {
                "points": placed(surface.vertices),
                "faces": _text(surface.faces.astype(np.uint16 if len(surface.vertices) < 2**16 else np.uint32)),
                "values": _text(surface.intensity),
                "opacity": float(surface.opacity),
                "shaded": surface.shaded,
            }
            for surface in scene.surfaces
        ],
        "lines": [
            {
                "points": placed(lines.vertices),
                "starts": _text(lines.starts.astype(np.uint32)),
                "values": None if lines.intensity is None else _text(lines.intensity),
                "width": float(lines.width),
            }
            for lines in scene.lines
        ],
    }


def _text(numbers: np.ndarray) -> str:
    """Their kind and their bytes."""
    return KINDS[numbers.dtype.name] + b64encode(np.ascontiguousarray(numbers).tobytes()).decode()
