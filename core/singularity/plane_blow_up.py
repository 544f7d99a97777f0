"""The blow-up above a wall in physical time: φ(x, t) = (1−t)^k Φ(x/(1−t)^{1+λ}), as pictures and as grids for files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.problems.axes import evenly
from core.resources import memory
from core.runs import RunFolder
from core.singularity import similarity
from core.singularity.plane import RESOLUTION, STREAM, PlaneProfile, plane_file
from core.solution.grid import SolutionGrid
from core.solution.kept import about_to_compute, is_kept
from core.tracking.store import run_config

SPAN = 3.0
"""From t = 0 to t = 1 − 10^−SPAN: with λ near 1 the core shrinks by six decades meanwhile."""
HALF_WINDOW = 300.0
"""Over |x| up to so many widths of the initial core, whose far field is seen from the beginning."""
MOMENTS = 33
"""Of a grid for files, evenly in the logarithm of the time to blow-up."""


@dataclass(frozen=True)
class PlaneBlowUp:
    """One field at moments that approach blow-up, over all scales that the core passes."""

    field: str
    moments: np.ndarray
    """log₁₀(1−t) (k,), falling from 0."""
    s1: np.ndarray
    """asinh(x₁/δ) (n,), even."""
    s2: np.ndarray
    """asinh(x₂/δ) (m,), from 0."""
    delta: float
    """Width of the last moment's core."""
    values: np.ndarray
    """(k, n, m)."""
    smallest: float
    """Below this nothing is to be seen: a hundredth of the field in the core, at the moment when it is smallest."""

    @property
    def logarithm(self) -> np.ndarray:
        """Decades above `smallest`, with the values' sign (k, n, m): a blow-up runs through powers of ten."""
        decades = np.log10(np.maximum(np.abs(self.values) / self.smallest, 1.0))
        return np.copysign(decades, self.values)


def plane_blow_up(profile: PlaneProfile, field: str, moments: int = 25, points: int = 97) -> PlaneBlowUp:
    """A field in physical time, `points` along the wall, half as many along the axis."""
    s1, s2, delta = _window(profile, points)
    logs = np.linspace(0, -SPAN, moments)
    x1, x2 = delta * np.sinh(s1)[:, None], delta * np.sinh(s2)[None, :]
    values = np.stack([profile.physical(field, x1, x2, 10.0**log) for log in logs])
    size = profile.core_size(field) * min(1.0, 10.0 ** (-SPAN * similarity.power(field, profile.lambda_)))
    return PlaneBlowUp(field, logs, s1, s2, delta, values, size / 100)


def _window(profile: PlaneProfile, points: int) -> tuple[np.ndarray, np.ndarray, float]:
    """asinh(x/δ) along the wall (n,) and the axis, to the window's edge; and δ, the last one's width."""
    delta = profile.width * 10.0 ** (-SPAN * (1 + profile.lambda_))
    s = evenly(-1, 1, points) * np.arcsinh(HALF_WINDOW * profile.width / delta)
    return s, s[points // 2 :], delta


def plane_physical_file(folder: RunFolder, resolution: int, limit_s: float | None = None) -> Path:
    """A run's `plane_physical_grid` as a file; only a new checkpoint or resolution is computed. Raises LabError."""
    problem = run_config(folder).problem
    source = plane_file(folder, RESOLUTION, limit_s)
    _check_size(resolution, 2 * len(problem.fields) + 4)
    path = source.with_name(f"{source.stem}-physical-{resolution}.npz")
    if not is_kept(path):
        about_to_compute()
        grid = SolutionGrid.read(source)
        plane_physical_grid(PlaneProfile.of(grid, problem.fields), resolution, grid.about).save(path)
    return path


def _check_size(resolution: int, values: int) -> None:
    needed, free = resolution * (resolution // 2 + 1) * MOMENTS * values * 8 * 3, memory().free * 0.6
    if needed > free:
        raise LabError(
            f"{resolution} points along the wall at {MOMENTS} moments would need {needed / 2**30:.1f} GiB; this "
            f"machine can give {free / 2**30:.1f} GiB. Choose {int(resolution * (free / needed) ** 0.5)} or fewer."
        )


def plane_physical_grid(
    profile: PlaneProfile, resolution: int, about: dict[str, object] | None = None, moments: int = MOMENTS
) -> SolutionGrid:
    """The fields over asinh(x₁/δ), asinh(x₂/δ) and −log₁₀(1−t), which is its time; x₁ and x₂ are two more values.

    δ is the width of the last moment's core: from there to the window's edge every scale is resolved alike. Beside each
    field stands what it is without its power of 1−t, which stays bounded where the field blows up.
    """
    s1, s2, delta = _window(profile, resolution)
    x1, x2 = delta * np.sinh(s1)[:, None, None], delta * np.sinh(s2)[None, :, None]
    decades = np.linspace(0, SPAN, moments)
    remaining = 10.0**-decades
    shape = (len(s1), len(s2), moments)
    values = {}
    for field in profile.values:
        k = similarity.power(field, profile.lambda_)
        values[similarity.PHYSICAL[field]] = physical = profile.physical(field, x1, x2, remaining)
        values[f"{similarity.PHYSICAL[field]}/(1−t)^{k:.3g}"] = physical * remaining**-k
    values["x1"], values["x2"] = (np.broadcast_to(x, shape).copy() for x in (x1, x2))
    blow_ups = tuple(similarity.PHYSICAL[field] for field in profile.values if field != STREAM)
    axes = (s1, s2, decades)
    return SolutionGrid(_EVEN_IN_X, axes, values, _EVEN_IN_X[-1], (about or {}) | {"delta": delta}, blow_ups)


_EVEN_IN_X = ("asinh(x1/δ)", "asinh(x2/δ)", "−log₁₀(1−t)")


def even(grid: SolutionGrid) -> SolutionGrid:
    """A profile's grid over asinh(y/δ), in which it is even, as image data has to be; y₁ and y₂ are two more values."""
    delta = float(grid.about["delta"])
    names, shape = grid.coordinates, tuple(len(axis) for axis in grid.axes)
    positions = dict(zip(names, np.meshgrid(*grid.axes, indexing="ij"), strict=True))
    ends = [(np.arcsinh(axis[0] / delta), np.arcsinh(axis[-1] / delta)) for axis in grid.axes]
    axes = tuple(np.linspace(*end, n) for end, n in zip(ends, shape, strict=True))
    coordinates = tuple(f"asinh({name}/δ)" for name in names)
    return replace(grid, coordinates=coordinates, axes=axes, values=grid.values | positions)


def in_space(grid: SolutionGrid) -> SolutionGrid:
    """A moment of `plane_physical_grid` over x₁ and x₂ themselves."""
    delta = float(grid.about["delta"])
    values = {name: part for name, part in grid.values.items() if name not in ("x1", "x2")}
    axes = tuple(delta * np.sinh(axis) for axis in grid.axes)
    return replace(grid, coordinates=("x1", "x2"), axes=axes, values=values)
