"""How much work a run is, to hold runs of one problem against each other: no figure of time, and no torch is asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from core.config.network import Fourier, Local
from core.config.optimizer import FIRST_ORDER
from core.config.run import RunConfig
from core.problems import Problem

CHEAP = 0.1
"""Weight of a first-order iteration beside a second-order one."""


def size(config: RunConfig) -> float:
    """Iterations × points × parameters, over all stages and windows; first-order iterations weigh `CHEAP`."""
    total, problem = 0.0, config.problem
    for stage in config.stages:
        if stage.chebyshev is not None:
            widths = [stage.chebyshev.products(problem.circles), problem.outputs]
        elif stage.splines is not None:
            read = local_functions(stage.splines.local, problem, single=True)
            widths = [stage.splines.products + read, problem.outputs]
        elif stage.fourier is None:
            widths = [problem.inputs, *config.network.hidden, problem.outputs]
        else:
            widths = [lifted(stage.fourier, problem), *stage.fourier.hidden, problem.outputs]
        each = CHEAP if stage.optimizer.kind in FIRST_ORDER else 1.0
        iterations = each * stage.iterations + CHEAP * stage.warmup.iterations
        total += iterations * stage.collocation.points * _parameters(widths)
    return total * config.window_count


def lifted(fourier: Fourier, problem: Problem) -> int:
    """Features that the first layer after those of Fourier reads, with those of the domain's own."""
    local = fourier.local
    if local is None:
        return 2 * fourier.features
    waves = fourier.features + sum(local.rows(fourier.features, block.weight) for block in problem.blocks)
    return 2 * waves + local_functions(local, problem)


def local_functions(local: Local | None, problem: Problem, single: bool = False) -> int:
    """Functions of the domain's own that are read beside others, and their products with waves."""
    if local is None:
        return 0
    asked = local.asked(problem.functions, single)
    return len(asked) + 2 * local.smooth * sum(each.exponent > 0 for each in asked)


def _parameters(widths: Sequence[int]) -> int:
    return sum((before + 1) * after for before, after in pairwise(widths))
