"""The MLflow store of a lab: runs are created, described, moved from state to state and found here.

mlflow is imported inside the functions: it costs about two seconds, which no page should pay before its first paint.
"""

from __future__ import annotations

import json
import logging
import math
import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import RunConfig
from core.errors import ConfigError, RunNotFoundError, StoreError
from core.home import RUN_ID, home
from core.locks import one_at_a_time
from core.migrations import Reading
from core.runs import RunFolder, run_folder
from core.runs.folder import CONFIG, config_of
from core.tracking.sqlite_reader import How, SqliteReader, number, sqlite_reader

if TYPE_CHECKING:
    import numpy as np
    from mlflow import MlflowClient

EXPERIMENT = "singularity-lab"

DATASET_CONTEXT = "lab-dataset"
"""MLflow's context of the dataset inputs written here."""

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
    """One run as the store has it; runs of other programs have no config, and their state is MLflow's status."""

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
    status: str = ""
    """MLflow's own word for the state."""
    experiment_id: str = ""
    user: str = ""
    artifact_uri: str = ""
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
    with one_at_a_time(lab.root / "mlflow.lock"):  # two processes migrating one fresh database corrupt its version
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
        params = [Param(key, value) for key, value in params_of(config).items()]
        for start in range(0, len(params), 100):
            lab.log_batch(run_id, params=params[start : start + 100])
        lab.log_text(run_id, config.canonical_json(), CONFIG)
    return run_id


def params_of(config: RunConfig) -> dict[str, str]:
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


def set_tag(run_id: str, name: str, value: str) -> None:
    """Set a tag of a run. Raises RunNotFoundError."""
    with _store_errors(run_id):
        client().set_tag(run_id, name, value)


def delete_tag(run_id: str, name: str) -> None:
    """Delete a tag of a run. Raises RunNotFoundError."""
    with _store_errors(run_id):
        client().delete_tag(run_id, name)


def get_run(run_id: str) -> RunRecord:
    """One run. Raises RunNotFoundError."""
    lab = client()
    if not RUN_ID.fullmatch(run_id):
        raise RunNotFoundError(run_id)
    with _store_errors(run_id):
        run = lab.get_run(run_id)
        return _record(run, lab.get_experiment(run.info.experiment_id).name)


def reader() -> SqliteReader | None:
    """Direct access to the store where it is an SQLite file; None for others."""
    found = sqlite_reader(home().tracking_uri)
    if found is not None and not Path(home().tracking_uri.removeprefix("sqlite:///")).exists():
        client()  # makes the file
    return found


def runs(limit: int = 10_000) -> list[RunRecord]:
    """The newest `limit` runs of every experiment in the store, newest first, runs of other programs included."""
    direct = reader()
    if direct is not None:
        return direct.remembered(("runs", limit), lambda: [_from_row(row) for row in direct.runs(limit)])
    lab = client()
    with _store_errors():
        names = {item.experiment_id: item.name for item in lab.search_experiments()}
        found, token = [], None
        while len(found) < limit:
            page = lab.search_runs(
                list(names),
                max_results=min(1000, limit - len(found)),
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            found += [_record(run, names[run.info.experiment_id]) for run in page]
            token = page.token
            if not token:
                break
        return found


def values(metric: str, how: How, run_ids: Iterable[str] | None = None) -> dict[str, tuple[float, int]]:
    """(value, step) of a metric by run; infinities and NaN only where `how` is last.

    Args:
        metric: its name.
        how: the last value, the lowest or highest of the whole history, or that at the checkpoint which a next stage
            starts from.
        run_ids: only these runs; all by default.
    """
    direct = reader()
    if direct is not None:
        wanted = None if run_ids is None else tuple(run_ids)
        return direct.remembered(("values", metric, how, wanted), lambda: direct.values(metric, how, wanted))
    wanted = None if run_ids is None else set(run_ids)
    found = {}
    for record in runs():
        if metric not in record.metrics or (wanted is not None and record.run_id not in wanted):
            continue
        points = [
            (point.step, number(point.value, math.isnan(point.value)))
            for point in client().get_metric_history(record.run_id, metric)
        ]
        if how == "at-checkpoint":
            step = record.tags.get("lab.checkpoint.step", "")
            points = [point for point in points if str(point[0]) == step]
        elif how != "last":
            points = [point for point in points if math.isfinite(point[1])]
        if points:
            best = {"min": min, "max": max}.get(how)
            step, value = best(points, key=lambda point: point[1]) if best else points[-1]
            found[record.run_id] = (value, step)
    return found


def metric_names() -> list[str]:
    """Every metric that some run has, the commonest first."""
    direct = reader()
    if direct is not None:
        return direct.remembered("metrics", direct.metric_names)
    counts: dict[str, int] = {}
    for record in runs():
        for name in record.metrics:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))


@dataclass(frozen=True)
class Head:
    """What ranking and lineage need of a run, cheap for ten thousand of them."""

    run_id: str
    name: str
    state: str
    problem: str
    started: float
    parent: str | None


def heads() -> list[Head]:
    """Every run of the store in short."""
    direct = reader()
    if direct is not None:
        return direct.remembered("heads", lambda: [_head(row) for row in direct.heads()])
    return [
        Head(record.run_id, record.name, record.state, record.problem, record.started, record.parent)
        for record in runs(100_000)
    ]


def _head(row: tuple) -> Head:
    run_id, name, status, started, state, problem, parent = row
    return Head(run_id, name or run_id[:8], state_of(status, state), problem or "", (started or 0) / 1000, parent)


def search_ids(clause: str) -> set[str]:
    """Ids of the runs that MLflow itself finds by a filter, in every experiment."""
    lab = client()
    found, token = set(), None
    names = [item.experiment_id for item in lab.search_experiments()]
    while True:
        page = lab.search_runs(names, clause, max_results=1000, page_token=token)
        found |= {run.info.run_id for run in page}
        token = page.token
        if not token:
            return found


def metric_history(run_id: str) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Every metric of a run as MLflow has it: steps, seconds since the first metric, values; each (n,).

    The same object is returned as long as nothing changed where the store is an SQLite file.
    """
    direct = reader()
    if direct is not None:
        return direct.remembered(("history", run_id), lambda: _series(direct.history(run_id)))
    lab = client()
    with _store_errors(run_id):
        rows = [
            (key, point.step, point.timestamp, point.value, math.isnan(point.value))
            for key in lab.get_run(run_id).data.metrics
            for point in sorted(lab.get_metric_history(run_id, key), key=lambda point: (point.step, point.timestamp))
        ]
    return _series(rows)


def _series(rows: list[tuple[str, int, int, float, bool]]) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    import numpy as np

    grouped: dict[str, list[tuple[int, int, float]]] = {}
    for key, step, moment, value, is_nan in rows:
        grouped.setdefault(key, []).append((step, moment, number(value, is_nan)))
    begun = min((row[2] for row in rows), default=0)
    arrays = {key: np.array(points, dtype=float).T for key, points in grouped.items()}
    return {key: (step, (moment - begun) / 1000, value) for key, (step, moment, value) in arrays.items()}


def fetch_artifact(folder: RunFolder, name: str) -> Path | None:
    """A local copy of an ended run's artifact, kept in the lab home; None when it has none."""
    copy = folder.fetched(name)
    if copy.exists():
        return copy
    from mlflow.exceptions import MlflowException

    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent) as temporary:
        try:
            fetched = Path(client().download_artifacts(folder.run_id, name, temporary))
        except (MlflowException, OSError):
            return None  # MLflow has no question "is there?" that is cheaper than asking for it
        fetched.replace(copy)
    return copy


def log_dataset(run_id: str, *, name: str, digest: str, source: str, schema: dict, profile: dict) -> None:
    """Make a dataset an input of a run. Raises RunNotFoundError, StoreError.

    Args:
        run_id: the run.
        name: of the dataset.
        digest: of its bytes; MLflow takes 36 characters.
        source: path of its file.
        schema: its columns, as MLflow's `mlflow_colspec`.
        profile: anything more that identifies or describes it.
    """
    lab = client()
    with _store_errors(run_id):
        from mlflow.entities import Dataset, DatasetInput, InputTag

        entity = Dataset(
            name, digest[:36], "local", json.dumps({"uri": source}), json.dumps(schema), json.dumps(profile)
        )
        lab.log_inputs(run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", DATASET_CONTEXT)])])


def dataset_inputs(limit: int = 10_000) -> list[tuple[RunRecord, str, dict[str, Any]]]:
    """(run, dataset's name, its profile) of every input that `log_dataset` made, newest run first.

    Raises StoreError.
    """
    lab = client()
    with _store_errors():
        names = {item.experiment_id: item.name for item in lab.search_experiments()}
        page = lab.search_runs(
            list(names),
            f"dataset.context = '{DATASET_CONTEXT}'",
            max_results=limit,
            order_by=["attributes.start_time DESC"],
        )
    return [
        (_record(run, names[run.info.experiment_id]), item.dataset.name, json.loads(item.dataset.profile))
        for run in page
        for item in run.inputs.dataset_inputs
        if any(tag.value == DATASET_CONTEXT for tag in item.tags)
    ]


def run_config(run_id: str) -> RunConfig:
    """The config a run was made from, as this version reads it. Raises like `stored_config`."""
    return stored_config(run_id).config


def stored_config(run_id: str) -> Reading:
    """The config a run was made from, and what this version reads otherwise: local copy first, then the artifact.

    Raises RunNotFoundError, or ConfigError for a run without one (made by another program, or by a newer one).
    """
    folder = run_folder(run_id)
    raw = artifact(folder, CONFIG)
    if raw is None:
        made_here = "lab.config_hash" in get_run(run_id).tags
        why = "its artifact is gone" if made_here else "it was made by another program"
        raise ConfigError([f"run {run_id} has no config.json: {why}"])
    return config_of(raw, str(folder))


def artifact(folder: RunFolder, name: str) -> bytes | None:
    """A file that a run left: the copy in its own folder, else the one in the store; None where there is neither.

    Raises RunNotFoundError for a run that is in neither.
    """
    local = folder.file(name)
    if local.exists():
        return local.read_bytes()
    lab, run_id = client(), folder.run_id
    get_run(run_id)
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as temporary, _store_errors(run_id):
        if name not in {item.path for item in lab.list_artifacts(run_id)}:
            return None
        try:
            return Path(lab.download_artifacts(run_id, name, temporary)).read_bytes()
        except (MlflowException, OSError) as error:
            raise StoreError(f"{name} of run {folder} can't be fetched: {_first_line(error)}") from error


def _record(run: Any, experiment: str) -> RunRecord:
    info = run.info
    return _from_row(
        {
            "run_id": info.run_id,
            "name": info.run_name,
            "status": info.status,
            "start_time": info.start_time,
            "end_time": info.end_time,
            "artifact_uri": info.artifact_uri,
            "user": info.user_id,
            "experiment_id": info.experiment_id,
            "experiment": experiment,
            "metrics": {key: number(value, math.isnan(value)) for key, value in run.data.metrics.items()},
            "params": dict(run.data.params),
            "tags": dict(run.data.tags),
        }
    )


def _from_row(row: dict[str, Any]) -> RunRecord:
    tags = row["tags"]
    return RunRecord(
        run_id=row["run_id"],
        name=row["name"] or row["run_id"][:8],
        experiment=row["experiment"],
        state=state_of(row["status"], tags.get("lab.state")),
        problem=tags.get("lab.problem", ""),
        config_hash=tags.get("lab.config_hash", ""),
        started=(row["start_time"] or 0) / 1000,
        ended=row["end_time"] / 1000 if row["end_time"] else None,
        parent=tags.get("mlflow.parentRunId"),
        status=row["status"],
        experiment_id=row["experiment_id"],
        user=row["user"] or "",
        artifact_uri=row["artifact_uri"] or "",
        metrics=row["metrics"],
        params=row["params"],
        tags=tags,
    )


def state_of(status: str, state: str | None) -> str:
    """The lab's word for a run's state; MLflow's for runs of other programs."""
    return state or {"SCHEDULED": "queued", "KILLED": "stopped"}.get(status, status.lower())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _public(uri: str) -> str:
    """A store's address without any password in it."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if "@" in rest else uri
