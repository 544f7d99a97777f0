"""The store read by MLflow's client: where it is no SQLite file, and for filters, which only MLflow understands."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.names import NAME_TAG, mlflow_spellings
from core.tracking.store.connection import client, store_errors
from core.tracking.store.importing import import_mlflow
from core.tracking.store.sqlite_reader import How, number
from core.tracking.tags import CHECKPOINT_STEP, PARENT, PROBLEM, STATE, WAY

if TYPE_CHECKING:
    from mlflow.entities import Run

PAGE = 1000
"""Runs asked for at a time."""


def search_runs(clause: str = "", limit: int = sys.maxsize, kind: int | None = None) -> list[tuple[Run, str]]:
    """The newest `limit` runs that MLflow itself finds by a filter, in any experiment, each with the experiment's name.

    `kind` is one of MLflow's ViewType; those that are not deleted unless said.

    Raises MLflow's own errors.
    """
    import_mlflow()
    from mlflow.entities import ViewType

    lab, kind = client(), kind or ViewType.ACTIVE_ONLY
    names = {item.experiment_id: item.name for item in lab.search_experiments()}
    found, token = [], None
    while len(found) < limit:
        page = lab.search_runs(
            list(names),
            clause,
            run_view_type=kind,
            max_results=min(PAGE, limit - len(found)),
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        found += [(run, names[run.info.experiment_id]) for run in page]
        token = page.token
        if not token:
            break
    return found


def search_ids(clause: str) -> set[str]:
    """Ids of the runs that MLflow itself finds by a filter. Raises MLflow's own errors."""
    return {run.info.run_id for run, _ in search_runs(clause)}


def row_of(run: Run, experiment: str) -> dict[str, Any]:
    """An MLflow run as fields of a RunRecord before any meaning."""
    info = run.info
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "status": info.status,
        "start_time": info.start_time,
        "end_time": info.end_time,
        "artifact_uri": info.artifact_uri,
        "deleted": info.lifecycle_stage != "active",
        "user": info.user_id,
        "experiment_id": info.experiment_id,
        "experiment": experiment,
        "metrics": {key: number(value, math.isnan(value)) for key, value in run.data.metrics.items()},
        "params": dict(run.data.params),
        "tags": dict(run.data.tags),
    }


class MlflowReader:
    """Answers what `SqliteReader` answers, in the same rows; it can't know what was written, so it remembers nothing.

    Every method raises StoreError.
    """

    def remembered(self, key: Any, read: Callable[[], Any]) -> Any:
        """What `read` returns."""
        return read()

    def runs(self, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` runs, newest first, as fields of a RunRecord before any meaning."""
        with store_errors():
            return [row_of(run, experiment) for run, experiment in search_runs(limit=limit)]

    def is_deleted(self, experiment: str) -> bool:
        """Whether an experiment of this name is deleted, and can be restored."""
        with store_errors():
            found = client().get_experiment_by_name(experiment)
        return found is not None and found.lifecycle_stage != "active"

    def deleted_ids(self) -> list[str]:
        """Ids of the runs that are marked deleted."""
        import_mlflow()
        from mlflow.entities import ViewType

        with store_errors():
            return [run.info.run_id for run, _ in search_runs(kind=ViewType.DELETED_ONLY)]

    def heads(self) -> list[tuple]:
        """(run id, name, status, start in ms, state, problem, parent, way) of all runs."""
        tags = (STATE, PROBLEM, PARENT, WAY)
        return [
            (*map(row.get, ("run_id", "name", "status", "start_time")), *map(row["tags"].get, tags))
            for row in self.runs(100_000)
        ]

    def known_ids(self) -> set[str]:
        """Ids of all runs, the deleted ones among them."""
        import_mlflow()
        from mlflow.entities import ViewType

        lab, found, token = client(), set(), ""
        with store_errors():
            names = [item.experiment_id for item in lab.search_experiments(view_type=ViewType.ALL)]
            while token is not None:
                page = lab.search_runs(names, run_view_type=ViewType.ALL, max_results=PAGE, page_token=token or None)
                found |= {run.info.run_id for run in page}
                token = page.token or None
        return found

    def name_tags(self) -> list[tuple[str, str]]:
        """The tags of all runs that say which name stands behind a key."""
        return [tag for row in self.runs(10_000) for tag in row["tags"].items() if tag[0].startswith(NAME_TAG)]

    def metric_names(self) -> list[str]:
        """The key of every metric that some run has, by how many runs have it."""
        counts: dict[str, int] = {}
        for row in self.runs(10_000):
            for name in row["metrics"]:
                counts[name] = counts.get(name, 0) + 1
        return sorted(counts, key=lambda name: (-counts[name], name))

    def values(self, metric: str, how: How) -> dict[str, tuple[float, int]]:
        """(value, step) of a metric by run: its last, lowest or highest finite one, or that at its checkpoint."""
        found = {}
        for row in self.runs(10_000):
            run_id = row["run_id"]
            key = next((key for key in mlflow_spellings(metric) if key in row["metrics"]), None)
            if key is None:
                continue
            with store_errors(run_id):
                history = client().get_metric_history(run_id, key)
            points = [(point.step, number(point.value, math.isnan(point.value))) for point in history]
            if how == "at-checkpoint":
                step = row["tags"].get(CHECKPOINT_STEP, "")
                points = [point for point in points if str(point[0]) == step]
            elif how != "last":
                points = [point for point in points if math.isfinite(point[1])]
            if points:
                best = {"min": min, "max": max}.get(how)
                step, value = best(points, key=lambda point: point[1]) if best else points[-1]
                found[run_id] = (value, step)
        return found

    def history(self, run_id: str) -> list[tuple[str, int, int, float, bool]]:
        """Every logged (metric, step, time in ms, value, is NaN) of one run, in order of its steps."""
        lab = client()
        with store_errors(run_id):
            points = [
                (key, point.step, point.timestamp, point.value, math.isnan(point.value))
                for key in lab.get_run(run_id).data.metrics
                for point in lab.get_metric_history(run_id, key)
            ]
        return sorted(points, key=lambda point: point[:3])
