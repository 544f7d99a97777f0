"""The dominant frequency of a residual, in cycles per unit of the network's own inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import LabError
from core.networks.solution import Solution

LINES = 16
SAMPLES = 1024
MOST_LINES = 1000


@dataclass(frozen=True)
class Spectrum:
    """Where the power spectrum of the residuals peaks, in cycles per unit of the network's inputs."""

    dominant: float
    """f_d over all inputs (arXiv 2509.14185, eq. 19: σ = 2π f_d)."""
    by_input: tuple[float, ...]
    """The peak along each input, f_d for one that no line runs along."""


def residual_spectrum(solution: Solution, seed: int = 0) -> Spectrum:
    """The dominant frequencies of a solution's residuals in the interior.

    The residual is sampled along lines through the domain, one coordinate varying, the others drawn at random. Along
    a line the network's input moves by features ξ that need not be uniform, so the spectrum is the Fourier integral
    ∫ w r e^{−2πifξ} dξ by the trapezoidal rule on those samples, w a Hann window. Powers of all lines and equations
    are added, each line scaled to unit energy, and the peak over f ∈ [1/(2L), SAMPLES/(8L)] is taken, L the extent
    of ξ.
    """
    problem = solution.problem
    d = len(problem.coordinates)
    residuals = problem.value_names.residuals.values()
    rng = np.random.default_rng(seed)
    spectra: list[tuple[int, np.ndarray, np.ndarray]] = []
    for axis in range(d):
        for _ in range(LINES if d > 1 else 1):
            points = _line(problem, axis, rng)
            values = solution.evaluate(points)
            index, feature = _arc(solution, points)
            span = np.ptp(feature)
            if not span > 0:
                continue
            order = np.argsort(feature)
            xi = feature[order]
            window = np.sin(np.pi * (xi - xi[0]) / span) ** 2
            frequencies = np.arange(1, SAMPLES // 4 + 1) / (2 * span)
            phase = np.exp(-2j * np.pi * np.outer(frequencies, xi))
            for name, rows in values.items():
                if name not in residuals:
                    continue
                r = rows[order]
                if not np.isfinite(r).all() or not np.any(r):
                    continue
                r = r / np.linalg.norm(r)
                power = np.abs(np.trapezoid(phase * (window * r), xi, axis=1)) ** 2
                spectra.append((index, frequencies, power / power.sum()))
    dominant = _peak([(f, p) for _, f, p in spectra], otherwise=1.0)
    return Spectrum(
        dominant,
        tuple(_peak([(f, p) for i, f, p in spectra if i == k], otherwise=dominant) for k in range(problem.inputs)),
    )


def _peak(spectra: list[tuple[np.ndarray, np.ndarray]], otherwise: float) -> float:
    if not spectra:
        return otherwise
    grid = np.unique(np.concatenate([f for f, _ in spectra]))
    total = sum(np.interp(grid, f, p, left=0, right=0) for f, p in spectra)
    return float(grid[int(np.argmax(total))])


def _line(problem, axis: int, rng: np.random.Generator) -> np.ndarray:
    """Points along a line through the domain; where that has holes or bays, along the longest part that lies inside."""
    for _ in range(MOST_LINES):
        base = rng.random((1, len(problem.coordinates)))
        points = np.empty((SAMPLES, len(problem.coordinates)))
        for j, (low, high) in enumerate(problem.domain()):
            points[:, j] = problem.axis(j, SAMPLES) if j == axis else low + (high - low) * base[0, j]
        inside = problem.contains(points)
        if inside[1:-1].all():
            return points
        ends = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
        if len(ends):
            first, last = max(zip(ends[::2], ends[1::2] - 1, strict=True), key=lambda part: part[1] - part[0])
            points[:, axis] = np.linspace(points[first, axis], points[last, axis], SAMPLES)
            if last > first:
                return points
    raise LabError("The domain is so thin that no line through its box passes through it.")


def _arc(solution: Solution, points: np.ndarray) -> tuple[int, np.ndarray]:
    """The network input that varies most along the line: its index, and its values there."""
    import torch

    from core.jets import coordinates

    with torch.no_grad():
        x = coordinates(torch.as_tensor(points), solution.layout)
        lam = None if solution.lam is None else solution.lam.expand(len(points))
        features = solution.features_at(x, lam).value.numpy()
    index = int(np.argmax(np.ptp(features, axis=0)))
    return index, features[:, index]
