"""Exact solutions, at points that are the same in every run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.pinnacle.tables import Table
from core.problems.burgers_viscous import BurgersViscous


def points_in(ends: Sequence[tuple[float, float]], count: int = 20_000) -> np.ndarray:
    """Points (count, d) drawn evenly from a box, always the same."""
    low, high = np.array(ends, dtype=float).T
    return low + (high - low) * np.random.default_rng(16).random((count, len(low)))


def burgers() -> Table:
    """Cole–Hopf on an even grid, as errors of the catalogue are; t = 0 is left out, where it is the initial value."""
    x, t = np.meshgrid(np.linspace(-1, 1, 257), np.linspace(0.02, 1, 50), indexing="ij")
    points = np.stack([x.ravel(), t.ravel()], axis=1)
    return Table(("x", "t"), points, BurgersViscous().exact(points))


def heat2d_ms() -> Table:
    """The initial mode, decaying at (20π)²/(500π)² + 1."""
    points = points_in([(0, 1), (0, 1), (0, 5)])
    x, y, t = points.T
    return Table(
        ("x", "y", "t"),
        points,
        {"u": np.sin(20 * np.pi * x) * np.sin(np.pi * y) * np.exp(-(0.04**2 + 1) * t)},
    )


def wave1d() -> Table:
    """Two standing modes."""
    points = points_in([(0, 1), (0, 1)])
    x, t = np.pi * points.T
    return Table(("x", "t"), points, {"u": np.sin(x) * np.cos(2 * t) + np.sin(4 * x) * np.cos(8 * t) / 2})


def poisson5d() -> Table:
    """Σ sin(πx_i/2)."""
    points = points_in([(0, 1)] * 5)
    return Table(tuple(f"x{i}" for i in range(1, 6)), points, {"u": np.sin(np.pi / 2 * points).sum(axis=1)})


def heat5d() -> Table:
    """The growing bowl exp(r²/2 + t), in the unit ball of five dimensions."""
    rng = np.random.default_rng(16)
    direction = rng.standard_normal((20_000, 5))
    radius = rng.random(len(direction)) ** (1 / 5)
    space = direction * (radius / np.linalg.norm(direction, axis=1))[:, None]
    points = np.column_stack([space, rng.random(len(direction))])
    u = np.exp((space**2).sum(axis=1) / 2 + points[:, 5])
    return Table((*(f"x{i}" for i in range(1, 6)), "t"), points, {"u": u})


def conductivity() -> Table:
    """The field that poisson-inverse looks for, on a grid."""
    x, y = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101), indexing="ij")
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    return Table(("x", "y"), points, {"a": 1 / (1 + (points**2).sum(axis=1) + ((points - 1) ** 2).sum(axis=1))})


def write_noisy_samples(lab_home: Path) -> None:
    """What poisson-inverse learns from: u at 50 × 50 points, noise of 0.1 on it, the same in every run."""
    x, y = np.meshgrid(np.linspace(0, 1, 50), np.linspace(0, 1, 50), indexing="ij")
    u = np.sin(np.pi * x) * np.sin(np.pi * y) + 0.1 * np.random.default_rng(16).standard_normal(x.shape)
    data = lab_home / "data"
    data.mkdir(parents=True, exist_ok=True)
    columns = np.stack([x.ravel(), y.ravel(), u.ravel()], axis=1)
    np.savetxt(data / "poisson-inverse.csv", columns, delimiter=",", header="x,y,u", comments="", fmt="%.17g")
