"""The objective of the present stage: at the points of the moment, with λ as it is meant to be now."""

from __future__ import annotations

import torch

from core.training import points
from core.training.exponent import Exponent
from core.training.objective import Objective
from core.training.state import RunState


def present(run: RunState, exponent: Exponent, dtype: torch.dtype = torch.float64) -> Objective:
    """The objective as it is now, λ released when its time has come."""
    exponent.release()
    stage = run.stage
    return Objective(run.solution, points.present(run), dtype, run.samples, stage.gradient_scale, exponent.analytic)


def refreshed(run: RunState, exponent: Exponent, objective: Objective, dtype: torch.dtype = torch.float64) -> Objective:
    """The objective for the next iteration: on new points when they are due, λ released when its time has come."""
    if points.resample_if_due(run):
        return present(run, exponent, dtype)
    if exponent.release():
        objective.forget_frozen()
    return objective


@torch.no_grad()
def rms_residual(run: RunState, exponent: Exponent) -> float:
    """Root mean square of what the stages so far leave."""
    return float(present(run, exponent).residuals().rms())
