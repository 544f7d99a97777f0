"""What a run leaves at its end: figures on the dense grid, certificate, summary, picture, artifacts."""

from __future__ import annotations

import time

import numpy as np

from core.config import RunConfig
from core.execution.mirror import extremes
from core.execution.report import RunReport
from core.networks.solution import Solution
from core.reports.residual_tracker import draw_residuals
from core.reports.summary import summary
from core.reports.verdict import verdict
from core.runs import RunFolder
from core.singularity import certificate as certificates
from core.singularity.basin import steepness, uncertainty
from core.singularity.certificate import Certificate
from core.tracking import store
from core.tracking.tags import CHECKPOINT_STEP, PROVENANCE
from core.training.measure import Measures, measure
from core.training.objective import SHARE, Objective, dense_bytes, free_memory, nonlocal_bytes
from core.training.points import HELD_OUT, collocation
from core.training.progress import Progress
from core.training.trainer import Outcome


def conclude(folder: RunFolder, state: str, config: RunConfig, outcome: Outcome) -> RunReport:
    """Measure the solution, certify λ, write the artifacts and give them to the store."""
    run_id, step, wall_time = folder.run_id, outcome.position.total, outcome.position.wall_time_s
    progress = Progress(folder, config, quiet=state != "finished")
    progress.enter("dense grid")
    measures = measure(outcome.solution.cpu(), progress.share)
    columns = folder.history_columns()
    _log_figures(run_id, measures, columns, step, wall_time)
    certificate = None
    if certificates.certified(config.problem):
        progress.enter("certificate")
        uncertainty_of_lambda = _lambda_uncertainty(config, outcome.solution, measures.rms_residual)
        progress.share(0.5)
        certificate = _certify(folder, uncertainty_of_lambda, measures.max_residual)
    remark = _remark(state, config, outcome, measures, certificate, columns)
    progress.enter("artifacts")
    text = summary(run_id, state, config, measures, outcome.records, wall_time, _facts(run_id), certificate, remark)
    folder.summary.write_text(text, encoding="utf-8")
    if columns:
        title = f"{config.name or config.problem.title}: residuals of all stages"
        draw_residuals(columns, title, folder.residuals_picture)
    files = folder.artifacts()
    for k, (path, place) in enumerate(files):
        store.client().log_artifact(run_id, str(path), place or None)
        progress.share((k + 1) / len(files))
    return RunReport(
        run_id=run_id,
        state=state,
        problem=config.problem.kind,
        config_hash=config.hash,
        seed=config.seed,
        wall_time_s=wall_time,
        iterations=step,
        parameters=sum(p.numel() for network in outcome.solution.networks for p in network.parameters()),
        measures=measures,
        certificate=certificate,
        remark=remark,
    )


def _remark(
    state: str,
    config: RunConfig,
    outcome: Outcome,
    measures: Measures,
    certificate: Certificate | None,
    columns: dict[str, np.ndarray],
) -> str:
    """What a reader must know before believing the run; empty where there is nothing."""
    remarks = [outcome.failed]
    if state == "finished":
        lam = measures.lambda_
        remarks = [outcome.failed or (lam is not None and config.problem.mistaken(lam)) or ""]
        remarks.append(verdict(measures, columns))
    remarks += [certificate.contradiction if certificate else "", measures.exact_gap]
    return "; ".join(remark.removesuffix(".") for remark in remarks if remark)


def _log_figures(run_id: str, measures: Measures, columns: dict, step: int, wall_time: float) -> None:
    from mlflow.entities import Metric

    figures = {
        "dense_max_residual": measures.max_residual,
        "dense_rms_residual": measures.rms_residual,
        "relative_l2_error": measures.relative_l2_error,
        "max_error": measures.max_error,
        "lambda_error": measures.lambda_error,
        "wall_time_s": wall_time,
    }
    now, client = int(time.time() * 1000), store.client()
    client.log_batch(run_id, [Metric(key, value, now, step) for key, value in figures.items() if value is not None])
    client.log_batch(run_id, extremes(columns, now))
    client.set_tag(run_id, CHECKPOINT_STEP, str(step))


def _facts(run_id: str) -> dict[str, str]:
    """The run's provenance, as its tags have it."""
    tags = sorted(store.get_run(run_id).tags.items())
    return {tag.removeprefix(PROVENANCE): value for tag, value in tags if tag.startswith(PROVENANCE)}


def _certify(folder: RunFolder, lambda_uncertainty: float | None, dense_max_residual: float) -> Certificate | None:
    """The certificate of the last checkpoint, in the run's folder, the store and its tags; None without one."""
    if not folder.has_checkpoint:
        return None
    certificate = certificates.certify(
        folder, lambda_uncertainty=lambda_uncertainty, dense_max_residual=dense_max_residual
    )
    client = store.client()
    client.log_artifact(folder.run_id, str(certificate.write(folder)))
    for name, value in certificates.tags(certificate).items():
        client.set_tag(folder.run_id, name, value)
    return certificate


def _lambda_uncertainty(config: RunConfig, solution: Solution, rms_residual: float) -> float | None:
    """Half of the width of λ's basin; None where there is no network, or the last one is too large to tell."""
    if not len(solution.networks):
        return None
    index = min(len(config.stages), len(solution.networks)) - 1
    stage = config.stages[-1]
    solution.lam.requires_grad_(True)
    points = collocation(config, stage, index, HELD_OUT, 2 * stage.collocation.points)
    if nonlocal_bytes(config.problem, points) > SHARE * free_memory(solution.lam.device):
        return None
    objective = Objective(solution, points)
    rows, columns = objective.shape()
    if rows < columns or dense_bytes(rows, columns, "columns") > SHARE * objective.free_memory():
        return None
    return uncertainty(rms_residual, steepness(objective))
