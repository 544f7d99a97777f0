"""The bin: runs that were deleted and can be restored, until it is emptied (`core.jobs.retention`).

A binned run's folder stays where it is; lists leave the run out, and MLflow marks it deleted as soon as it can be told.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from core.errors import LabError
from core.jobs import actions, table
from core.jobs.job import AT_END, EMPTYING, RESTORING, Job
from core.jobs.presence import ANSWER_S, deleted_in_store
from core.jobs.sync import tell_store
from core.jobs.waiting import starts_from
from core.people import RUNNER, needs
from core.runs.states import ACTIVE

WAITED = "It was put into the bin while it waited; resume queues it again."


@needs(RUNNER)
def delete(run_id: str, *, stop: bool = False, needed_by: Mapping[str, Sequence[Job]] | None = None) -> None:
    """Put a run into the bin.

    Args:
        run_id: the run.
        stop: one that is at work is stopped, and goes there once it has ended; otherwise it is refused.
        needed_by: of `needing`, where it was asked for many runs at once.

    Raises LabError for a run that is at work, that others start from, or that is there already.
    """
    job = actions.status(run_id)
    for _ in range(3):  # it may begin or end between the look and the deed
        if job.binned or job.bin_step == AT_END:
            raise LabError(f"Run {run_id[:8]} is in the bin already.")
        refuse_while_needed(run_id, needed_by)
        if job.active and not stop:
            raise LabError(
                f"Run {run_id[:8]} is {job.state}: stop it first, or have it stopped and deleted in one, "
                f"`python -m core delete --stop {run_id[:8]}`."
            )
        if _stop_for_bin(job) if job.active else _put(job):
            return
        job = table.get(run_id)
    raise LabError(f"Run {run_id[:8]} is {job.state} by now. Look at it, then delete it again.")


def _put(job: Job) -> bool:
    stopped = {"state": "stopped", "reason": WAITED, "ended": time.time()} if job.state == "queued" else {}
    done = table.update(
        job.run_id,
        only_if={"state": job.state, "attempt": job.attempt, "binned": None},
        event=("binned", ""),
        binned=time.time(),
        bin_step=None,
        synced=0,
        **stopped,
    )
    if done:
        tell_store(job.run_id)
    return done


def _stop_for_bin(job: Job) -> bool:
    still = {"attempt": job.attempt, "state": ACTIVE, "bin_step": None}
    if not table.update(
        job.run_id, only_if=still, event=("deleted", "goes to the bin once it has ended"), bin_step=AT_END
    ):
        return False
    if job.wanted != "stop":
        try:
            actions.stop(job.run_id)
        except LabError:
            if table.get(job.run_id).active:  # else it has ended in between, and is in the bin
                raise
    return True


@needs(RUNNER)
def restore(run_id: str) -> None:
    """Bring a run back, here and in MLflow, from the bin or from having been deleted in MLflow's own pages.

    Raises LabError for a run that is in neither, or that is being deleted for good.
    """
    job = actions.status(run_id)
    if job.bin_step == EMPTYING:
        raise LabError(f"Run {run_id[:8]} is being deleted for good and can't be restored.")
    still = {"binned": job.binned, "bin_step": job.bin_step}
    if job.bin_step == AT_END:
        done = table.update(run_id, only_if=still, event=("restored", "stays once it has ended"), bin_step=None)
    elif job.binned or deleted_in_store(run_id, job, ANSWER_S):
        done = table.update(run_id, only_if=still, event=("restored", ""), binned=None, bin_step=RESTORING, synced=0)
    else:
        raise LabError(f"Run {run_id[:8]} is not in the bin: there is nothing to restore.")
    if not done:
        raise LabError(f"Run {run_id[:8]} was changed by somebody else meanwhile. Look at it, then try again.")
    tell_store(run_id)


def content(limit: int = 10_000) -> list[Job]:
    """The runs in the bin, the one that was put there last first."""
    return table.find(limit=limit, binned=True)


def refuse_while_needed(run_id: str, needed_by: Mapping[str, Sequence[Job]] | None = None) -> None:
    """Raise LabError where others start from a run or wait for it.

    Args:
        run_id: the run.
        needed_by: as `needing` said before; those that went into the bin since do not count.
    """
    others = (needing([run_id]) if needed_by is None else needed_by).get(run_id, ())
    others = [job for job in table.these(job.run_id for job in others) if not (job.binned or job.bin_step == AT_END)]
    if others:
        them = "it" if len(others) == 1 else "them"
        raise LabError(f"Run {run_id[:8]} is kept, since {_names(others)}. Delete {them} first.")


def needing(run_ids: Iterable[str]) -> dict[str, list[Job]]:
    """For each run the jobs outside of the bin that wait, run or are paused and start from it, or wait for its end."""
    found: dict[str, list[Job]] = {run_id: [] for run_id in run_ids}
    for job in table.find(("queued", "paused", *ACTIVE), -1):
        for needed in {job.after_run, starts_from(job.run_id)} & found.keys():
            found[needed].append(job)
    return found


def _names(others: list[Job]) -> str:
    first, more = others[0], len(others) - 1
    who = f"{first.name or 'a run'} ({first.run_id[:8]}, {first.state})"
    return f"{who} starts from it" if not more else f"{who} and {more} more start from it"
