"""The objective of the present stage: at the points of the moment, with λ as it is meant to be now."""

from __future__ import annotations

from typing import Any

import torch

from core.training import points
from core.training.arithmetic import ARITHMETICS, Arithmetic
from core.training.exponent import Exponent
from core.training.objective import Objective
from core.training.objective.weighing import Weighing
from core.training.spread import SpreadObjective
from core.training.spread.part import Points
from core.training.state import RunState


def present(run: RunState, exponent: Exponent, dtype: torch.dtype = torch.float64) -> Objective:
    """The objective as it is now, λ released when its time has come."""
    exponent.release()
    weighing = Weighing.of(run.stage, run.problem)
    return Objective(run.solution, points.present(run), dtype, run.samples, weighing, exponent.analytic)


def trained(run: RunState, exponent: Exponent, how: Arithmetic = ARITHMETICS["float64"]) -> Objective:
    """The objective that a phase trains on: as `present`, its rows spread over processes where the stage asks."""
    size = 1 if run.ranks is None else run.ranks.size_of(run.stage.processes)
    if size == 1:
        return present(run, exponent, how.dtype)
    exponent.release()
    chosen = Points(points.present(run), run.samples, Weighing.of(run.stage, run.problem))
    return SpreadObjective(run.ranks, size, run.solution, chosen, how, lambda: _described(run))


def _described(run: RunState) -> dict[str, Any]:
    """What another process makes the problem of the moment from."""
    if run.window is None:
        config, window = run.config.model_copy(update={"problem": run.solution.problem}), None
    else:
        config, now = run.window
        window = {**vars(now), "start": None if now.start is None else now.start.plain()}
    return {"config": config.canonical_json(), "window": window}


def refreshed(
    run: RunState, exponent: Exponent, objective: Objective, how: Arithmetic = ARITHMETICS["float64"]
) -> Objective:
    """The objective for the next iteration: on new points when they are due, λ released when its time has come."""
    if points.resample_if_due(run):
        return trained(run, exponent, how)
    if exponent.release():
        objective.forget_frozen()
    return objective


@torch.no_grad()
def rms_residual(run: RunState, exponent: Exponent) -> float:
    """Root mean square of what the stages so far leave."""
    return float(present(run, exponent).residuals().rms())
