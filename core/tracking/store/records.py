"""Runs as the store has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.errors import RunNotFoundError
from core.home import RUN_ID
from core.names import mlflow_names
from core.runs import RunFolder, run_folder
from core.runs.left_out import left_out
from core.runs.states import known_state
from core.tracking.store.connection import EXPERIMENT, client, store_errors
from core.tracking.store.mlflow_reader import row_of
from core.tracking.store.reader import reader
from core.tracking.tags import CONFIG_HASH, EDITED_PARAM, PARENT, PROBLEM, STATE


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
    deleted: bool = False
    """Only of a run that was asked for by its id: no list and no ranking has deleted ones."""
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> RunFolder:
        """The run's folder on this machine, whether or not it is there."""
        return run_folder(self.run_id)


@dataclass(frozen=True)
class Head:
    """What ranking and lineage need of a run, cheap for ten thousand of them."""

    run_id: str
    name: str
    state: str
    problem: str
    started: float
    parent: str | None
    way: str = ""
    """How it came from its parent's problem, in words; empty for a run that solves the same."""


Listed = TypeVar("Listed", RunRecord, Head)


def get_run(run_id: str) -> RunRecord:
    """One run. Raises RunNotFoundError."""
    lab = client()
    if not RUN_ID.fullmatch(run_id):
        raise RunNotFoundError(run_id)
    with store_errors(run_id):
        run = lab.get_run(run_id)
        return record_of(row_of(run, lab.get_experiment(run.info.experiment_id).name))


def runs(limit: int = 10_000) -> list[RunRecord]:
    """The newest `limit` runs of every experiment in the store, newest first, runs of other programs included."""
    store = reader()
    return _listed(store.remembered(("runs", limit), lambda: [record_of(row) for row in store.runs(limit)]))


def heads() -> list[Head]:
    """Every run of the store in short."""
    store = reader()
    return _listed(store.remembered("heads", lambda: [_head(row) for row in store.heads()]))


def _listed(found: list[Listed]) -> list[Listed]:
    hidden = left_out()
    return [run for run in found if run.run_id not in hidden] if hidden else found


def deleted_ids() -> frozenset[str]:
    """Ids of the runs that are marked deleted in the store."""
    store = reader()
    return store.remembered("deleted runs", lambda: frozenset(store.deleted_ids()))


def known_ids() -> set[str]:
    """Ids of all runs of the store, the deleted ones among them. Raises StoreError."""
    store = reader()
    return store.remembered("ids", store.known_ids)


def experiment_is_deleted() -> bool:
    """Whether the experiment of the runs made here is deleted, so that no list has them. Raises StoreError."""
    store = reader()
    return store.remembered("deleted", lambda: store.is_deleted(EXPERIMENT))


def record_of(row: dict[str, Any]) -> RunRecord:
    """The record of a reader's row; metrics and params by their names, whatever their keys are."""
    tags = row["tags"]
    names = mlflow_names(tags.items())
    return RunRecord(
        run_id=row["run_id"],
        name=row["name"] or row["run_id"][:8],
        experiment=row["experiment"],
        state=_state(row["status"], tags.get(STATE)),
        problem=tags.get(PROBLEM, ""),
        config_hash=tags.get(CONFIG_HASH, ""),
        started=(row["start_time"] or 0) / 1000,
        ended=row["end_time"] / 1000 if row["end_time"] else None,
        parent=tags.get(PARENT),
        status=row["status"],
        experiment_id=row["experiment_id"],
        user=row["user"] or "",
        artifact_uri=row["artifact_uri"] or "",
        deleted=row.get("deleted", False),
        metrics={names.get(key, key): value for key, value in row["metrics"].items()},
        params={names.get(key, key): value for key, value in params_in_force(row["params"], tags).items()},
        tags=tags,
    )


def _head(row: tuple) -> Head:
    run_id, name, status, started, state, problem, parent, way = row
    state = _state(status, state)
    return Head(run_id, name or run_id[:8], state, problem or "", (started or 0) / 1000, parent, way or "")


def _state(status: str, state: str | None) -> str:
    """The lab's word for a run's state, read from MLflow's for runs of other programs."""
    return known_state(state or {"SCHEDULED": "queued", "KILLED": "stopped"}.get(status, status.lower()))


def params_in_force(params: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, str]:
    """A run's params by key as they are in force: those that were changed while it waited are in its tags."""
    edited = {key.removeprefix(EDITED_PARAM): value for key, value in tags.items() if key.startswith(EDITED_PARAM)}
    return {key: value for key, value in (dict(params) | edited).items() if value or key not in edited}
