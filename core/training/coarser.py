"""A stage of polynomials on a grid, made coarser: what it takes is measured there and carried on."""

from __future__ import annotations

import math
from dataclasses import replace

from core.config import Chebyshev, Stage
from core.training.state import RunState

POINTS = 4_000
"""Of the coarser grid, at most about."""
FEWEST = 7
"""Of them along an axis."""


def on_grid(stage: Stage) -> bool:
    """Whether a stage's network is summed axis by axis at its points."""
    points, polynomials = stage.collocation, stage.chebyshev
    products = polynomials is not None and polynomials.total is None
    return products and points.sampler in ("grid", "gauss") and not points.adaptive


def coarser(run: RunState) -> tuple[RunState, float]:
    """The run with fewer points and functions along the longest axes of its present stage; and how much fewer points.

    What products take grows with the points, and so does what is kept for each wave.
    """
    stage, k, d = run.stage, run.position.stage, len(run.problem.coordinates)
    shape = stage.collocation.shape or (max(2, round(stage.collocation.points ** (1 / d))),) * d
    coarse = list(shape)
    while math.prod(coarse) > POINTS and max(coarse) > FEWEST:
        longest = coarse.index(max(coarse))
        coarse[longest] = max(FEWEST, coarse[longest] // 2)
    degrees = list(stage.chebyshev.degrees)
    for axis, (few, many) in enumerate(zip(coarse, shape, strict=True)):
        if few < many and axis < len(degrees):
            degrees[axis] = max(3, (degrees[axis] * few // many - 1) // 2 * 2 + 1)  # odd, as harmonics are
    points = math.prod(coarse)
    fewer = stage.model_copy(
        update={
            "collocation": stage.collocation.model_copy(update={"shape": tuple(coarse), "points": points}),
            "chebyshev": Chebyshev(degrees=tuple(degrees)),
        }
    )
    stages = (*run.config.stages[:k], fewer, *run.config.stages[k + 1 :])
    return replace(run, config=run.config.model_copy(update={"stages": stages})), points / math.prod(shape)
