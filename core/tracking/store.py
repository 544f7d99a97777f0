"""The MLflow store of a lab: runs are created, described, moved from state to state and found here.

mlflow is imported inside the functions: it costs about two seconds, which no page should pay before its first paint.
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import RunConfig, read_data
from core.errors import ConfigError, RunNotFoundError, StoreError
from core.home import RUN_ID, home
from core.migrations import Reading, read_config

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "singularity-lab"

STATUS = {
    "queued": "SCHEDULED",
    "paused": "SCHEDULED",
    "running": "RUNNING",
    "pausing": "RUNNING",
    "stopping": "RUNNING",
    "finished": "FINISHED",
    "stopped": "KILLED",
    "failed": "FAILED",
    "crashed": "FAILED",
}
"""The lab's state of a run → MLflow's."""

ENDED = ("finished", "stopped", "failed", "crashed")


@dataclass(frozen=True)
class RunRecord:
    """One run as the store has it; runs of other programs have no config and their state is MLflow's status."""

    run_id: str
    name: str
    experiment: str
    state: str
    problem: str
    config_hash: str
    started: float
    """Unix time in seconds; 0 when it has not started."""
    ended: float | None
    parent: str | None
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def client() -> MlflowClient:
    """The MLflow client of this lab. Raises StoreError when the store can't be opened."""
    return _client(home().tracking_uri)


@cache
def _client(uri: str) -> MlflowClient:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    lab = home().ensure()
    with _one_at_a_time(lab.root / "mlflow.lock"):  # two processes migrating one fresh database corrupt its version
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        try:
            opened = MlflowClient(uri)
            if opened.get_experiment_by_name(EXPERIMENT) is None:
                location = lab.artifacts.as_uri() if uri.startswith("sqlite:") else None
                opened.create_experiment(EXPERIMENT, artifact_location=location)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            raise StoreError(f"The MLflow store {_public(uri)} can't be opened: {_first_line(error)}") from error
    return opened


@contextmanager
def _one_at_a_time(path):
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _store_errors(run_id: str | None = None):
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        if getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST" and run_id:
            raise RunNotFoundError(run_id) from error
        raise StoreError(f"The MLflow store did not answer: {_first_line(error)}") from error


def create_run(config: RunConfig, *, parent: str | None = None, tags: dict[str, str] | None = None) -> str:
    """A new MLflow run in state queued, with the whole config as artifact `config.json`; returns its id.

    `tags` are set beside the lab's own.

    Raises RunNotFoundError when the parent is not in the store, StoreError when it can't be written.
    """
    lab = client()
    parent = parent or config.parent
    if parent:
        get_run(parent)
    tags = (tags or {}) | {
        "lab.state": "queued",
        "lab.problem": config.problem.kind,
        "lab.config_hash": config.hash,
        "mlflow.source.name": "singularity-lab",
        "mlflow.source.type": "LOCAL",
        **({"mlflow.parentRunId": parent} if parent else {}),
    }
    with _store_errors():
        from mlflow.entities import Param

        experiment = lab.get_experiment_by_name(EXPERIMENT)
        run = lab.create_run(experiment.experiment_id, tags=tags, run_name=config.name or None)
        run_id = run.info.run_id
        lab.update_run(run_id, status="SCHEDULED")
        params = [Param(key, value) for key, value in _params(config).items()]
        for start in range(0, len(params), 100):
            lab.log_batch(run_id, params=params[start : start + 100])
        lab.log_text(run_id, config.canonical_json(), "config.json")
    return run_id


def _params(config: RunConfig) -> dict[str, str]:
    """The config's leaves as text, for MLflow's own tables; replay never reads them."""
    leaves = {path: str(value) for path, value in config.flat().items() if value is not None and path != "name"}
    return {"config_hash": config.hash, **leaves}


def set_state(run_id: str, state: str, reason: str = "") -> None:
    """Move the run to `state` in its tag `lab.state` and in MLflow's own status, with the reason in one sentence."""
    lab = client()
    with _store_errors(run_id):
        lab.set_tag(run_id, "lab.state", state)
        lab.set_tag(run_id, "lab.reason", reason)
        if state in ENDED:
            lab.set_terminated(run_id, status=STATUS[state], end_time=int(time.time() * 1000))
        else:
            lab.update_run(run_id, status=STATUS[state])


def get_run(run_id: str) -> RunRecord:
    """One run. Raises RunNotFoundError."""
    lab = client()
    if not RUN_ID.fullmatch(run_id):
        raise RunNotFoundError(run_id)
    with _store_errors(run_id):
        run = lab.get_run(run_id)
        return _record(run, lab.get_experiment(run.info.experiment_id).name)


def runs(limit: int = 1000) -> list[RunRecord]:
    """The newest `limit` runs of every experiment in the store, newest first, runs of other programs included."""
    lab = client()
    with _store_errors():
        names = {item.experiment_id: item.name for item in lab.search_experiments()}
        page = lab.search_runs(list(names), max_results=limit, order_by=["attributes.start_time DESC"])
        return [_record(run, names[run.info.experiment_id]) for run in page]


def search(condition: str, limit: int) -> list[RunRecord]:
    """The newest `limit` runs for which a condition in MLflow's search syntax holds, newest first."""
    lab = client()
    with _store_errors():
        names = {item.experiment_id: item.name for item in lab.search_experiments()}
        order = ["attributes.start_time DESC"]
        page = lab.search_runs(list(names), filter_string=condition, max_results=limit, order_by=order)
        return [_record(run, names[run.info.experiment_id]) for run in page]


def run_config(run_id: str) -> RunConfig:
    """The config a run was made from, as this version reads it. Raises like `stored_config`."""
    return stored_config(run_id).config


def stored_config(run_id: str) -> Reading:
    """The config a run was made from, and what this version reads otherwise: local copy first, then the artifact.

    Raises RunNotFoundError, or ConfigError for a run without one (made by another program, or by a newer one).
    """
    raw = artifact(run_id, "config.json")
    if raw is None:
        made_here = "lab.config_hash" in get_run(run_id).tags
        why = "its artifact is gone" if made_here else "it was made by another program"
        raise ConfigError([f"run {run_id} has no config.json: {why}"])
    return read_config(read_data(raw, f"config.json of run {run_id[:8]}"), complete=True)


def artifact(run_id: str, name: str) -> bytes | None:
    """A file that a run left: the copy in its own folder, else the one in the store; None where there is neither.

    Raises RunNotFoundError for a run that is in neither.
    """
    local = home().run_dir(run_id) / name
    if local.exists():
        return local.read_bytes()
    lab = client()
    get_run(run_id)
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder, _store_errors(run_id):
        if name not in {item.path for item in lab.list_artifacts(run_id)}:
            return None
        try:
            return Path(lab.download_artifacts(run_id, name, folder)).read_bytes()
        except (MlflowException, OSError) as error:
            raise StoreError(f"{name} of run {run_id[:8]} can't be fetched: {_first_line(error)}") from error


def _record(run: Any, experiment: str) -> RunRecord:
    tags = run.data.tags
    state = tags.get("lab.state") or {"SCHEDULED": "queued", "KILLED": "stopped"}.get(
        run.info.status, run.info.status.lower()
    )
    return RunRecord(
        run_id=run.info.run_id,
        name=run.info.run_name or run.info.run_id[:8],
        experiment=experiment,
        state=state,
        problem=tags.get("lab.problem", ""),
        config_hash=tags.get("lab.config_hash", ""),
        started=(run.info.start_time or 0) / 1000,
        ended=run.info.end_time / 1000 if run.info.end_time else None,
        parent=tags.get("mlflow.parentRunId"),
        metrics=dict(run.data.metrics),
        params=dict(run.data.params),
        tags=dict(tags),
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _public(uri: str) -> str:
    """A store's address without any password in it."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if "@" in rest else uri
