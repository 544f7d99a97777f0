"""Where a continuation stands on its path, and the problems along it."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from core.config import RunConfig
from core.problems import Problem
from core.runs.path import PathStep, along


def member(config: RunConfig, begins: float, share: float) -> Problem:
    """The problem at a share of the way along a run's path, whose parameter is `begins` in the parent."""
    name, problem = config.continuation.path, config.problem
    if share == 1:
        return problem
    value = along(begins, problem.along(name), share, problem.is_whole(name))
    return problem.model_copy(update={name: value})


@dataclass
class Walk:
    """Where a continuation stands: what a checkpoint needs beside the solution to go on bit by bit."""

    begins: float
    """The parameter's value in the parent."""
    step: float
    """Share of the way that the next step takes."""
    weights: list[Tensor]
    """Of the network at the end of the last step that was taken."""
    lambda_: float | None
    """λ there."""
    centres: list[float | None]
    """Of the features of each network there."""
    share: float = 0.0
    """Of the way that is behind."""
    tried: float = 0.0
    """The same at the end of the present step."""
    iterations: int = 0
    """Of the present step; 0 between two."""
    before: tuple[float, float] | None = None
    """Share and λ one step earlier."""
    steps: list[PathStep] = field(default_factory=list)
