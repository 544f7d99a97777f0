"""Files for ParaView of a profile above a wall: the profile, and its blow-up as a time series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.singularity.plane_blow_up import even, in_space
from core.solution.export import export, export_bytes, sampled_grid
from core.solution.series import series_bytes

FORMATS = {"vts": "in space, structured", "vti": "even in asinh, image data"}
"""Suffixes, and over which coordinates each is; image data has to be even."""


def profile_bytes(path: Path, suffix: str) -> bytes:
    """The grid of `plane_file` over y₁ and y₂ as .vts, over asinh(y/δ) as .vti. Raises LabError."""
    grid = sampled_grid(path)
    return export_bytes(even(grid) if suffix == "vti" else grid, suffix)


def blow_up_series(path: Path, suffix: str) -> bytes:
    """The grid of `plane_physical_file` as a zip with a .pvd; its times are −log₁₀(1−t). Raises LabError."""
    grid = sampled_grid(path)

    def writer(k: int) -> Callable[[Path], None]:
        return lambda file: export(in_space(grid.at_time(k)) if suffix == "vts" else grid.at_time(k), file)

    moments = ((float(decades), writer(k)) for k, decades in enumerate(grid.axes[-1]))
    return series_bytes(moments, suffix, "blow-up")
