"""How a scene is coloured, and where it is looked at from."""

from __future__ import annotations

from dataclasses import dataclass

from core.solution.camera import PRESETS


@dataclass(frozen=True)
class Look:
    """How a scene is coloured."""

    colormap: str
    """One of `core.solution.colormaps.COLORMAPS`."""
    limits: tuple[float, float]
    title: str
    camera: str = next(iter(PRESETS))
    """One of PRESETS."""
    turned: int = 0
    """How often the visitor chose a camera: each time the view is taken back to it."""
