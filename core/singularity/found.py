"""Every run of the store that looks for a self-similar profile, in short."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core import jobs
from core.problems import CATALOGUE
from core.runs import RunFolder, run_folder
from core.singularity.certificate import LAMBDA_TAG, RESIDUAL_TAG, TAG, UNCERTAINTY_TAG, certified
from core.singularity.digits import iterate_text, short_lambda_text
from core.singularity.laws import PARAMETERS
from core.tracking import store
from core.tracking.tags import REASON
from core.tracking.written_numbers import number_of

LAMBDA = "lambda"
"""Metric of λ, and of other problems' unknown; other programs may mean anything by it."""
CERTIFIED = {problem.model_fields["kind"].default for problem in CATALOGUE if certified(problem)}


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
    between: bool = False
    """It solves what stands between two equations, so that no λ is to be held against its own."""

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
    return number_of(record.params.get(f"problem.{name}"))  # None for another problem, or params that others wrote


def _found(record: store.RunRecord, state: str) -> Found:
    tags, metrics = record.tags, record.metrics
    lam = number_of(tags[LAMBDA_TAG]) if LAMBDA_TAG in tags else metrics.get(LAMBDA)
    residual = number_of(tags[RESIDUAL_TAG]) if RESIDUAL_TAG in tags else metrics.get("max_residual")
    return Found(
        run_id=record.run_id,
        name=record.name,
        kind=record.problem,
        state=state,
        parameter=_parameter(record),
        lambda_=lam if lam is not None and math.isfinite(lam) else None,
        uncertainty=number_of(tags.get(UNCERTAINTY_TAG)),
        max_residual=residual if residual is not None and math.isfinite(residual) else None,
        holds=tags[TAG] == "holds" if TAG in tags else None,
        reason=tags.get(REASON, ""),
        between=bool(record.params.get("problem.epsilon")),
    )


def lambda_of(record: store.RunRecord, value: float) -> str:
    """A value of a run's metric `lambda` with the digits that are supported.

    They are its certificate's where it is about this λ: within the uncertainty, since λ of the last iteration is not to
    the last bit that of the checkpoint. What else is called `lambda` has ten digits.
    """
    claimed = number_of(record.tags.get(LAMBDA_TAG))
    uncertainty = number_of(record.tags.get(UNCERTAINTY_TAG))
    if claimed is not None and uncertainty is not None and abs(value - claimed) <= uncertainty:
        return short_lambda_text(claimed, uncertainty)
    if claimed is not None or record.problem in CERTIFIED:
        return short_lambda_text(value, None)
    return iterate_text(value)
