"""The largest system of a stage's own kind that fits the memory: points and network made smaller together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from core.config import Collocation
from core.training.state import RunState

LEAST = 1e-5
"""Part of a system below which none is looked for."""
FULL = 0.85
"""Part of the room from which a system that fits is called the largest."""
TRIES = 10

Smaller = Callable[[RunState, float], RunState]


def largest(run: RunState, smaller: Smaller, needed: Callable[[RunState], float], room: float) -> RunState | None:
    """The run with its present stage as large as fits, or None where nothing does.

    Args:
        run: its present stage does not fit.
        smaller: the run with a part of its present stage's points, or of its points and unknowns.
        needed: bytes that a run's present stage takes at most.
        room: bytes that it may take.
    """
    found, low, high = None, LEAST, 1.0
    part = math.sqrt(room / needed(run))  # Jacobian and triangle go with the square of a system's size
    for _ in range(TRIES):
        tried = smaller(run, part)
        takes = needed(tried)
        if takes <= room:
            found, low = tried, part
            if takes >= FULL * room:
                break
        else:
            high = part
        part *= math.sqrt(0.95 * room / takes) if takes else math.inf
        if not low < part < high:
            part = math.sqrt(low * high)
    return found


def fewer_points(run: RunState, part: float) -> RunState:
    """A run with a part of its present stage's points, in the same proportions."""
    collocation = run.stage.collocation
    sides = collocation.shape
    fewer = None if sides is None else tuple(max(2, int(n * part ** (1 / len(sides)))) for n in sides)
    count = max(4, int(collocation.points * part)) if fewer is None else math.prod(fewer)
    return _with(run, collocation.model_copy(update={"points": count, "shape": fewer}))


def smaller_together(run: RunState, part: float) -> RunState:
    """A run with a part of its present stage's unknowns, and of its points in the same proportion."""
    stage, network = run.stage, run.config.network
    if stage.chebyshev is not None:
        degrees = stage.chebyshev.degrees
        each, total, before = part ** (1 / len(degrees)), stage.chebyshev.total, stage.chebyshev
        totals = None if total is None else max(1, int(total * each))
        fewer = before.model_copy(update={"degrees": _scaled(degrees, each, 2), "total": totals})
        part = fewer.products(run.problem.circles) / before.products(run.problem.circles)
        change = {"chebyshev": fewer}
    elif stage.splines is not None:
        before = stage.splines
        fewer = before.with_part(part ** (1 / len(before.knots)))
        part, change = fewer.products / before.products, {"splines": fewer}
    elif stage.fourier is not None and not stage.fourier.hidden:
        (features,) = _scaled((stage.fourier.features,), part)
        change = {"fourier": stage.fourier.model_copy(update={"features": features})}
    elif stage.fourier is not None:
        features, *hidden = _scaled((stage.fourier.features, *stage.fourier.hidden), math.sqrt(part))
        change = {"fourier": stage.fourier.model_copy(update={"features": features, "hidden": tuple(hidden)})}
    else:
        change = {}
        network = network.model_copy(update={"hidden": _scaled(network.hidden, math.sqrt(part))})
    points = fewer_points(run, part).stage.collocation
    return _with(replace(run, config=run.config.model_copy(update={"network": network})), points, change)


def in_words(run: RunState) -> str:
    """What a run's present stage is made of."""
    stage, points = run.stage, f"{run.stage.collocation.points:,} points"
    if stage.collocation.shape is not None:
        points = f"{' × '.join(map(str, stage.collocation.shape))} = {points}"
    if stage.chebyshev is not None:
        return f"about {stage.chebyshev.words} at {points}"
    if stage.splines is not None:
        return f"about {stage.splines.words} at {points}"
    hidden = run.config.network.hidden if stage.fourier is None else stage.fourier.hidden
    layers = f"hidden layers of about {', '.join(map(str, hidden))}" if hidden else ""
    features = f"about {stage.fourier.features:,} Fourier features" if stage.fourier is not None else ""
    return f"{' and '.join(filter(None, (features, layers)))} at {points}"


def _scaled(counts: tuple[int, ...], factor: float, least: int = 1) -> tuple[int, ...]:
    return tuple(max(least, int(count * factor)) for count in counts)


def _with(run: RunState, collocation: Collocation, change: dict[str, object] | None = None) -> RunState:
    """The run with another present stage; nothing of what it has trained is copied or changed."""
    stages = list(run.config.stages)
    stages[run.position.stage] = run.stage.model_copy(update={"collocation": collocation, **(change or {})})
    return replace(run, config=run.config.model_copy(update={"stages": tuple(stages)}))
