"""Every run of the store that looks for a self-similar profile, in short."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core import jobs
from core.runs import RunFolder, run_folder
from core.singularity.certificate import LAMBDA_TAG, RESIDUAL_TAG, TAG, UNCERTAINTY_TAG
from core.singularity.laws import PARAMETERS
from core.tracking import store
from core.tracking.tags import REASON


@dataclass(frozen=True)
class Found:
    """One run and what it says of λ."""

    run_id: str
    name: str
    kind: str
    """Of its problem."""
    state: str
    parameter: float
    """The order n, or a."""
    lambda_: float | None
    """Of its certificate; while it has none, of its last iteration."""
    uncertainty: float | None
    """Half of the width of the interval that holds λ; None where that was not assessed."""
    max_residual: float | None
    holds: bool | None
    """What its certificate says; None without one."""
    reason: str = ""
    """Why it ended, where that is worth a sentence."""

    @property
    def folder(self) -> RunFolder:
        """The run's folder on this machine, whether or not it is there."""
        return run_folder(self.run_id)


def found_runs() -> list[Found]:
    """Runs of the problems in `PARAMETERS`, newest first; other programs' runs take no part.

    Of runs on this machine the job table knows the state first; the store is told.
    """
    states = {job.run_id: job.state for job in jobs.queue()}
    return [
        _found(record, states.get(record.run_id, record.state))
        for record in store.runs()
        if _parameter(record) is not None
    ]


def _parameter(record: store.RunRecord) -> float | None:
    name = PARAMETERS.get(record.problem)
    try:
        return float(record.params[f"problem.{name}"])
    except (KeyError, ValueError):
        return None  # not ours to read: a run of another problem, or one whose params somebody else wrote


def _found(record: store.RunRecord, state: str) -> Found:
    tags, metrics = record.tags, record.metrics
    lam = float(tags[LAMBDA_TAG]) if LAMBDA_TAG in tags else metrics.get("lambda")
    residual = float(tags[RESIDUAL_TAG]) if RESIDUAL_TAG in tags else metrics.get("max_residual")
    return Found(
        run_id=record.run_id,
        name=record.name,
        kind=record.problem,
        state=state,
        parameter=_parameter(record),
        lambda_=lam if lam is not None and math.isfinite(lam) else None,
        uncertainty=float(tags[UNCERTAINTY_TAG]) if UNCERTAINTY_TAG in tags else None,
        max_residual=residual if residual is not None and math.isfinite(residual) else None,
        holds=tags[TAG] == "holds" if TAG in tags else None,
        reason=tags.get(REASON, ""),
    )
