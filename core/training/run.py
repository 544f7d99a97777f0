"""A run from its config to its artifacts: the trainer, watched over by the job's control and kept by the store."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from core.config import RunConfig
from core.errors import LabError, TrainingError
from core.home import home
from core.jobs.control import RunControl
from core.networks.solution import Solution
from core.problem_source import KEPT
from core.reports.summary import summary
from core.singularity import certificate as certificates
from core.singularity.basin import steepness, uncertainty
from core.singularity.certificate import Certificate
from core.singularity.funnel import FILE as FUNNEL
from core.tracking import in_force, store
from core.tracking.history import HistoryWriter, read_history
from core.tracking.provenance import DIFF_FILE, FACTS_FILE, LOCK_FILE, code, environment, provenance
from core.tracking.replay import THREADS_TAG
from core.tracking.residual_tracker import draw_residuals
from core.training import checkpoint as checkpoints
from core.training.measure import Measures, measure
from core.training.objective import SHARE, Objective, dense_bytes
from core.training.trainer import HELD_OUT, Outcome, Trainer, collocation

if TYPE_CHECKING:
    from mlflow.entities import Metric

STATES = {None: "finished", "stop": "stopped", "pause": "paused"}


@dataclass(frozen=True)
class RunReport:
    """What `--json` writes."""

    run_id: str
    state: str
    problem: str
    config_hash: str
    seed: int
    wall_time_s: float
    iterations: int
    parameters: int
    measures: Measures
    certificate: Certificate | None = None
    """For runs that look for λ."""

    def as_dict(self) -> dict[str, object]:
        """Plain data; figures that the problem does not have are left out."""
        measures = {
            "max_residual": self.measures.max_residual,
            "rms_residual": self.measures.rms_residual,
            "relative_l2_error": self.measures.relative_l2_error,
            "max_error": self.measures.max_error,
            "lambda": self.measures.lambda_,
            "lambda_reference": self.measures.lambda_reference,
            "lambda_error": self.measures.lambda_error,
        }
        own = {key: value for key, value in vars(self).items() if key not in ("measures", "certificate")}
        found = own | {key: value for key, value in measures.items() if value is not None}
        return found | ({"certificate": self.certificate.as_dict()} if self.certificate else {})


class MetricsMirror:
    """Copies a thinned history to MLflow without making the trainer wait: the last row of each flush."""

    INTERVAL = 1.0
    """Least seconds between two batches."""

    def __init__(self, run_id: str):
        self._client = store.client()
        self._run_id = run_id
        self._last = 0.0
        self._pending = None

    def __call__(self, columns: dict[str, list[float]]) -> None:
        """Take a flushed batch of history."""
        if time.monotonic() - self._last < self.INTERVAL:
            return
        self._last = time.monotonic()
        from mlflow.entities import Metric

        now, step = int(time.time() * 1000), int(columns["iteration"][-1])
        skipped = ("iteration", "phase")
        metrics = [
            Metric(name, float(values[-1]), now, step)
            for name, values in columns.items()
            if name not in skipped and not math.isnan(values[-1])
        ]
        self._pending = self._client.log_batch(self._run_id, metrics=metrics, synchronous=False)

    def close(self) -> None:
        """Wait for what is on its way."""
        if self._pending is not None:
            self._pending.wait()


def execute(run_id: str, attempt: int, *, fresh: bool = False) -> RunReport:
    """Train a run that is in the store and the job table, in this process, and leave everything in its place.

    Continues from `checkpoints/last.pt` unless `fresh`. Raises LabError for what the user can put right; the state
    is set in either case.
    """
    with RunControl(run_id, attempt) as control:
        reading = store.stored_config(run_id)
        config = reading.config
        for note in reading.notes:
            _say(f"config: {note}")
        if caution := config.problem.caution():
            _say(caution)
        folder = home().run_dir(run_id)
        store.set_state(run_id, "running")
        _set_threads(run_id)
        _record_provenance(run_id, config)
        mirror = MetricsMirror(run_id)
        history_path, last = folder / "history.arrows", folder / "checkpoints" / "last.pt"
        if fresh:
            for path in (history_path, last, *(folder / name for name in ("progress.json", certificates.FILE, FUNNEL))):
                path.unlink(missing_ok=True)
        history = HistoryWriter(history_path, config.problem.row_names, mirror)
        try:
            parent = _parent_solution(config)
            trainer = Trainer(config, folder, wanted=control.wanted, history=history, parent=parent, say=_say)
            if last.exists():
                trainer.resume(checkpoints.load(last))
            else:
                history.truncate(0)
            in_force.record(run_id, trainer.effective_config())
            outcome = trainer.train()
        except TrainingError as error:
            if error.__cause__ is None or isinstance(error.__cause__, LabError):  # else a problem's own code printed it
                traceback.print_exception(error)
            raise
        finally:
            history.close()
            mirror.close()
        in_force.record(run_id, trainer.effective_config())  # now with what was measured on the way
        state = STATES[outcome.wanted]
        report = _conclude(run_id, state, config, outcome, folder)
        reason = outcome.failed
        if not reason and state == "finished" and report.measures.lambda_ is not None:
            reason = config.problem.mistaken(report.measures.lambda_) or ""
        if reason:
            _say(reason)
        control.finish(state, reason)
        _say(f"{state}: max residual {report.measures.max_residual:.2e} on the dense grid")
    return report


def _parent_solution(config: RunConfig):
    """The sum of stages that the run starts from, or None. Raises LabError when the parent can't serve."""
    if config.parent is None:
        return None
    stored = checkpoints.load(home().run_dir(config.parent) / "checkpoints" / "last.pt")
    if stored.config.problem.kind != config.problem.kind:
        raise LabError(
            f"The parent run solves {stored.config.problem.kind}, this one {config.problem.kind}: "
            "a next stage needs the same problem."
        )
    if not config.problem.continues(stored.config.problem):
        _say("the parent's profile is no start for this one: the search starts from the problem's own guess")
        return None
    solution = stored.solution
    solution.problem = config.problem
    if solution.lam is not None and stored.config.problem != config.problem:
        # another order or another a has another λ; a search would drift back to the parent's from there
        start = config.lambda_.start if config.lambda_.start is not None else config.problem.lambda_start()
        solution.lam.data.fill_(start)
    return solution


def _set_threads(run_id: str) -> None:
    """As many threads as the run that this one repeats, where the machine has them: sums depend on how they are cut."""
    wanted = store.get_run(run_id).tags.get(THREADS_TAG, "")
    if wanted.isdigit() and 1 <= int(wanted) <= (os.cpu_count() or 1):
        torch.set_num_threads(int(wanted))


def _record_provenance(run_id: str, config: RunConfig) -> None:
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    client = store.client()
    facts = provenance(config.seed, device)
    for key, value in facts.items():
        client.set_tag(run_id, f"provenance.{key}", value)
    client.set_tag(run_id, "mlflow.source.git.commit", facts["git.commit"])
    kept = home().run_dir(run_id) / KEPT
    if kept.exists():
        client.set_tag(run_id, "provenance.problem.sha256", hashlib.sha256(kept.read_bytes()).hexdigest())
        client.log_artifact(run_id, str(kept))
    files = {FACTS_FILE: json.dumps(facts, indent=2), DIFF_FILE: code().diff, LOCK_FILE: environment()}
    for name, text in files.items():
        if text:
            path = home().run_dir(run_id) / name
            path.write_text(text, encoding="utf-8")
            client.log_artifact(run_id, str(path))


def _conclude(run_id: str, state: str, config: RunConfig, outcome: Outcome, folder: Path) -> RunReport:
    """Measure the solution, write the artifacts, log the final figures."""
    from mlflow.entities import Metric

    measures = measure(outcome.solution.cpu())
    wall_time = outcome.position.wall_time_s
    client = store.client()
    final = {
        "dense_max_residual": measures.max_residual,
        "dense_rms_residual": measures.rms_residual,
        "relative_l2_error": measures.relative_l2_error,
        "max_error": measures.max_error,
        "lambda_error": measures.lambda_error,
        "wall_time_s": wall_time,
    }
    now = int(time.time() * 1000)
    step = outcome.position.total
    client.log_batch(run_id, [Metric(key, value, now, step) for key, value in final.items() if value is not None])
    columns = read_history(folder / "history.arrows").columns
    client.log_batch(run_id, _extremes(columns, now))
    client.set_tag(run_id, "lab.checkpoint.step", str(step))
    facts = {
        tag.removeprefix("provenance."): value
        for tag, value in sorted(store.get_run(run_id).tags.items())
        if tag.startswith("provenance.")
    }
    certificate = _certify(run_id, config, folder, _lambda_uncertainty(config, outcome.solution, measures.rms_residual))
    text = summary(run_id, state, config, measures, outcome.records, wall_time, facts, certificate)
    (folder / "summary.md").write_text(text, encoding="utf-8")
    if columns:
        title = f"{config.name or config.problem.title}: residuals of all stages"
        draw_residuals(columns, title, folder / "residuals.png")
        client.log_artifact(run_id, str(folder / "residuals.png"))
    client.log_artifact(run_id, str(folder / "summary.md"))
    client.log_artifact(run_id, str(folder / "history.arrows"))
    for path in sorted((folder / "checkpoints").glob("*.pt")):
        client.log_artifact(run_id, str(path), "checkpoints")
    return RunReport(
        run_id=run_id,
        state=state,
        problem=config.problem.kind,
        config_hash=config.hash,
        seed=config.seed,
        wall_time_s=wall_time,
        iterations=outcome.position.total,
        parameters=sum(p.numel() for network in outcome.solution.networks for p in network.parameters()),
        measures=measures,
        certificate=certificate,
    )


def _lambda_uncertainty(config: RunConfig, solution: Solution, rms_residual: float) -> float | None:
    """Half of the width of λ's basin; None where the run looks for no λ, or its last network is too large to tell."""
    if not certificates.certified(config.problem) or not len(solution.networks):
        return None
    index = min(len(config.stages), len(solution.networks)) - 1
    stage = config.stages[-1]
    solution.lam.requires_grad_(True)
    objective = Objective(solution, collocation(config, stage, index, HELD_OUT, 2 * stage.collocation.points))
    rows, columns = objective.shape()
    if rows < columns or dense_bytes(rows, columns, "columns") > SHARE * objective.free_memory():
        return None
    return uncertainty(rms_residual, steepness(objective))


def _certify(
    run_id: str, config: RunConfig, folder: Path, lambda_uncertainty: float | None = None
) -> Certificate | None:
    """The certificate of the last checkpoint, in the run's folder, the store and its tags; None without a λ."""
    path = folder / "checkpoints" / "last.pt"
    if not certificates.certified(config.problem) or not path.exists():
        return None
    certificate = certificates.certify(run_id, path, lambda_uncertainty=lambda_uncertainty)
    client = store.client()
    client.log_artifact(run_id, str(certificate.write(folder)))
    for name, value in certificates.tags(certificate).items():
        client.set_tag(run_id, name, value)
    return certificate


def _extremes(columns: dict[str, np.ndarray], now: int) -> list[Metric]:
    """The lowest, highest and last finite value of every curve, at their iterations.

    The mirror in MLflow is thinned; with these three points MLflow's history has the extremes that the whole one has,
    and the value at the checkpoint.
    """
    from mlflow.entities import Metric

    points = []
    for name, values in columns.items():
        finite = np.flatnonzero(np.isfinite(values))
        if name in ("iteration", "stage", "phase", "wall_time_s") or not len(finite):
            continue
        rows = {finite[values[finite].argmin()], finite[values[finite].argmax()], finite[-1]}
        for row in rows:
            moment = now - int(1000 * (columns["wall_time_s"][-1] - columns["wall_time_s"][row]))
            points.append(Metric(name, float(values[row]), moment, int(columns["iteration"][row])))
    return points


def _say(line: str) -> None:
    print(time.strftime("%H:%M:%S"), line, flush=True)
