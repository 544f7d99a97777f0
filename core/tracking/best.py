"""The best run by a stated rule, and its link as the parent of a next stage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from core.errors import ExperimentDeletedError, LabError
from core.people import RUNNER, needs
from core.runs import RunFolder, run_folder
from core.runs.checkpoint_file import CheckpointError, look
from core.tracking import store
from core.tracking.store import How, RunRecord
from core.tracking.tags import NEXT_STAGE_PARENT

HOW = {
    "last": "last",
    "min": "lowest",
    "max": "highest",
    "at-checkpoint": "checkpoint's",
}
"""Which value of a metric's history counts → in words."""

TIES = {"earlier": "the earlier run", "later": "the later run", "faster": "the run with the shorter wall time"}


@dataclass(frozen=True)
class Rule:
    """What best means. NaN and infinite values never win."""

    metric: str
    direction: Literal["min", "max"] = "min"
    states: tuple[str, ...] = ("finished",)
    problem: str = ""
    """Only runs of this problem; empty for all."""
    how: How = "last"
    """The last value, the lowest or highest of the history, or that at the checkpoint a next stage starts from."""
    tie: Literal["earlier", "later", "faster"] = "earlier"

    def __post_init__(self) -> None:
        for name, allowed in (("direction", ("min", "max")), ("how", tuple(HOW)), ("tie", tuple(TIES))):
            if getattr(self, name) not in allowed:
                raise LabError(f"{name} {getattr(self, name)!r} is not known; it is {', '.join(allowed)}.")

    def sentence(self) -> str:
        """The rule in words."""
        which = "lowest" if self.direction == "min" else "highest"
        problem = f" of problem {self.problem}" if self.problem else ""
        return (
            f"The run{problem} that is {' or '.join(self.states)} with the {which} {HOW[self.how]} value of "
            f"{self.metric}; NaN and infinity never win, {TIES[self.tie]} wins a tie."
        )


@dataclass(frozen=True)
class Ranked:
    """A run's place by a rule."""

    run_id: str
    name: str
    problem: str
    state: str
    value: float
    step: int
    """Iteration at which the value was logged."""
    started: float
    """Unix time in seconds."""


def ranking(rule: Rule) -> list[Ranked]:
    """Eligible runs, best first."""
    values = store.values(rule.metric, rule.how)
    seconds = store.values("wall_time_s", "last") if rule.tie == "faster" else {}
    eligible = [
        Ranked(head.run_id, head.name, head.problem, head.state, *values[head.run_id], head.started)
        for head in store.heads()
        if head.run_id in values
        and head.state in rule.states
        and (not rule.problem or head.problem == rule.problem)
        and math.isfinite(values[head.run_id][0])
    ]
    sign = 1 if rule.direction == "min" else -1
    ties = {
        "earlier": lambda run: run.started,
        "later": lambda run: -run.started,
        "faster": lambda run: _or_last(seconds.get(run.run_id, (math.inf, 0))[0]),
    }
    return sorted(eligible, key=lambda run: (sign * run.value, ties[rule.tie](run), run.run_id))


def _or_last(seconds: float) -> float:
    return seconds if math.isfinite(seconds) else math.inf


def get_best_run(
    metric: str, direction: Literal["min", "max"] = "min", auto_link: bool = False, how: How = "last"
) -> RunRecord:
    """The best finished run by a metric.

    Args:
        metric: an MLflow metric, for example `dense_max_residual`.
        direction: which end is best.
        auto_link: also mark it as the parent of the next stage (`link`).
        how: its last value, the lowest or highest of its history, or that at its checkpoint.

    Raises:
        LabError: no run has a finite value of the metric, or the best one has no checkpoint to start from.
    """
    return winner(Rule(metric, direction, how=how), auto_link)


def winner(rule: Rule, auto_link: bool = False) -> RunRecord:
    """The first of the ranking. Raises LabError as `get_best_run` does."""
    ranked = ranking(rule)
    if not ranked:
        if store.experiment_is_deleted():
            raise ExperimentDeletedError(store.EXPERIMENT)
        raise LabError(
            f"No {' or '.join(rule.states)} run has a finite {rule.metric!r}; metrics are listed on the Compare page."
        )
    if auto_link:
        link(run_folder(ranked[0].run_id))
    return store.get_run(ranked[0].run_id)


@needs(RUNNER)
def link(folder: RunFolder) -> None:
    """Mark a run as the parent of the next stage. Raises LabError when it has no usable checkpoint."""
    require_checkpoint(folder)
    store.set_tag(folder.run_id, NEXT_STAGE_PARENT, "true")


def require_checkpoint(folder: RunFolder) -> None:
    """Raise LabError with the reason when a next stage can't start from a run."""
    record = store.get_run(folder.run_id)
    who = f"{record.name} ({folder})"
    if record.deleted:
        raise LabError(f"{who} was deleted from the store, so no next stage can start from it.")
    if not record.problem:
        raise LabError(f"{who} was made by another program, so no next stage can start from it.")
    if not folder.has_checkpoint:
        state = "it has not begun" if record.state == "queued" else f"it is {record.state} and kept none here"
        raise LabError(f"{who} has no checkpoint: {state}. No next stage can start from it.")
    try:
        look(folder.last)
    except CheckpointError as error:
        raise LabError(f"No next stage can start from {who}: its checkpoint can't be used, {error.why}.") from None
