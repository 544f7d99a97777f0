"""Where a stage asks for the equations: drawn by its sampler, or by the residual."""

from __future__ import annotations

import copy
import math

import numpy as np
import torch

from core.config import RunConfig, Stage
from core.networks.knots import in_cells, knots_of
from core.networks.solution import Solution
from core.training.objective import Objective
from core.training.objective.weighing import Weighing
from core.training.state import RunState
from core.training.stretching import positions

HELD_OUT = 1_000_003
"""Draw of the points that choose σ; no stage resamples so often."""
FROM_CANDIDATES, CANDIDATES = 2_000_003, 10
"""Draw of the points that adaptive ones are chosen from, and how many times more they are."""


def present(run: RunState) -> dict[str, np.ndarray]:
    """The points of the present stage and draw; those that are drawn by the residual are drawn once."""
    stage, index, draw = run.stage, run.position.stage, run.position.resamples
    fitted = stage.begins is not None and (index > 0 or run.config.parent is not None)
    follows = fitted or len(run.solution.networks) > 1
    if stage.collocation.adaptive and run.adapted is None and (draw or follows):
        run.adapted = adapted(run.config, stage, index, draw, on_cpu(run))
    return collocation(run.config, stage, index, draw) if run.adapted is None else run.adapted


def resample_if_due(run: RunState) -> bool:
    """Go on to the next draw when its time has come."""
    every, position = run.stage.collocation.resample_every, run.position
    iteration = position.iteration
    if not (every and iteration and iteration % every == 0 and position.resamples < iteration // every):
        return False
    position.resamples += 1
    position.best_loss = float("inf")
    run.adapted = None
    return True


def on_cpu(run: RunState) -> Solution:
    """The solution on the CPU, to be looked at: a copy where it is trained elsewhere, which must stay there."""
    return run.solution if run.device.type == "cpu" else copy.deepcopy(run.solution).cpu()


def collocation(
    config: RunConfig, stage: Stage, index: int, draw: int, points: int | None = None
) -> dict[str, np.ndarray]:
    """Points of a stage, by default as many as it has; the same for a config, stage and draw on every machine.

    A grid has no second draw, nor have cells: other draws than the first are Sobol points, since its own nodes would
    tell nothing of what lies between them.
    """
    return _points(config, stage, index, draw, points or stage.collocation.points)


def adapted(config: RunConfig, stage: Stage, index: int, draw: int, solution: Solution) -> dict[str, np.ndarray]:
    """As many points as `collocation` gives, `stage.collocation.adaptive` of them drawn by the residual.

    Out of ten times as many, with a probability that goes as 1 + |r|/mean|r| (RAD with k = c = 1: Wu et al., arXiv
    2207.10289). They depend on the solution, so a checkpoint keeps them. All points count alike: the loss is the mean
    square over them, so what is drawn more often weighs more.
    """
    plain = collocation(config, stage, index, draw)
    candidates = _points(config, stage, index, draw + FROM_CANDIDATES, CANDIDATES * stage.collocation.points)
    rng = np.random.default_rng([config.seed, index, draw])
    dtype, weighing = next(solution.parameters()).dtype, Weighing(stage.gradient_scale)
    chosen = {}
    for name, block in plain.items():
        several = candidates[name]
        wanted = min(round(stage.collocation.adaptive * len(block)), len(several))
        if len(several) <= len(block):  # a set of fixed points, such as a gauge
            chosen[name] = block
            continue
        sizes = np.concatenate(
            [
                Objective(solution, {name: part}, dtype, None, weighing).sizes()[name].double().numpy()
                for part in np.array_split(several, max(1, len(several) // 4096))
            ]
        )
        weight = 1 + sizes / max(sizes.mean(), np.finfo(float).tiny)
        picked = rng.choice(len(several), wanted, replace=False, p=weight / weight.sum())
        kept = np.arange(len(block) - wanted)
        if stage.collocation.sampler in ("grid", "gauss", "cells"):  # the first nodes of a grid are those of one side
            kept = np.sort(rng.permutation(len(block))[: len(kept)])
        chosen[name] = np.concatenate([block[kept], several[np.sort(picked)]])
    return chosen


def _points(config: RunConfig, stage: Stage, index: int, draw: int, n: int) -> dict[str, np.ndarray]:
    d = len(config.problem.coordinates)
    seed = (config.seed * 1_000_003 + index * 1_009 + draw) % 2**31
    sampler = stage.collocation.sampler
    if sampler == "cells" and not draw:
        return in_cells(config.problem, knots_of(stage.splines, config.problem), n)
    on_nodes = sampler in ("grid", "gauss")
    shape = stage.collocation.shape if n == stage.collocation.points else None
    sides = shape or (max(2, round(n ** (1 / d))),) * d
    if on_nodes and draw:
        n = math.prod(sides)
    if sampler in ("sobol", "chebyshev", "cells") or (on_nodes and draw):
        unit = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed).draw(n, dtype=torch.float64).numpy()
    elif sampler == "uniform":
        unit = np.random.default_rng(seed).random((n, d))
    else:
        kinds = stage.chebyshev.kinds if stage.chebyshev is not None and sampler == "gauss" else None
        plain = [kinds is None or k in config.problem.periodic for k in range(d)]
        axes = [_nodes(side, *(("all", None) if plain[k] else kinds[k])) for k, side in enumerate(sides)]
        unit = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, d)
    problem = config.problem
    return (problem.collocation_towards_walls if sampler in ("chebyshev", "gauss") else problem.collocation)(unit)


def _nodes(side: int, parity: str, layer: float | None) -> np.ndarray:
    """So many even nodes of [0, 1], or of its lower half, since polynomials of one parity say the same on the other.

    Polynomials that follow a layer have theirs even in what they read, once the points are pulled towards the walls.
    """
    even = (np.arange(side) + 0.5) / (side * (1 + (parity != "all")))
    if layer is None:
        return even
    position = positions((1 - np.cos(np.pi * even)) / 2, layer, middle=parity != "all")
    return np.arccos(1 - 2 * position) / np.pi
