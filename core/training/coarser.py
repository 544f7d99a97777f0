"""A stage of polynomials on a grid, made coarser: what it takes is measured there and carried on."""

from __future__ import annotations

import math
from dataclasses import replace

from core.config import Stage
from core.jets import TensorSums
from core.training.objective.averaged import block_bytes
from core.training.state import RunState

POINTS = 4_000
"""Of the coarser grid, at most about."""
FEWEST = 7
"""Of them along an axis."""


def may_be_on_grid(stage: Stage) -> bool:
    """Whether a stage's network could be summed axis by axis at its points; its `Objective` says whether it is."""
    points, polynomials = stage.collocation, stage.chebyshev
    products = polynomials is not None and polynomials.total is None
    return products and points.sampler in ("grid", "gauss") and not points.adaptive


def sides(run: RunState) -> tuple[int, ...]:
    """Nodes of the present stage's grid along each coordinate."""
    points, d = run.stage.collocation, len(run.problem.coordinates)
    return points.shape or (max(2, round(points.points ** (1 / d))),) * d


def coarser(run: RunState) -> tuple[RunState, float]:
    """The run with fewer points and functions along the longest axes of its present stage; and how much fewer points.

    What products take grows with the points; what levels them does not, and is known in closed form.
    """
    stage, k = run.stage, run.position.stage
    shape = sides(run)
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
            "chebyshev": stage.chebyshev.model_copy(update={"degrees": tuple(degrees)}),
        }
    )
    stages = (*run.config.stages[:k], fewer, *run.config.stages[k + 1 :])
    return replace(run, config=run.config.model_copy(update={"stages": stages})), points / math.prod(shape)


def levelling_bytes(run: RunState, on_grids: list[TensorSums]) -> int:
    """What the blocks of waves take, by their formula; 0 where none are made.

    Args:
        run: its present stage is on a grid.
        on_grids: what sums its network, as `Objective.on_grids` gives them, for a coarser grid too.
    """
    counts, circles = run.stage.chebyshev.degrees, on_grids[0].circles
    whole = all(counts[k] % 2 and counts[k] <= sides(run)[k] for k in circles)
    if len(on_grids) > 1 or on_grids[0].waves is None or not whole:
        return 0
    return block_bytes(counts, circles, run.problem.outputs)
