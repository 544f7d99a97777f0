"""What the children of Solution 3D import and compile, before anybody waits for it; called in them."""

from __future__ import annotations

import numpy as np


def to_sample() -> None:
    """All that sampling a checkpoint needs: torch, the compiled kernel, the networks."""
    import torch

    from core.kernel import library
    from core.solution import evaluate  # noqa: F401

    library.has(torch.float64)


def to_draw() -> None:
    """VTK's filters, by drawing a small field."""
    from core.solution.drawing import SceneRequest
    from core.solution.grid import SolutionGrid
    from core.solution.scene import scene_of

    axis = np.linspace(0, 1, 5)
    field = axis[:, None, None] + axis[None, :, None] * axis[None, None, :]
    scene_of(SolutionGrid(("x", "y", "z"), (axis, axis, axis), {"u": field}), SceneRequest("u", isosurfaces=(0.5, 1.0)))


def to_show() -> None:
    """What the VTK view is made with, by making one; returns nothing, since whether it works is asked elsewhere."""
    from core.solution.vtk_view import probe

    probe()
