"""What people do with many runs at once: each run by itself, so that what one refuses stops no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from core.errors import LabError, StoreError
from core.jobs import actions, bin, queueing, resumption, table
from core.jobs.job import Job
from core.jobs.sync import telling_together
from core.people import RUNNER, may
from core.runs.states import ACTIVE


@dataclass(frozen=True)
class Action:
    """Something that is done with runs."""

    do: Callable[..., None]
    done: str
    """In words, of those that it was done to: "7 stopped"."""
    states: tuple[str, ...]
    """In which a run can have it done; a binned one can be restored alone."""


ACTIONS = {
    "stop": Action(actions.stop, "stopped", ("queued", "running", "pausing", "paused")),
    "pause": Action(actions.pause, "paused", ("running",)),
    "resume": Action(resumption.resume, "queued again", ("paused", "stopped", "crashed", "failed")),
    "retry": Action(resumption.retry, "queued again from the beginning", ("stopped", "crashed", "failed")),
    "hold": Action(queueing.hold, "held", ("queued",)),
    "release": Action(queueing.release, "released", ("queued",)),
    "remove": Action(queueing.remove, "taken out of the queue", ("queued",)),
    "delete": Action(bin.delete, "put into the bin", ("queued", "paused", "finished", "stopped", "failed", "crashed")),
    "restore": Action(bin.restore, "restored", ()),
}
"""By name."""
MOST_SAID = 3
"""Refusals that the summary quotes."""


@dataclass(frozen=True)
class Done:
    """What became of one run."""

    run_id: str
    ok: bool
    message: str
    """Why not; empty where it was done."""
    error: LabError | None = None
    """The refusal, with the ways out that it may have."""


def many(action: str, run_ids: Iterable[str], **options: Any) -> list[Done]:
    """Do something with each of many runs; returns what became of each, in the order in which it was done.

    Args:
        action: one of `ACTIONS`.
        run_ids: the runs. For delete the newest go first, since a run is kept while others start from it.
        options: of the action, for example `stop=True` of delete.

    Raises LabError for an action that there is not, StoreError when the job table can't be used at all.
    """
    if action not in ACTIONS:
        raise LabError(f"There is no action {action!r}; it is {', '.join(ACTIONS)}.")
    run_ids = list(dict.fromkeys(run_ids))
    actions.refresh()
    if action == "delete":
        submitted = {job.run_id: job.submitted for job in table.these(run_ids)}
        run_ids.sort(key=lambda run_id: -submitted.get(run_id, 0.0))
        options["needed_by"] = bin.needing(run_ids)
    with telling_together():
        done = each(lambda run_id: ACTIONS[action].do(run_id, **options), run_ids)
    actions.refresh()  # what waits now may begin, and who is to stop is told so
    return done


def each(do: Callable[[str], None], run_ids: Iterable[str]) -> list[Done]:
    """Do anything else with each run by itself, as `many` does.

    A store or job table that can't be used is no run's fault: the runs after that are not tried, nor waited for.
    """
    done, broken = [], None
    for run_id in run_ids:
        error = broken or _refusal(do, run_id)
        broken = error if isinstance(error, StoreError) else None
        done.append(Done(run_id, error is None, str(error or ""), error))
    return done


def _refusal(do: Callable[[str], None], run_id: str) -> LabError | None:
    try:
        do(run_id)
    except LabError as error:
        return error
    return None


def summary(action: str, done: Collection[Done]) -> str:
    """What became of all of them, in one text: "7 stopped; 2 could not: …"."""
    return in_words(ACTIONS[action].done, done)


def in_words(what: str, done: Collection[Done]) -> str:
    """The same for what `each` did: `what` became of them, for example "tagged"."""
    refused = [each for each in done if not each.ok]
    words = [f"{len(done) - len(refused)} {what}"] if len(done) > len(refused) else []
    if refused:
        reasons = list(dict.fromkeys(each.message.rstrip(".") for each in refused))
        said = reasons[:MOST_SAID]
        if len(reasons) > MOST_SAID:
            said.append(f"and {len(reasons) - MOST_SAID} more likewise")
        words.append(f"{len(refused)} could not: {'; '.join(said)}")
    return f"{'; '.join(words)}." if words else "Nothing was chosen."


def possible(jobs: Iterable[Job]) -> dict[str, int]:
    """For how many of these jobs each action can be done now; delete with those at work, which it can stop first."""
    counts = dict.fromkeys(ACTIONS, 0)
    for job in jobs:
        for name in possible_for(job):
            counts[name] += 1
    return counts


def possible_for(job: Job) -> list[str]:
    """What whoever asks can do with one job now."""
    if not may(RUNNER):
        return []
    if job.binned:
        return ["restore"]
    deletable = ["delete"] if job.active and job.bin_step is None else []
    no_use = {"hold"} if job.held else {"release"} if not job.due or job.due <= time.time() else set()
    return [name for name, action in ACTIONS.items() if job.state in action.states and name not in no_use] + deletable


def at_work(jobs: Iterable[Job]) -> int:
    """How many of these are at work, so that they must be stopped before they can be deleted."""
    return sum(job.state in ACTIVE for job in jobs)
