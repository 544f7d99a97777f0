"""Two runs on the same points, and what one has more than the other."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.names import value_names
from core.solution.drawing import SceneRequest, displayed
from core.solution.grid import SolutionGrid
from core.solution.on_mesh import read_sampled
from core.solution.sampled import Sampled

HALF = 0.5
"""Isosurfaces of a difference lie at plus and minus so much of its largest size."""


def difference(first: Sampled, second: Sampled, name: str) -> Sampled:
    """The first sample's value less the second's at every point. Raises LabError where they are not at the same points.

    It says of itself whose it is.
    """
    for sample in (first, second):
        if name not in sample.values:
            raise LabError(f"One of the two runs has no value {name!r:.60}; both have {_common(first, second)}.")
    if type(first) is not type(second) or not _same_points(first, second):
        raise LabError("The two runs are sampled at other points, so there is no difference. Take the same resolution.")
    values = {name: first.values[name] - second.values[name]}
    about = {"run_id": first.about.get("run_id", ""), "less_run_id": second.about.get("run_id", "")}
    return replace(first, values=values, about=about, names=value_names((name,), ()))


def difference_file(first: Path, second: Path, name: str) -> Path:
    """The same of two sampled files, as a file beside the first, made once. Raises LabError."""
    digest = hashlib.sha256(f"{first.name} {second.parent} {second.name} {name}".encode()).hexdigest()[:16]
    path = first.with_name(f"{first.name.partition('-')[0]}-less-{digest}.npz")
    if not path.exists():
        difference(read_sampled(first), read_sampled(second), name).save(path)
    return path


def largest(sample: Sampled, name: str) -> float:
    """The largest size of a value; 0 where it has none."""
    values = np.abs(displayed(sample.values[name], False))
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0


def request_for(request: SceneRequest, name: str, size: float) -> SceneRequest:
    """How a difference is drawn where its runs are drawn by a request: the same cuts, levels of its own."""
    levels = (-HALF * size, HALF * size) if request.isosurfaces and size else ()
    return replace(request, value=name, logarithmic=False, isosurfaces=levels, threshold=None, vectors=(),
                   arrows=False, streamlines=False)  # fmt: skip


def _same_points(first: Sampled, second: Sampled) -> bool:
    if isinstance(first, SolutionGrid):
        pairs = list(zip(first.axes, second.axes, strict=False))
        return len(first.axes) == len(second.axes) and all(np.array_equal(a, b) for a, b in pairs)
    return np.array_equal(first.coordinates_of_points(), second.coordinates_of_points())


def _common(first: Sampled, second: Sampled) -> str:
    return ", ".join(name for name in first.values if name in second.values) or "none in common"
