"""How exactly a run knows λ: its basin, and the change from one resolution to the next."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from core.config import RunConfig
from core.networks.solution import Solution
from core.optimizers.rows import dense_bytes
from core.problems.boundary_profile import BoundaryProfile
from core.singularity.basin import SPARE, steepness, uncertainty
from core.training.objective import SHARE, Objective, free_memory, nonlocal_bytes
from core.training.points import HELD_OUT, collocation
from core.training.state import StageRecord

FEW = 3000
"""Equations that cost nothing: a larger system is asked no more often than tells what the network can't follow."""


def lambda_uncertainty(
    config: RunConfig,
    solution: Solution,
    records: list[StageRecord],
    columns: Mapping[str, np.ndarray],
    rms_residual: float,
) -> float | None:
    """Half of the width of the interval that holds λ; None where that can't be told.

    Args:
        config: the run.
        solution: what it found.
        records: of its stages.
        columns: its history.
        rms_residual: over all equations, at points that were not trained on.
    """
    basin = _basin(config, solution, rms_residual)
    change = _change(config, records, columns) if isinstance(config.problem, BoundaryProfile) else None
    return max(basin, change) if basin is not None and change is not None else basin


def _basin(config: RunConfig, solution: Solution, rms_residual: float) -> float | None:
    """Half of the width of λ's basin; None where there is no network, or the last one is too large to tell."""
    if not len(solution.networks):
        return None
    index = min(len(config.stages), len(solution.networks)) - 1
    solution.lam.requires_grad_(True)
    count = 2 * config.stages[-1].collocation.points
    objective = _held_out(config, solution, index, count)
    if objective is None:
        return None
    rows, columns = objective.shape()
    if rows > max(FEW, SPARE * columns):
        objective = _held_out(config, solution, index, math.ceil(count * max(FEW, SPARE * columns) / rows))
        rows, columns = objective.shape()
    if rows < columns or dense_bytes(rows, columns, "columns") > SHARE * objective.free_memory():
        return None
    # the steepness is of the root of the loss, which adds up the equations
    return uncertainty(rms_residual * math.sqrt(len(config.problem.residual_names)), steepness(objective))


def _held_out(config: RunConfig, solution: Solution, index: int, count: int) -> Objective | None:
    """The equations at so many points that were not trained on; None where their integrals don't fit."""
    points = collocation(config, config.stages[-1], index, HELD_OUT, count)
    if nonlocal_bytes(config.problem, points) > SHARE * free_memory(solution.lam.device):
        return None
    return Objective(solution, points)


def _change(config: RunConfig, records: list[StageRecord], columns: Mapping[str, np.ndarray]) -> float | None:
    """|Δλ| from the last coarser resolution to the last one; None where λ did not move in both, or there is but one."""
    stages, lams = columns.get("stage"), columns.get("lambda")
    if stages is None or lams is None:
        return None
    coarser = [
        record.index
        for record in records[:-1]
        if config.stages[record.index + 1].begins == "fitted" and record.parameters < records[-1].parameters
    ]
    last, before = (lams[stages == index] for index in (records[-1].index, coarser[-1])) if coarser else ((), ())
    moved = all(len(found) and np.ptp(found) > 0 for found in (last, before))
    return float(abs(last[-1] - before[-1])) if moved else None
