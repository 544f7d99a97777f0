"""What a run leaves at its end: figures on the dense grid, certificate, summary, picture, artifacts."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from core.config import RunConfig
from core.errors import sentence
from core.execution.lambda_uncertainty import lambda_uncertainty
from core.execution.mirror import extremes
from core.execution.report import RunReport
from core.execution.unknown_numbers import standard_errors
from core.names import error_metric
from core.reports.residual_tracker import draw_residuals
from core.reports.summary import summary
from core.reports.verdict import verdict
from core.runs import RunFolder
from core.singularity import certificate as certificates
from core.singularity.certificate import Certificate
from core.singularity.certify import certify
from core.singularity.false_minima import false_minimum
from core.tracking.tags import CHECKPOINT_STEP
from core.training.measure import Measures, measure
from core.training.progress import Progress
from core.training.stages_done import stages_done
from core.training.trainer import Outcome

Made = TypeVar("Made")


def conclude(
    folder: RunFolder,
    state: str,
    config: RunConfig,
    outcome: Outcome,
    facts: dict[str, str],
    say: Callable[[str], None] = print,
) -> RunReport:
    """Measure the solution, certify λ, write the artifacts and leave all for the store.

    Training is over: what can't be made here is said in the report, and is no reason for the run to fail.

    Args:
        folder: the run's.
        state: how the run ended.
        config: the run.
        outcome: what training left.
        facts: the run's provenance.
        say: receives a line for the log about each thing that can't be made.
    """
    run_id, step, wall_time = folder.run_id, outcome.position.total, outcome.position.wall_time_s
    progress = Progress(folder, outcome.config, quiet=state != "finished")
    parts = Parts(say)
    progress.enter("dense grid")
    measures = parts.make("The figures on the dense grid", lambda: measure(outcome.solution.cpu(), progress.share))
    columns = parts.make("The curves", folder.history_columns) or {}
    parts.make("The copy for MLflow", lambda: _put_figures(folder, measures, columns, step, wall_time))
    certificate, false, spreads = None, "", {}
    if certificates.certified(config.problem) and folder.has_checkpoint and not outcome.underway:
        progress.enter("certificate")
        spread = None
        if measures is not None:
            if state == "finished":
                false = parts.make("The search for false minima", lambda: _false_minimum(outcome, measures)) or ""
            if not false:
                spread = parts.make(
                    "The uncertainty of λ",
                    lambda: lambda_uncertainty(
                        outcome.config, outcome.solution, outcome.records, columns, measures.rms_residual
                    ),
                )
        progress.share(0.5)
        dense = None if measures is None else measures.max_residual
        certificate = parts.make("The certificate", lambda: _certify(folder, spread, dense))
    elif measures is not None and measures.unknowns and not outcome.underway:
        what = f"The uncertainty of {', '.join(measures.unknowns)}"
        spreads = outcome.spreads
        if spreads is None:
            spreads = parts.make(what, lambda: standard_errors(outcome.config, outcome.solution)) or {}
        now = int(time.time() * 1000)
        folder.outbox.put(metrics=[(error_metric(name), value, now, step) for name, value in spreads.items()])
    remark = outcome.failed or outcome.underway
    if measures is not None:
        judged = parts.make("The verdict", lambda: _remark(state, false, outcome, measures, certificate, columns))
        remark = remark if judged is None else judged
    progress.enter("artifacts")
    if measures is not None:
        provenance = dict(sorted(facts.items()))
        parts.make(
            "The summary",
            lambda: folder.summary.write_text(
                summary(
                    run_id,
                    state,
                    outcome.config,
                    measures,
                    outcome.records,
                    wall_time,
                    provenance,
                    certificate,
                    remark,
                    windows=outcome.windows,
                    spreads=spreads,
                ),
                encoding="utf-8",
            ),
        )
    done = lambda: stages_done(outcome.config, outcome.position, outcome.records)  # noqa: E731
    parts.make("The list of stages", lambda: folder.write_stages(done()))
    if columns:
        title = f"{config.name or config.problem.title}: residuals of all stages"
        parts.make("The picture of the residuals", lambda: draw_residuals(columns, title, folder.residuals_picture))
    parts.make("The list of files for MLflow", lambda: folder.outbox.put(artifacts=folder.artifacts()))
    progress.share(1.0)
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
        missing=tuple(parts.missing),
        spreads=spreads,
    )


def _remark(
    state: str,
    false: str,
    outcome: Outcome,
    measures: Measures,
    certificate: Certificate | None,
    columns: dict[str, np.ndarray],
) -> str:
    """What a reader must know before believing the run; empty where there is nothing."""
    remarks = [outcome.failed, outcome.underway]
    if state == "finished":
        remarks = [outcome.failed or false, verdict(measures, columns)]
    remarks += [certificate.contradiction if certificate else "", measures.exact_gap]
    return "; ".join(remark.removesuffix(".") for remark in remarks if remark)


class Parts:
    """Makes the parts of a report one by one; one that fails is said and left out."""

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self.missing: list[str] = []
        """What could not be made and why, each in one sentence."""

    def make(self, what: str, part: Callable[[], Made]) -> Made | None:
        """The part, or None where it can't be made."""
        try:
            return part()
        except (Exception, SystemExit) as error:  # whatever it is, also in a problem's file, the run is trained
            traceback.print_exception(error)
            self.missing.append(f"{what} could not be made: {sentence(error)}")
            self._say(self.missing[-1])
            return None


def _false_minimum(outcome: Outcome, measures: Measures) -> str:
    """In which way the λ that was found is none; empty where nothing says so."""
    trained = outcome.records[-1].rms_residual if outcome.records else float("nan")
    return false_minimum(outcome.solution, trained, measures.rms_residual)


def _put_figures(folder: RunFolder, measures: Measures | None, columns: dict, step: int, wall_time: float) -> None:
    figures = {"wall_time_s": wall_time}
    if measures is not None:
        figures |= {
            "dense_max_residual": measures.max_residual,
            "dense_rms_residual": measures.rms_residual,
            "relative_l2_error": measures.relative_l2_error,
            "max_error": measures.max_error,
            "lambda_error": measures.lambda_error,
        }
    now = int(time.time() * 1000)
    points = [(name, float(value), now, step) for name, value in figures.items() if value is not None]
    folder.outbox.put(metrics=[*points, *extremes(columns, now)], tags={CHECKPOINT_STEP: str(step)})


def _certify(folder: RunFolder, lambda_uncertainty: float | None, dense_max_residual: float | None) -> Certificate:
    """The certificate of the last checkpoint, in the run's folder, for the store and as its tags."""
    certificate = certify(folder, lambda_uncertainty=lambda_uncertainty, dense_max_residual=dense_max_residual)
    certificate.write(folder)
    folder.outbox.put(tags=certificates.tags(certificate))
    return certificate
