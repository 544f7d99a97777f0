"""Whether a run is there to go on with: neither in the bin nor deleted in MLflow's own pages."""

from __future__ import annotations

from core.errors import LabError, RunNotFoundError
from core.jobs import table
from core.jobs.job import EMPTYING, RESTORING, Job
from core.jobs.stored import deleted_runs

ANSWER_S = 5.0
"""Seconds that an action waits for the store to say which runs were deleted; without an answer it goes on."""


def refuse_if_gone(run_id: str, what: str = "Run") -> None:
    """Raise LabError where a run is in the bin or deleted in MLflow, with the way back.

    Args:
        run_id: the run, whether or not it has a job.
        what: what it is in the sentence, for example "The parent run".
    """
    job = _job(run_id)
    back = f"Restore it first: `python -m core restore {run_id[:8]}`."
    if job is not None and job.bin_step == EMPTYING:
        raise LabError(f"{what} {run_id[:8]} is being deleted for good.")
    if job is not None and job.binned:
        raise LabError(f"{what} {run_id[:8]} is in the bin. {back}")
    if deleted_in_store(run_id, job, ANSWER_S):
        raise LabError(f"{what} {run_id[:8]} was deleted in MLflow. {back}")


def deleted_in_store(run_id: str, job: Job | None, wait_s: float = 1.0) -> bool:
    """Whether a run that is not in the bin is marked deleted in MLflow, and nobody has asked for it back yet."""
    here = job is not None and (job.binned or job.bin_step == RESTORING)
    return not here and run_id in deleted_runs(wait_s)


def _job(run_id: str) -> Job | None:
    try:
        return table.get(run_id)
    except RunNotFoundError:
        return None
