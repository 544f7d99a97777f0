"""How exactly a run knows λ: its basin, and the change from one resolution to the next."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from core.config import RunConfig
from core.networks.solution import Solution
from core.optimizers.rows import dense_bytes
from core.problems.boundary_profile import BoundaryProfile
from core.runs.history import MAIN, PATH
from core.singularity.basin import SPARE, steepness, uncertainty
from core.training.objective import SHARE, Objective, free_memory, nonlocal_bytes
from core.training.points import HELD_OUT, collocation
from core.training.state import StageRecord

FEW = 3000
"""Equations that cost nothing: a larger system is asked no more often than tells what the network can't follow."""

CONVERGES = 0.5
"""Part of the last coarser resolution's residual that is left, at most, where λ's change tells how exact it was."""
ROUGH = 100
"""What polynomials leave is rough, and moves λ by a small part of its basin, which is the worst case: by 1/540 to
1/150,000 in eight solutions of IPM n = 0, 1 and Boussinesq n = 0 with 22 × 22 to 40 × 36 of them. Not all of that is
relied on. Fourier features leave what is less so, 1/70 was seen."""
ROUNDING = 1e-14
"""λ is as exact as this at best, relatively."""


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
    trained = config.model_copy(update={"stages": config.stages[: len(records)]})
    basin = _basin(trained, solution, rms_residual)
    found = _change(config, records, columns) if isinstance(config.problem, BoundaryProfile) else None
    if basin is None or found is None:
        return basin
    change, part, settles = found
    if part > CONVERGES or config.stages[records[-1].index].chebyshev is None:
        return max(basin, change)
    rounding = min(basin, ROUNDING * max(1.0, abs(float(solution.lam.detach()))))
    return max(change, 0.0 if settles else basin / ROUGH, rounding)


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


def _change(
    config: RunConfig, records: list[StageRecord], columns: Mapping[str, np.ndarray]
) -> tuple[float, float, bool] | None:
    """|Δλ| from the last coarser resolution to the last one, the part of its residual left, and whether λ settles.

    It does where three resolutions found it and the second change is at most half of the first: going on so, all
    further ones together are no more than the last. None where λ did not move in two, or there is but one.
    """
    stages, lams = columns.get("stage"), columns.get("lambda")
    if stages is None or lams is None:
        return None
    finest, resolutions = records[-1], [records[-1]]
    for record in reversed(records[:-1]):
        if config.stages[record.index + 1].begins == "fitted" and record.parameters < resolutions[-1].parameters:
            resolutions.append(record)
    main = columns.get("phase", np.full(len(stages), MAIN)) != PATH
    found = []
    for record in resolutions:
        if (lam := _moved(record, lams[main], stages[main])) is None:
            break
        found.append(lam)
    if len(found) < 2:
        return None
    left, left_before = finest.rms_residual, resolutions[1].rms_residual
    part = left / left_before if left_before > 0 and math.isfinite(left) else math.inf  # no number is no progress
    changes = np.abs(np.diff(found))
    settles = len(changes) > 1 and changes[0] <= max(changes[1] / 2, ROUNDING * abs(found[0]))
    return float(changes[0]), part, bool(settles)


def _moved(record: StageRecord, lams: np.ndarray, stages: np.ndarray) -> float | None:
    """λ at the end of a stage, None where it was held in it; a stage may end with the first step that moves it."""
    seen = lams[stages == record.index]
    before = lams[stages < record.index][-1:]
    return float(seen[-1]) if len(seen) and np.ptp([*before, *seen]) > 0 else None
