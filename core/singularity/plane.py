"""Profiles above a wall in the plane of y₁ and y₂, and their blow-up in physical time.

Runs know a profile in compactified coordinates (w, z), on the side y₁ ≥ 0; the other side is its mirror image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError
from core.problems.axes import evenly
from core.problems.boundary_profile import LAST, BoundaryProfile
from core.runs import RunFolder
from core.singularity import similarity
from core.solution.grid import SolutionGrid, check_resolution
from core.solution.sample import evaluated, kept_file
from core.tracking.store import run_config

if TYPE_CHECKING:
    from scipy.interpolate import RectBivariateSpline

    from core.solution.evaluate import RunSolution

RESOLUTION = 641
"""Points of the page's sample along the wall, half as many along the axis: the layer of order 1 is then known between
them to 1e-4 of a field's maximum."""
ODD = ("R1", "Theta1", "Omega", "U1")
"""Fields that change sign across the axis y₁ = 0; all others are even."""
STREAM = "Phi"
"""The stream function among a sample's values, U = (∂₂Φ, −∂₁Φ), zero on the wall."""


def compactified(y1: np.ndarray, y2: np.ndarray, lam: float) -> tuple[np.ndarray, np.ndarray]:
    """(w, z) of points with y₁, y₂ ≥ 0, the same shape: r = |y| = w(1−w)^{−(1+λ)}, z = y₂/r; z = 0 at the origin.

    ln r is 1+λ times softplus(p) less softplus(−p) for p = ln(w/(1−w)): its slope in p is between 1 and 1+λ, so
    Newton's steps converge from anywhere, and neither end loses digits.
    """
    r = np.hypot(y1, y2)
    z = np.divide(y2, r, out=np.zeros_like(r), where=r > 0)
    with np.errstate(divide="ignore"):
        log_r = np.log(r)
    p = np.where(log_r < 0, log_r, log_r / (1 + lam))
    at = np.isfinite(p)
    for _ in range(50):
        w = 1 / (1 + np.exp(-p[at]))
        step = (_log_r(p[at], lam) - log_r[at]) / (1 + lam * w)
        p[at] -= step
        if np.all(np.abs(step) <= 1e-14 * (1 + np.abs(p[at]))):
            break
    return 1 / (1 + np.exp(-np.where(at, p, -np.inf))), z


def _log_r(p: np.ndarray, lam: float) -> np.ndarray:
    return (1 + lam) * np.logaddexp(0, p) - np.logaddexp(0, -p)


def reach(problem: BoundaryProfile) -> float:
    """Largest s = asinh(y/ℓ) of a sample: where training's reach ends, w = LAST."""
    r = LAST * (1 - LAST) ** -(1 + problem.lambda_start())
    return float(np.arcsinh(r / similarity.width(problem)))


def check_plane_resolution(problem: BoundaryProfile, resolution: int) -> None:
    """Raise LabError for what is no grid, is not odd or needs more memory than the machine has to give."""
    check_resolution(problem, resolution)
    if resolution % 2 == 0:
        raise LabError(f"{resolution} points along the wall leave none on the axis: choose an odd number of them.")


def plane_file(folder: RunFolder, resolution: int, limit_s: float | None = None) -> Path:
    """A run's profile over y₁ and y₂ as a file; only a new checkpoint or resolution is computed. Imports torch.

    Args:
        folder: the run's.
        resolution: points along the wall, an odd number, even in asinh(y/ℓ); along the axis half as many.
        limit_s: seconds that sampling may take.

    Raises:
        LabError: no such run or checkpoint, no such profile, or a resolution that the memory can't hold.
    """
    problem = run_config(folder).problem
    if not similarity.is_plane_profile(problem):
        raise LabError(f"{problem.title} has no profile in the plane.")
    check_plane_resolution(problem, resolution)
    return kept_file(folder, f"plane-{resolution}", lambda solution: plane_grid(solution, resolution, limit_s))


def plane_grid(solution: RunSolution, resolution: int, limit_s: float | None = None) -> SolutionGrid:
    """Fields, residuals and the stream function over y₁ and y₂ ≥ 0, from the network at every point."""
    problem, unit = solution.problem, similarity.width(solution.problem)
    s = evenly(-1, 1, resolution) * reach(problem)
    y1, y2 = unit * np.sinh(s), unit * np.sinh(s[resolution // 2 :])
    half = np.meshgrid(y2, y2, indexing="ij")
    points = np.stack(compactified(half[0].ravel(), half[1].ravel(), solution.lambda_), axis=1)
    found = {name: part.reshape(half[0].shape) for name, part in evaluated(solution, points, limit_s).items()}
    first = sorted(found, key=lambda name: name != "Omega")  # what is looked at first; the rest keeps its order
    values = {name: mirrored(found[name], name in ODD) for name in first}
    values[STREAM] = mirrored(_stream(found["U1"], s[resolution // 2 :], unit), odd=True)
    return SolutionGrid(("y1", "y2"), (y1, y2), values, None, {"delta": unit}, names=problem.value_names)


def mirrored(values: np.ndarray, odd: bool) -> np.ndarray:
    """Values (n, m) at y₁ ≥ 0 with their mirror image before them: (2n−1, m)."""
    left = values[:0:-1]
    return np.concatenate([-left if odd else left, values])


def _stream(u1: np.ndarray, s: np.ndarray, unit: float) -> np.ndarray:
    """∫ U₁ dy₂ from the wall, (n, m) as `u1` is, whose last axis is even in s = asinh(y₂/ℓ)."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(s, u1 * unit * np.cosh(s), axis=1).antiderivative()(s)


@dataclass(frozen=True)
class PlaneProfile:
    """A self-similar profile above a wall, sampled once, and its λ."""

    y1: np.ndarray
    """Increasing positions along the wall (n,), symmetric about 0."""
    y2: np.ndarray
    """Heights above it (m,), from 0."""
    values: dict[str, np.ndarray]
    """Field → (n, m), the stream function among them."""
    lambda_: float
    width: float
    """Of the core; the sample is even in asinh(y/width)."""

    @classmethod
    def of(cls, grid: SolutionGrid, fields: Sequence[str]) -> PlaneProfile:
        """The profile in the grid of `plane_file`. Raises LabError where it is not finite: there is none then."""
        values = {name: part for name, part in grid.values.items() if name in (*fields, STREAM)}
        bad = sum(int((~np.isfinite(part)).sum()) for part in values.values())
        if bad:
            raise LabError(
                f"{bad:,} of the {len(values) * grid.points:,} values of this checkpoint's profile are NaN or "
                "infinite. There is nothing to draw: look at the residual's curve on Watch, and train again."
            )
        return cls(*grid.axes, values, float(grid.about["lambda"]), float(grid.about["delta"]))

    @cached_property
    def _splines(self) -> dict[str, RectBivariateSpline]:
        return {}

    def _spline(self, field: str) -> RectBivariateSpline:
        """Made when it is asked for: of most fields none is."""
        from scipy.interpolate import RectBivariateSpline

        if field not in self._splines:
            s1, s2 = np.arcsinh(self.y1 / self.width), np.arcsinh(self.y2 / self.width)
            self._splines[field] = RectBivariateSpline(s1, s2, self.values[field])
        return self._splines[field]

    def at(self, field: str, y1: np.ndarray, y2: np.ndarray) -> np.ndarray:
        """A field at points with y₂ ≥ 0; both broadcast: a bicubic spline in asinh(y/ℓ).

        Beyond the sample the far field's power of r is followed, along rays: what happens there no longer depends on
        time, so it is k/(1+λ) for the power k of 1−t.
        """
        y1, y2 = np.broadcast_arrays(y1, y2)
        beyond = np.maximum(np.maximum(np.abs(y1) / self.y1[-1], y2 / self.y2[-1]), 1.0)
        s1, s2 = (np.arcsinh(y / beyond / self.width) for y in (y1, y2))
        inside = self._spline(field).ev(s1, s2)
        return inside * beyond ** (similarity.power(field, self.lambda_) / (1 + self.lambda_))

    def core_size(self, field: str) -> float:
        """Largest absolute value of a field within two widths of the core."""
        near = np.ix_(np.abs(self.y1) <= 2 * self.width, self.y2 <= 2 * self.width)
        return float(np.abs(self.values[field][near]).max())

    def physical(self, field: str, x1: np.ndarray, x2: np.ndarray, remaining: np.ndarray | float) -> np.ndarray:
        """The quantity at positions x when `remaining` = 1−t is left before blow-up; all broadcast."""
        scale = np.asarray(remaining, dtype=float)
        shrunk = scale ** (1 + self.lambda_)
        return scale ** similarity.power(field, self.lambda_) * self.at(field, x1 / shrunk, x2 / shrunk)

    def along_wall(self) -> SolutionGrid:
        """The fields that don't vanish on the wall, over y₁."""
        values = {name: part[:, 0] for name, part in self.values.items() if name not in ("U2", STREAM)}
        return SolutionGrid(("y₁",), (self.y1,), values)

    def along_axis(self) -> SolutionGrid:
        """U₂ over y₂ on the axis, where all else vanishes; of that the derivative ∂₁, called `Omega_1` and so on."""
        s2 = np.arcsinh(self.y2 / self.width)
        values = {"U2": self.values["U2"][len(self.y1) // 2]}
        for name in (field for field in ("Omega", "Theta1") if field in self.values):
            values[f"{name}_1"] = self._spline(name).ev(0.0, s2, dx=1) / self.width  # dy₁ = ℓ ds there
        return SolutionGrid(("y₂",), (self.y2,), values)
