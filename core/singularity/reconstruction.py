"""From a profile back to the solution in physical time: φ(x, t) = (1−t)^k Φ(x/(1−t)^{1+λ}), blow-up at x = 0, t = 1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.problems.axes import evenly
from core.problems.base import Problem
from core.runs import RunFolder
from core.singularity import similarity
from core.solution.grid import SolutionGrid, check_resolution
from core.solution.kept import about_to_compute, is_kept
from core.solution.sample import sampled_file
from core.tracking.store import run_config

RESOLUTION = 2001
"""Points of the profile's sample, even in asinh(y/ℓ): the cubic spline through them is exact to about 1e-9."""
SPAN = 6.0
"""Surfaces and animations reach from t = 0 to t = 1 − 10^−SPAN."""
HALF_WINDOW = 4.0
"""And over |x| up to so many widths of the initial core."""


@dataclass(frozen=True)
class Profile:
    """A self-similar profile, sampled on the line once, and its λ."""

    y: np.ndarray
    """Increasing positions (n,), symmetric about 0."""
    values: dict[str, np.ndarray]
    """Field → (n,)."""
    lambda_: float
    width: float
    """Of the core; the sample is even in asinh(y/width)."""

    @classmethod
    def of(cls, grid: SolutionGrid, problem: Problem) -> Profile:
        """The profile in a run's sampled grid. Raises LabError where it is none."""
        if not similarity.is_profile(problem):
            raise LabError(f"{problem.title} has no self-similar profile, so there is no blow-up to show.")
        values = {name: grid.values[name] for name in problem.fields}
        return cls(grid.axes[0], values, float(grid.about["lambda"]), similarity.width(problem))

    @cached_property
    def _splines(self):
        from scipy.interpolate import CubicSpline

        s = np.arcsinh(self.y / self.width)
        return {name: CubicSpline(s, values) for name, values in self.values.items()}

    def at(self, field: str, y: np.ndarray) -> np.ndarray:
        """A field at any y, same shape: a cubic spline in asinh(y/ℓ), beyond the sample the far field's power law."""
        end = self.y[-1]
        inside = self._splines[field](np.arcsinh(np.clip(y, self.y[0], end) / self.width))
        return inside * np.maximum(np.abs(y) / end, 1.0) ** self._far_power(field)

    def _far_power(self, field: str) -> float:
        """Ω ~ |y|^{−α} with α = 1/(1+λ), U ~ |y|^{1−α} unless that decays; HΩ goes on as its last points do."""
        alpha = 1 / (1 + self.lambda_)
        if field in ("Omega", "U"):
            return -alpha if field == "Omega" else max(0.0, 1 - alpha)
        last, before = (abs(self.values[field][k]) for k in (-1, -4))
        return float(np.log(last / before) / np.log(self.y[-1] / self.y[-4])) if last > 0 and before > 0 else 0.0

    def physical(self, field: str, x: np.ndarray, remaining: np.ndarray | float) -> np.ndarray:
        """ω or u at positions x when `remaining` = 1−t is left before blow-up; both broadcast.

        The profile is what the solution looks like at t = 0, where `remaining` is 1.
        """
        scale = np.asarray(remaining, dtype=float)
        return scale ** similarity.power(field, self.lambda_) * self.at(field, x / scale ** (1 + self.lambda_))


@dataclass(frozen=True)
class BlowUp:
    """One field at moments that approach blow-up, on a window that stays and over all scales."""

    field: str
    moments: np.ndarray
    """log₁₀(1−t) (k,), falling from 0."""
    x: np.ndarray
    """Positions of the window (n,), denser towards 0."""
    near: np.ndarray
    """(k, n)."""
    far: np.ndarray
    """Positive positions (m,), even in log x, down to the last moment's core."""
    tails: np.ndarray
    """Size of the field there (k, m)."""


def blow_up(profile: Profile, field: str, moments: int = 61) -> BlowUp:
    """A field in physical time, evenly in the logarithm of the time to blow-up."""
    logs = np.linspace(0, -SPAN, moments)
    remaining = 10.0 ** logs[:, None]
    edge = HALF_WINDOW * profile.width
    x = _window(edge, 301)
    far = np.geomspace(edge * 10 ** (-SPAN * (1 + profile.lambda_) - 1), edge, 161)
    return BlowUp(
        field,
        logs,
        x,
        profile.physical(field, x[None, :], remaining),
        far,
        np.abs(profile.physical(field, far[None, :], remaining)),
    )


def _window(edge: float, n: int) -> np.ndarray:
    """`n` positions from −edge to edge, even in asinh(x/δ) with δ a hundredth of it: late cores are narrow."""
    return edge / 100 * np.sinh(evenly(-1, 1, n) * np.arcsinh(100))


def physical_file(folder: RunFolder, resolution: int, limit_s: float | None = None) -> Path:
    """A run's `physical_grid` as a file; only a new checkpoint or resolution is computed. Raises LabError."""
    problem = run_config(folder).problem
    check_resolution(problem, resolution)
    source = sampled_file(folder, RESOLUTION, limit_s)
    path = source.with_name(f"{source.stem}-physical-{resolution}.npz")
    if not is_kept(path) or not SolutionGrid.read(path).blow_ups:  # an older version did not say which they are
        about_to_compute()
        grid = SolutionGrid.read(source)
        physical_grid(Profile.of(grid, problem), resolution, grid.about).save(path)
    return path


def physical_grid(profile: Profile, resolution: int, about: dict[str, object] | None = None) -> SolutionGrid:
    """The fields over asinh(x/δ) and −log₁₀(1−t), `resolution` points each; x itself is one more value.

    δ is the width of the last moment's core: from there to the window's edge every scale is resolved alike. Beside each
    field stands what it is without its power of 1−t, which stays bounded where the field blows up.
    """
    edge, core = HALF_WINDOW * profile.width, profile.width * 10 ** (-SPAN * (1 + profile.lambda_))
    s = evenly(-1, 1, resolution) * np.arcsinh(edge / core)
    x = core * np.sinh(s)
    decades = np.linspace(0, SPAN, resolution)
    remaining = 10.0 ** -decades[None, :]
    values, blow_ups = {}, []
    for field in profile.values:
        name = similarity.PHYSICAL[field]
        physical = profile.physical(field, x[:, None], remaining)
        k = similarity.power(field, profile.lambda_)
        values[name] = physical
        blow_ups.append(name)
        values[f"{name}/(1−t)^{k:.3g}"] = physical * remaining**-k
    values["x"] = np.broadcast_to(x[:, None], values[name].shape).copy()
    named = (about or {}) | {"delta": core}
    return SolutionGrid(("asinh(x/δ)", "−log₁₀(1−t)"), (s, decades), values, None, named, tuple(blow_ups))
