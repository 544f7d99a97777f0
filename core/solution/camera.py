"""Where a scene is looked at from, the same for both renderers and for pictures, and how an address says it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import LabError

BOX = 1.65
"""Length of a scene's diagonal in the unit of its cameras: so long fits the canvas from any side."""
VIEW_ANGLE = 45.0
"""Degrees from the top of the canvas to its bottom, as plotly has them."""

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Positions relative to the middle of a scene's box as drawn, of which the diagonal is `BOX` long."""

    eye: Vector = (1.45, -1.45, 1.0)
    center: Vector = (0.0, 0.0, -0.07)
    """What is in the middle of the canvas."""
    up: Vector = (0.0, 0.0, 1.0)

    @property
    def text(self) -> str:
        """As an address has it: nine numbers."""
        return ",".join(f"{number:.4g}" for number in (*self.eye, *self.center, *self.up))


PRESETS = {
    "corner": Camera(),
    "top": Camera((0.0, -0.001, 2.1), (0.0, 0.0, 0.0)),  # straight down nothing would be up
    "front": Camera((0.0, -2.3, 0.0), (0.0, 0.0, 0.0)),
    "right": Camera((2.3, 0.0, 0.0), (0.0, 0.0, 0.0)),
}


def read_camera(text: str) -> Camera:
    """What `Camera.text` wrote, or a browser did. Raises LabError."""
    try:
        numbers = np.array([float(part) for part in text.split(",")])
        eye, center, up = numbers.reshape(3, 3)
    except ValueError:
        raise LabError(
            f"{text!r:.60} is no camera: nine numbers say where it is, what it looks at, what is up."
        ) from None
    ahead = center - eye
    across = np.linalg.norm(np.cross(ahead, up))
    if not np.isfinite(numbers).all() or not across > 1e-9 * np.linalg.norm(ahead) or np.abs(numbers).max() > 1e6:
        raise LabError(f"{text!r:.60} is no camera: it looks nowhere, or straight up.")
    return Camera(*(tuple(float(number) for number in part) for part in (eye, center, up)))
