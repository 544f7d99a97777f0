"""How exactly a run knows the unknown numbers of its equation: their standard errors by the least squares."""

from __future__ import annotations

import torch

from core.config import RunConfig
from core.datasets import samples_of
from core.networks.solution import Solution
from core.optimizers.rows import dense_bytes
from core.training.objective import SHARE, Objective
from core.training.objective.weighing import Weighing
from core.training.points import HELD_OUT, collocation

DIRECTIONS = 1e-12
"""Directions of the network that move its rows by less than this, relatively, can't be followed in float64."""


def standard_errors(config: RunConfig, solution: Solution) -> dict[str, float]:
    """Of each unknown number, name → standard error, the network following as well as it can.

    To first order an error δr of the rows moves the numbers by G⁻¹Aᵀδr, A being the part of ∂r/∂numbers outside the
    range of ∂r/∂weights and G = AᵀA. Each row is taken to be wrong, independently, by as much as the rows of its
    equation, or of its column of data, leave on average: noise of the data, or what the network can't represent.
    Systematic errors, as of a wrong equation, are not in it.

    Args:
        config: the run, with the stages that it has grown.
        solution: what it found.

    Returns:
        Empty where there are no such numbers, or where that can't be told: no network, or one too large.
    """
    names = list(solution.values_of_unknowns())
    if not names or not len(solution.networks):
        return {}
    index = min(len(config.stages), len(solution.networks)) - 1
    solution.free_unknowns()
    stage = config.stages[-1]
    points = collocation(config, stage, index, HELD_OUT)
    objective = Objective(solution, points, samples=samples_of(config.problem), weighing=Weighing(stage.gradient_scale))
    rows, columns = objective.shape()
    needed = 2 * dense_bytes(rows + columns, columns, "columns", whole=True)
    if rows <= columns or needed > SHARE * objective.free_memory():
        return {}
    _, slopes = objective.slopes()
    J = slopes.whole()[:, :-1].cpu()
    of_weights, of_numbers = J[:, : -len(names)], J[:, -len(names) :]
    of_weights = of_weights / of_weights.norm(dim=0).clamp_min(torch.finfo(J.dtype).tiny)
    count = of_weights.shape[1]
    Q, _ = torch.linalg.qr(torch.cat([of_weights, DIRECTIONS * torch.eye(count, dtype=J.dtype)]))
    padded = torch.cat([of_numbers, of_numbers.new_zeros(count, len(names))])
    A = (padded - Q @ (Q.T @ padded))[:rows]
    spare = rows / (rows - columns)  # what is fitted leaves less than what was wrong
    wrong = torch.cat([(spare * r.square().mean() / len(r)).expand(len(r)) for r in slopes.residuals.values()]).cpu()
    inverse = torch.linalg.pinv(A.T @ A, hermitian=True)
    covariance = inverse @ (A.T @ (wrong[:, None] * A)) @ inverse
    return dict(zip(names, covariance.diagonal().clamp_min(0).sqrt().tolist(), strict=True))
