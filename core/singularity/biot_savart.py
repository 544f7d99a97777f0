"""The velocity of a boundary profile from its vorticity alone, by the law of Biot and Savart: no equation is trusted.

The wall and the parity in y₁ are images, so that the integral is over the quadrant y₁, y₂ > 0. With ζ = y₁ + iy₂ and
η = ρe^{iθ} for the vortex,

    U₁ − iU₂ = (4ζ/π) ∫∫ Ω(η) η₁η₂ / ((ζ² − η̄²)(ζ² − η²)) dA.

In w and z the far field is finite: dA = ρ²(1+λw)/(w(1−w)) dw dz/c, Ω = w(1−w)cH, and what is left of the integrand
tends to zcH(1+λw) for w → 1. There the kernel brings powers of (1−w)^{2(1+λ)}, at the axis c brings a root: panels
shrink towards the one, 1 − ζ = p² takes the other. At the point itself the kernel has a pole of first order; panels
shrink towards it in both directions by halves, evenly on both sides, so that the innermost ones cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.problems.boundary_profile import BoundaryProfile
from core.singularity.original_equations import position

if TYPE_CHECKING:
    from core.networks.solution import Solution

SIDE = 10
"""So many points along each coordinate, a hundred in all."""
NEAREST, FARTHEST = 0.02, 0.98
"""Ends of the uniform coordinates that the points lie between."""


@dataclass(frozen=True)
class Resolution:
    """How finely the integral is taken."""

    grid: tuple[int, int]
    """Chebyshev nodes in both coordinates, from which the vorticity is interpolated."""
    levels: int
    """Halvings towards the point."""
    nodes: int
    """Of Gauss and Legendre, in each panel."""


COARSE, FINE = Resolution((96, 84), 9, 11), Resolution((128, 112), 10, 14)
LARGEST = 8
"""No panel is larger than its reciprocal: the maps themselves are steep at a layer."""
END_LEVELS = 5
"""Halvings towards w = 1."""


@dataclass(frozen=True)
class VelocityCheck:
    """The velocity that a solution has against the one that belongs to its vorticity."""

    points: int
    max_relative_difference: float
    trusted: float
    """Largest relative change of the integral from a coarser resolution to this one."""

    def within(self, tolerance: float) -> bool:
        """Whether both agree, as far as the integral can tell; a NaN never does."""
        return bool(self.max_relative_difference <= max(tolerance, self.trusted))


def check(solution: Solution) -> VelocityCheck:
    """Both velocities at a hundred points, of which none is near an end of the coordinates. Imports torch."""
    problem = solution.problem
    uniform = NEAREST + (FARTHEST - NEAREST) * (np.arange(SIDE) + (np.sqrt(5) - 1) / 2) / SIDE
    u, p = (axis.ravel() for axis in np.meshgrid(uniform, uniform, indexing="ij"))
    w = problem.radial.at(u)
    places = np.stack([w, problem.angular.at(w, 1 - p**2)], axis=1)
    values = solution.evaluate(places)
    own = np.stack([values["U1"], values["U2"]])
    coarse, fine = (velocity(solution, u, p, resolution) for resolution in (COARSE, FINE))
    size = np.hypot(*fine)
    return VelocityCheck(
        points=len(places),
        max_relative_difference=float((np.hypot(*(own - fine)) / size).max()),
        trusted=float((np.hypot(*(coarse - fine)) / size).max()),
    )


def velocity(solution: Solution, u: np.ndarray, p: np.ndarray, resolution: Resolution) -> np.ndarray:
    """U (2, n) by the integral at points (n,) of the uniform coordinates u and p."""
    problem, lam = solution.problem, float(solution.lam.detach())
    return integral(problem, lam, _strength(solution, resolution.grid), u, p, resolution)


Strength = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From nodes in u (m,) and in p (k,) to H (m, k) at all pairs."""


def _strength(solution: Solution, grid: tuple[int, int]) -> Strength:
    """H = Ω/(w(1−w)c), interpolated from values at Chebyshev nodes."""
    problem = solution.problem
    nodes = [(1 - np.cos(np.pi * (np.arange(n) + 0.5) / n)) / 2 for n in grid]
    u, zeta = (axis.ravel() for axis in np.meshgrid(*nodes, indexing="ij"))
    w = problem.radial.at(u)
    z = problem.angular.at(w, zeta)
    omega = solution.evaluate(np.stack([w, z], axis=1))["Omega"]
    known = (omega / (w * (1 - w) * np.sqrt((1 - z) * (1 + z)))).reshape(grid)
    return lambda u, p: _interpolation(nodes[0], u) @ known @ _interpolation(nodes[1], 1 - p**2).T


def _interpolation(nodes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The matrix (m, n) from values at Chebyshev nodes (n,) of the first kind to their polynomial at x (m,)."""
    n = len(nodes)
    weights = np.sin(np.pi * (np.arange(n) + 0.5) / n) * (-1.0) ** np.arange(n)
    apart = x[:, None] - nodes
    hit = apart == 0
    parts = weights / np.where(hit, 1.0, apart)
    matrix = parts / parts.sum(1, keepdims=True)
    rows = hit.any(1)
    matrix[rows] = hit[rows]
    return matrix


def integral(
    problem: BoundaryProfile, lam: float, strength: Strength, u: np.ndarray, p: np.ndarray, resolution: Resolution
) -> np.ndarray:
    """U (2, n) that belongs to a vorticity, at points (n,) of the uniform coordinates u and p."""
    rule = np.polynomial.legendre.leggauss(resolution.nodes)
    result = np.empty((2, len(u)))
    for k, (u0, p0) in enumerate(zip(u, p, strict=True)):
        at, weight = _graded(u0, resolution.levels, rule, END_LEVELS)
        across, weight_across = _graded(p0, resolution.levels, rule, 0)
        w = problem.radial.at(at)
        slope = problem.radial.slope(at)
        zeta = 1 - across**2
        z = problem.angular.at(w[:, None], zeta)
        turn = problem.angular.slope(w[:, None], zeta) * 2 * across
        w0 = problem.radial.at(np.array([u0]))
        here = position(np.stack([w0, problem.angular.at(w0, np.array([1 - p0**2]))], axis=1), lam)[:, 0]
        place = complex(*here)
        # the kernel, ρ⁴/((ζ² − η̄²)(ζ² − η²)) = 1/(X² − 2X cos 2θ + 1) with X = (ζ/ρ)²
        inverse = (abs(place) * (1 - w) ** (1 + lam) / w) ** 2 * (place / abs(place)) ** 2
        kernel = 1 / (inverse[:, None] ** 2 - 2 * inverse[:, None] * (1 - 2 * z * z) + 1)
        inside = strength(at, across) * z * np.sqrt((1 - z) * (1 + z)) * turn * (1 + lam * w)[:, None] * kernel
        total = 4 * place / np.pi * ((weight * slope) @ inside @ weight_across)
        result[:, k] = total.real, -total.imag
    return result


def _graded(
    x: float, levels: int, rule: tuple[np.ndarray, np.ndarray], end_levels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1] in panels that shrink by halves towards x, evenly on both sides, and towards 1."""
    near = min(x, 1 - x)
    steps = near * 0.5 ** np.arange(levels + 1)
    edges = {0.0, x, 1.0, *(x - steps), *(x + steps)}
    out = near * 2.0 ** np.arange(1, 60)
    edges |= {x + step for step in out if x + step < 1} | {x - step for step in out if x - step > 0}
    edges |= {1 - (1 - x) * 0.5**k for k in range(1, end_levels + 1)} | {k / LARGEST for k in range(1, LARGEST)}
    ends = np.unique(np.clip(np.array(sorted(edges)), 0.0, 1.0))
    ends = ends[np.concatenate([[True], np.diff(ends) > 1e-14])]
    nodes, weights = rule
    half = np.diff(ends)[:, None] / 2
    return (ends[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()
