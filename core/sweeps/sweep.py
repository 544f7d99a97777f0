"""What a sweep is: which fields of one config are varied how, by which sampler, by what figure trials are compared."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from core.config import RunConfig
from core.errors import LabError
from core.frozen import Frozen
from core.jobs import capacity
from core.jobs.batch import LONGEST_NAME, MOST_RUNS, configs_of, table_of
from core.jobs.engines.contract import LOCAL
from core.jobs.submission import chosen_engine
from core.plain_text import has_control
from core.sweeps.axis import Axis, read_axis

SAMPLERS = {
    "grid": "every combination of the values",
    "random": "values drawn at random",
    "tpe": "values drawn where good trials were (tree-structured Parzen estimator)",
    "cmaes": "a normal distribution that follows good trials (CMA-ES), for numbers alone",
}
"""Name → in words."""
TITLES = {"grid": "grid", "random": "random", "tpe": "TPE", "cmaes": "CMA-ES"}
"""Name → as people write it."""
CURVE = {
    "max_residual": "largest residual at the points",
    "rms_residual": "RMS residual at the points",
    "loss": "loss",
}
"""Columns of the history, of which the least value counts."""
FINAL = {
    "dense_max_residual": "largest residual on the dense grid",
    "dense_rms_residual": "RMS residual on the dense grid",
    "relative_l2_error": "relative L² error",
    "max_error": "largest error",
    "lambda_error": "error of λ",
    "wall_time_s": "seconds of training",
}
"""Figures that a run leaves at its end."""
METRICS = FINAL | CURVE
MOST_AXES = 12
MOST_PARALLEL = 64
USUAL_TRIALS = 24
MOST_CHECKED = 40
"""Combinations of a grid that are checked before it starts; each field is checked by itself in any case, and a trial
whose values don't go together fails with the reason."""


class Sweep(Frozen):
    """A sweep as it was asked for; nothing of it changes."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    sampler: Literal["grid", "random", "tpe", "cmaes"]
    axes: tuple[Axis, ...]
    trials: Annotated[int, Field(ge=1, le=MOST_RUNS)]
    parallel: Annotated[int, Field(ge=1, le=MOST_PARALLEL)]
    metric: str
    prune: bool = False
    """Trials whose residual curve lies above the others' median are stopped."""
    seed: int = 0
    priority: int = 0
    engine: str = LOCAL
    """Where its runs go."""
    who: str = ""
    """Who started it."""
    made: float = 0.0
    """Unix time in seconds."""

    @property
    def sentence(self) -> str:
        """What it does, in a sentence."""
        fields = f"{len(self.axes)} field{'s' * (len(self.axes) > 1)}"
        pruned = ", pruned on the residual curve" if self.prune else ""
        return (
            f"{self.trials} trials over {fields} by {TITLES[self.sampler]}, {self.parallel} at a time{pruned}; "
            f"compared by the {METRICS[self.metric]}, the least is best."
        )


def plan(
    config: RunConfig,
    varied: Mapping[str, str],
    *,
    name: str = "",
    sampler: str = "tpe",
    trials: int | None = None,
    parallel: int | None = None,
    metric: str = "dense_max_residual",
    prune: bool = False,
    seed: int = 0,
    priority: int = 0,
    engine: str | None = None,
) -> Sweep:
    """A sweep that can be run, from what a person writes; nothing is made yet.

    Args:
        config: what all trials have in common.
        varied: path of a field → what is tried of it, as `core.sweeps.axis.read_axis` reads it.
        name: of the sweep; that of the config, or of its problem, unless said.
        sampler: one of `SAMPLERS`.
        trials: how many; a grid has as many as its values make.
        parallel: at a time; as many as there are slots, unless said.
        metric: one of `METRICS`; the least is best.
        prune: stop trials whose residual curve lies above the others' median.
        seed: of the sampler.
        priority: of its runs in the queue.
        engine: where its runs go (see `core.jobs.submit`).

    Raises:
        ConfigError: a field that there is not, with the nearest names, or a value outside its limits.
        LabError: what else can't be done, and what can.
    """
    _one_of(sampler, SAMPLERS, "sampler")
    _one_of(metric, METRICS, "metric")
    name = name.strip() or config.name or config.problem.kind
    if has_control(name) or len(name) > LONGEST_NAME:
        raise LabError(f"Name the sweep with 1 to {LONGEST_NAME} characters that can be read.")
    if not varied:
        raise LabError("A sweep varies at least one field: stages.0.optimizer.damping=1e-6..1e-2 log, for example.")
    if len(varied) > MOST_AXES:
        raise LabError(f"A sweep varies at most {MOST_AXES} fields, and these are {len(varied)}.")
    axes = tuple(read_axis(config, path, text) for path, text in varied.items())
    _apart(axes)
    if metric == "lambda_error" and not config.problem.has_lambda:
        raise LabError(f"{config.problem.title} has no unknown λ, so no trial has a {metric}.")
    if prune and (config.windows is not None or config.growth is not None):
        raise LabError("A run in windows or with growth has no length to compare curves by; leave pruning out.")
    engine = chosen_engine(engine)
    count = _count(config, axes, name, sampler, trials)
    if parallel is None:
        parallel = places(config, engine)
    if not 1 <= parallel <= MOST_PARALLEL:
        raise LabError(f"{parallel} trials at a time are not allowed; it is 1 to {MOST_PARALLEL}.")
    return Sweep(
        name=name,
        sampler=sampler,
        axes=axes,
        trials=count,
        parallel=min(parallel, count),
        metric=metric,
        prune=prune,
        seed=seed,
        priority=priority,
        engine=engine,
    )


def places(config: RunConfig, engine: str) -> int:
    """How many of its runs can be at work at a time, 1 at least."""
    there = sum(slot.takes(config.device, engine) for slot in capacity())
    return max(1, min(there, MOST_PARALLEL))


def _one_of(word: str, known: Mapping[str, str], what: str) -> None:
    if word not in known:
        near = difflib.get_close_matches(word[:80], known, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise LabError(f"There is no {what} {word[:80]!r}; it is {', '.join(known)}.{meant}")


def _apart(axes: tuple[Axis, ...]) -> None:
    """Raise LabError where one varied field holds another."""
    paths = [axis.path for axis in axes]
    for path in paths:
        if inner := next((other for other in paths if other.startswith(f"{path}.")), None):
            raise LabError(f"{inner} is a part of {path}: vary one of them.")


def _count(config: RunConfig, axes: tuple[Axis, ...], name: str, sampler: str, trials: int | None) -> int:
    """How many trials there are. Raises LabError where there can't be."""
    if sampler == "grid":
        grid = [axis.grid() for axis in axes]
        count = math.prod(map(len, grid))
        if count > MOST_RUNS:
            raise LabError(f"The grid has {count:,} combinations, and a sweep at most {MOST_RUNS} trials.")
        if trials is not None and trials != count:
            raise LabError(f"The grid has {count} combinations, so it has {count} trials and not {trials}.")
        rows = grid_rows(axes)
        configs_of(config, rows[:: max(1, len(rows) // MOST_CHECKED)], name[: LONGEST_NAME // 2])
        return count
    if sampler == "cmaes":
        if words := [axis.path for axis in axes if not axis.is_range]:
            raise LabError(f"CMA-ES takes ranges of numbers alone, and {words[0]} has single values; take tpe.")
        if len(axes) < 2:
            raise LabError("CMA-ES takes two fields or more; for one take tpe.")
    count = USUAL_TRIALS if trials is None else trials
    if not 1 <= count <= MOST_RUNS:
        raise LabError(f"{count} trials are not allowed; a sweep has 1 to {MOST_RUNS}.")
    if all(axis.values is not None for axis in axes):
        there = math.prod(len(axis.values) for axis in axes)
        if count > there:
            raise LabError(f"There are {there} combinations of these values, fewer than {count} trials; take grid.")
    return count


def grid_rows(axes: tuple[Axis, ...]) -> list[dict[str, str]]:
    """Every combination of the axes' values, the last axis changing fastest; path → value as `--set` takes it."""
    return table_of({axis.path: axis.grid() for axis in axes})
