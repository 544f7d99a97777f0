"""One run after another: what may be waited for. What becomes of the wait is decided in `core.jobs.waiting`."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from core.errors import LabError, RunNotFoundError
from core.jobs import table
from core.jobs.presence import refuse_if_gone
from core.jobs.waiting import named

if TYPE_CHECKING:
    from core.config import RunConfig


def check_after(config: RunConfig, other: str, *, after_any: bool = False, from_after: bool = False) -> RunConfig:
    """The config of a run that is to start after `other`, and from its best checkpoint where `from_after` is set.

    Raises LabError where it would wait for ever, or there is nothing to start from.
    """
    try:
        first = table.get(other)
    except RunNotFoundError:
        raise LabError(f"Run {other[:8]} was never queued in this lab, so no run can start after it.") from None
    name = f"Run {named(first.run_id, first.name)}"
    refuse_if_gone(other)
    if first.ended_for_good and first.state != "finished" and not after_any:
        raise LabError(
            f"{name} is {first.state}: a run after it would wait for ever. Resume that one first, or start this one "
            "however that one ends."
        )
    if from_after:
        config = config.model_copy(update={"parent": other, "parent_checkpoint": "best"})
    if config.parent == other:
        if first.problem != config.problem.kind:
            raise LabError(f"{name} solves {first.problem}, this one {config.problem.kind}: it can't start from there.")
        if first.ended_for_good and not first.has_checkpoint:
            raise LabError(f"{name} is {first.state} and has no checkpoint, so nothing can start from it.")
    return config


def check_no_circle(connection: sqlite3.Connection, run_id: str, other: str) -> None:
    """Raise LabError where `run_id` would wait for itself if it started after `other`."""
    if run_id == other:
        raise LabError("A run can't start after itself.")
    chain, names = [run_id, other], {}
    while True:
        row = connection.execute("SELECT name, after_run FROM jobs WHERE run_id = ?", (chain[-1],)).fetchone()
        names[chain[-1]] = row["name"] if row is not None else None
        if chain[-1] in chain[:-1]:
            break
        if row is None or row["after_run"] is None:
            return
        chain.append(row["after_run"])
    if chain[-1] == run_id:
        raise LabError(f"That would be a circle: {' starts after '.join(named(each, names[each]) for each in chain)}.")
