"""MLflow's tables in PostgreSQL, read directly, in the rows that `SqliteReader` gives.

A run's params, tags and metrics come as one JSON object each: a row for every value took 1.8 s for ten thousand runs,
and nearly all of that was making Python's objects of them. Only reading is done here; MLflow writes.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from typing import Any

from core import postgres
from core.errors import StoreError
from core.names import NAME_TAG, mlflow_spellings
from core.tracking.store.sqlite_reader import HEADS, KEPT, LARGEST, NOT_DELETED, How, fields_of, number
from core.tracking.tags import CHECKPOINT_STEP, PARENT, PROBLEM, STATE, WAY

WRITTEN = "SELECT pg_current_wal_insert_lsn()::text"
"""How far the server's log has come: nothing is committed without it. It stands in for SQLite's data_version."""

OF_KEPT = f"AND m.run_uuid IN ({KEPT})"
"""Asked for there, since whatever is sent from a server takes most of the time."""


class PostgresReader:
    """Reads MLflow's tables, and remembers what it read until something was written to them."""

    def __init__(self, uri: str):
        self._uri = uri
        self._lock = threading.RLock()
        self._remembered: dict[Any, tuple[Any, Any]] = {}

    def remembered(self, key: Any, read: Callable[[], Any]) -> Any:
        """What `read` returned the last time, unless something was written since."""
        with self._lock:
            version = self._query(WRITTEN)[0][0]
            known = self._remembered.get(key)
            if known is None or known[0] != version:
                known = self._remembered[key] = (version, read())
            return known[1]

    def name_tags(self) -> list[tuple[str, str]]:
        """The tags of all runs that say which name stands behind a key."""
        return self._query("SELECT DISTINCT key, value FROM tags WHERE key > ? AND key < ?", (NAME_TAG, f"{NAME_TAG}g"))

    def metric_names(self) -> list[str]:
        """The key of every metric that some run has, by how many runs have it."""
        rows = self._query(
            f"SELECT key, COUNT(*) FROM latest_metrics WHERE run_uuid IN ({KEPT}) GROUP BY key ORDER BY 2 DESC, 1"
        )
        return [key for key, _ in rows]

    def runs(self, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` runs, newest first, as fields of a RunRecord before any meaning."""
        heads = self._query(
            f"{HEADS} ORDER BY start_time DESC NULLS LAST, run_uuid LIMIT ?",
            (limit,),
        )
        found = {head[0]: fields_of(head) for head in heads}
        if len(found) > 900:  # cheaper than looking each up once most runs are wanted
            where, chosen = "", ()
        else:
            where, chosen = "WHERE run_uuid = ANY(?)", (list(found),)
        # as text: psycopg would read each of them with Python's own json as well, under a lock of ours for longer
        for table in ("params", "tags"):
            rows = self._query(
                f"SELECT run_uuid, json_object_agg(key, value)::text FROM {table} {where} GROUP BY run_uuid", chosen
            )
            for run_id, pairs in rows:
                if run_id in found:
                    found[run_id][table] = json.loads(pairs)
        rows = self._query(
            "SELECT run_uuid, json_object_agg(key, CASE WHEN is_nan THEN NULL ELSE value END)::text "
            f"FROM latest_metrics {where} GROUP BY run_uuid",
            chosen,
        )
        for run_id, pairs in rows:
            if run_id in found:
                found[run_id]["metrics"] = {
                    key: math.nan if value is None else number(float(value), False)
                    for key, value in json.loads(pairs).items()
                }
        return list(found.values())

    def values(self, metric: str, how: How) -> dict[str, tuple[float, int]]:
        """(value, step) of a metric by run: its last, lowest or highest finite one, or that at its checkpoint."""
        keys = mlflow_spellings(metric)
        if how == "last":
            rows = self._query("SELECT run_uuid, value, step, is_nan FROM latest_metrics WHERE key IN (?, ?)", keys)
        elif how == "at-checkpoint":
            # the step as text: a tag that holds no number must not end the query
            rows = self._query(
                "SELECT m.run_uuid, m.value, m.step, m.is_nan FROM metrics m JOIN tags t "
                "ON t.run_uuid = m.run_uuid AND t.key = ? AND m.step::text = t.value WHERE m.key IN (?, ?)",
                (CHECKPOINT_STEP, *keys),
            )
        else:
            order = "ASC" if how == "min" else "DESC"
            rows = self._query(
                "SELECT DISTINCT ON (run_uuid) run_uuid, value, step, FALSE FROM metrics "
                f"WHERE key IN (?, ?) AND NOT is_nan AND ABS(value) < {LARGEST} "
                f"ORDER BY run_uuid, value {order}, step",
                keys,
            )
        kept = {run_id for (run_id,) in self._query(KEPT)}
        return {run_id: (number(value, is_nan), step) for run_id, value, step, is_nan in rows if run_id in kept}

    def history(self, run_id: str) -> list[tuple[str, int, int, float, bool]]:
        """Every logged (metric, step, time in ms, value, is NaN) of one run, in order of its steps."""
        return self._query(
            'SELECT key, step, "timestamp", value, is_nan FROM metrics WHERE run_uuid = ? '
            'ORDER BY key COLLATE "C", step, "timestamp"',
            (run_id,),
        )

    def is_deleted(self, experiment: str) -> bool:
        """Whether an experiment of this name is deleted, and can be restored."""
        return bool(
            self._query("SELECT 1 FROM experiments WHERE name = ? AND lifecycle_stage <> 'active'", (experiment,))
        )

    def deleted_ids(self) -> list[str]:
        """Ids of the runs that are marked deleted."""
        return [run_id for (run_id,) in self._query("SELECT run_uuid FROM runs WHERE lifecycle_stage <> 'active'")]

    def heads(self) -> list[tuple]:
        """(run id, name, status, start in ms, state, problem, parent, way) of all runs."""
        return self._query(
            "SELECT runs.run_uuid, runs.name, runs.status, runs.start_time, t.state, t.problem, t.parent, t.way "
            "FROM runs JOIN experiments USING (experiment_id) LEFT JOIN (SELECT run_uuid, "
            "MAX(value) FILTER (WHERE key = ?) AS state, MAX(value) FILTER (WHERE key = ?) AS problem, "
            "MAX(value) FILTER (WHERE key = ?) AS parent, MAX(value) FILTER (WHERE key = ?) AS way "
            "FROM tags WHERE key IN (?, ?, ?, ?) GROUP BY run_uuid) AS t USING (run_uuid) "
            f"{NOT_DELETED}",
            (STATE, PROBLEM, PARENT, WAY) * 2,
        )

    def known_ids(self) -> set[str]:
        """Ids of all runs, the deleted ones among them."""
        return {run_id for (run_id,) in self._query("SELECT run_uuid FROM runs")}

    def _query(self, sql: str, values: tuple = ()) -> list[tuple]:
        try:
            with postgres.connected(self._uri) as connection:
                return connection.execute(sql, values).fetchall()
        except StoreError as error:
            raise StoreError(f"The MLflow store can't be read. {error}") from error
