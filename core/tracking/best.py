"""The best run by a stated rule, and its link as the parent of a next stage."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Literal

from core.errors import LabError
from core.home import home
from core.tracking import store
from core.tracking.store import RunRecord


@dataclass(frozen=True)
class Rule:
    """What best means. NaN and infinite values never win; the earlier run wins a tie."""

    metric: str
    direction: Literal["min", "max"] = "min"
    states: tuple[str, ...] = ("finished",)
    problem: str = ""
    """Only runs of this problem; empty for all."""

    def sentence(self) -> str:
        """The rule in words."""
        which = "lowest" if self.direction == "min" else "highest"
        problem = f" of problem {self.problem}" if self.problem else ""
        return (
            f"The {which} last value of {self.metric} among runs{problem} that are {' or '.join(self.states)}; "
            "NaN never wins, the earlier run wins a tie."
        )


def ranking(rule: Rule, limit: int = 10_000) -> list[RunRecord]:
    """Eligible runs, best first."""
    eligible = [
        record
        for record in store.runs(limit)
        if record.state in rule.states
        and (not rule.problem or record.problem == rule.problem)
        and _is_finite(record.metrics.get(rule.metric, math.nan))
    ]
    sign = 1 if rule.direction == "min" else -1
    return sorted(eligible, key=lambda record: (sign * record.metrics[rule.metric], record.started))


def _is_finite(value: float) -> bool:
    """Neither NaN nor infinite; MLflow's SQL store keeps infinities as ±1.797e308."""
    return math.isfinite(value) and abs(value) < sys.float_info.max


def get_best_run(metric: str, direction: Literal["min", "max"] = "min", auto_link: bool = False) -> RunRecord:
    """The best finished run by its last value of a metric.

    Args:
        metric: an MLflow metric, for example `dense_max_residual`.
        direction: which end is best.
        auto_link: also mark it as the parent of the next stage (`link`).

    Raises:
        LabError: no run has a finite value of the metric, or the best one has no checkpoint to start from.
    """
    ranked = ranking(Rule(metric, direction))
    if not ranked:
        raise LabError(f"No finished run has a finite {metric!r}; metrics are listed on the Compare page.")
    if auto_link:
        link(ranked[0].run_id)
    return ranked[0]


def link(run_id: str) -> None:
    """Mark a run as the parent of the next stage, in its tag `lab.next_stage_parent`.

    Raises LabError when it has no usable checkpoint.
    """
    require_checkpoint(run_id)
    store.client().set_tag(run_id, "lab.next_stage_parent", "true")


def require_checkpoint(run_id: str) -> None:
    """Raise LabError when a next stage can't start from a run."""
    record = store.get_run(run_id)
    if not (home().run_dir(run_id) / "checkpoints" / "last.pt").exists():
        raise LabError(f"{record.name} ({run_id[:8]}) has no checkpoint here, so no next stage can start from it.")
