"""What is written to the store: new runs, their states, their tags."""

from __future__ import annotations

import time
from contextlib import suppress

from core.config import RunConfig
from core.errors import LabError, StoreError
from core.names import mlflow_keys, mlflow_tags
from core.runs.folder import CONFIG
from core.runs.history import columns_of
from core.runs.states import ENDED
from core.tracking.store.connection import client, experiment_id, store_errors
from core.tracking.store.importing import import_mlflow
from core.tracking.store.records import get_run
from core.tracking.tags import CONFIG_HASH, PARENT, PROBLEM, REASON, STATE

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


def create_run(config: RunConfig, *, parent: str | None = None, tags: dict[str, str] | None = None) -> str:
    """A new MLflow run in state queued, with the whole config as an artifact; returns its id.

    Raises RunNotFoundError when the parent is not in the store, LabError when it was deleted there, StoreError when the
    store can't be written.
    """
    lab = client()
    parent = parent or config.parent
    if parent and get_run(parent).deleted:
        back = f"Restore it first: `python -m core restore {parent[:8]}`."
        raise LabError(f"The parent run {parent[:8]} was deleted in MLflow. {back}")
    tags = (tags or {}) | {
        STATE: "queued",
        PROBLEM: config.problem.kind,
        CONFIG_HASH: config.hash,
        "mlflow.source.name": "singularity-lab",
        "mlflow.source.type": "LOCAL",
        **names_of(config),
        **({PARENT: parent} if parent else {}),
    }
    with store_errors():
        run_id = lab.create_run(experiment_id(), tags=tags, run_name=config.name or None).info.run_id
    try:
        _describe(run_id, config)
    except StoreError as error:
        with suppress(StoreError):  # it is gone again; nobody will look for a run that was never taken in
            set_state(run_id, "failed", f"It could not be queued: {error}")
        raise
    return run_id


def ids_tagged(key: str, value: str) -> list[str]:
    """Ids of the runs with a tag, of this program's experiment. Raises StoreError."""
    with store_errors():
        found = client().search_runs([experiment_id()], filter_string=f"tags.`{key}` = '{value}'", max_results=100)
    return [run.info.run_id for run in found]


def _describe(run_id: str, config: RunConfig) -> None:
    lab = client()
    with store_errors(run_id):
        import_mlflow()
        from mlflow.entities import Param

        lab.update_run(run_id, status=STATUS["queued"])
        leaves = params_of(config)
        params = [Param(key, leaves[name]) for name, key in mlflow_keys(leaves).items()]
        for start in range(0, len(params), 100):
            lab.log_batch(run_id, params=params[start : start + 100])
        lab.log_text(run_id, config.canonical_json(), CONFIG)


def params_of(config: RunConfig) -> dict[str, str]:
    """The config's leaves as text, for MLflow's own tables; replay never reads them."""
    leaves = {path: str(value) for path, value in config.flat().items() if value is not None and path != "name"}
    return {"config_hash": config.hash, **leaves}


def names_of(config: RunConfig) -> dict[str, str]:
    """The tags that say which names of a run's params and metrics MLflow has under other keys; mostly none."""
    keys = mlflow_keys(params_of(config)) | mlflow_keys(
        columns_of(config.problem.row_names, config.problem.further_unknowns)
    )
    return mlflow_tags(keys)


def set_state(run_id: str, state: str, reason: str = "", ended: float | None = None) -> None:
    """Move the run to `state` in its tag and in MLflow's own status, with the reason in one sentence.

    Args:
        run_id: the run.
        state: one of `core.runs.states`.
        reason: why.
        ended: Unix time of an ended run's end; now unless said.
    """
    lab = client()
    with store_errors(run_id):
        import_mlflow()
        from mlflow.entities import RunTag

        lab.log_batch(run_id, tags=[RunTag(STATE, state), RunTag(REASON, reason)])
        if state in ENDED:
            lab.set_terminated(run_id, status=STATUS[state], end_time=int(1000 * (ended or time.time())))
        else:
            lab.update_run(run_id, status=STATUS[state])


def set_tag(run_id: str, name: str, value: str) -> None:
    """Set a tag of a run. Raises RunNotFoundError."""
    with store_errors(run_id):
        client().set_tag(run_id, name, value)


def delete_tag(run_id: str, name: str) -> None:
    """Delete a tag of a run. Raises RunNotFoundError."""
    with store_errors(run_id):
        client().delete_tag(run_id, name)


def delete_run(run_id: str) -> None:
    """Mark a run deleted, so that no list has it. Raises RunNotFoundError where it is not there any more."""
    with store_errors(run_id):
        client().delete_run(run_id)


def restore_run(run_id: str) -> None:
    """Bring back a run that was marked deleted. Raises RunNotFoundError where it is gone for good."""
    with store_errors(run_id):
        client().restore_run(run_id)
