"""An automatic plan of stages for a problem, from its size, order and linearity, and in words; a start to be edited."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import Collocation, Fourier, GaussNewton, Stage
from core.problems import Problem

FEATURES = {1: 200, 2: 600, 3: 700, 4: 1200, 5: 1600, 6: 2000}
"""Rows of B for one field, by how many coordinates there are: what smooth solutions on a box took (measured)."""
POINTS_PER_FEATURE = 6
LARGEST = 2_400
"""Weights of one stage, all fields together: its solve takes some seconds on one core."""
UNDAMPED = GaussNewton(damping=1e-26, minimum_damping=1e-32)
DAMPED = GaussNewton(damping=1e-8, minimum_damping=1e-32)


@dataclass(frozen=True)
class Plan:
    """Stages for a problem, and why they are as they are."""

    stages: tuple[Stage, ...]
    words: tuple[str, ...]
    """A sentence for each choice."""


def plan(problem: Problem) -> Plan:
    """Stages that are likely to solve a smooth problem on a box."""
    d, fields = len(problem.coordinates), problem.outputs
    features = min(FEATURES.get(d, max(FEATURES.values())), LARGEST // (2 * fields))
    many = "fields" if fields > 1 else "field"
    words = [
        f"{d} coordinates and {fields} {many}: {features} Fourier features at "
        f"{features * POINTS_PER_FEATURE:,} points; their scale σ is searched for."
    ]
    if problem.linear and not problem.has_lambda:
        words.append("Linear: one solve of undamped least squares, and two that refine it.")
        return Plan((_stage(features, UNDAMPED, 3),), tuple(words))
    more = min(2 * features, LARGEST // (2 * fields))
    words += [
        "Nonlinear: damped Gauss–Newton until it settles.",
        f"Then a second stage of {more} features corrects what the first one left.",
    ]
    return Plan((_stage(features, DAMPED, 40), _stage(more, UNDAMPED, 4)), tuple(words))


def _stage(features: int, optimizer: GaussNewton, iterations: int) -> Stage:
    return Stage(
        fourier=Fourier(features=features, sigma="search"),
        optimizer=optimizer,
        iterations=iterations,
        collocation=Collocation(points=POINTS_PER_FEATURE * features, sampler="chebyshev"),
    )
