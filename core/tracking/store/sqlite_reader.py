"""MLflow's SQLite file, read directly.

MLflow's own client needs a second for a thousand runs and ten for ten thousand, since each value becomes an object of
its ORM. Three plain queries give the same records in a twentieth of that, and before mlflow is even imported. Only
reading is done here; whatever is written goes through MLflow.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from core.errors import StoreError
from core.names import NAME_TAG, mlflow_spellings
from core.tracking.tags import CHECKPOINT_STEP, PARENT, PROBLEM, STATE, WAY

How = Literal["last", "min", "max", "at-checkpoint"]
"""Which value of a metric's history counts."""
LARGEST = 1.7976931348623157e308
"""What MLflow's SQL store keeps in place of an infinity."""

RUNS = "FROM runs JOIN experiments USING (experiment_id)"
NOT_DELETED = "WHERE runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active'"
KEPT = f"SELECT run_uuid {RUNS} {NOT_DELETED}"
"""Ids of the runs that are not deleted."""
HEADS = (
    "SELECT run_uuid, runs.name, status, start_time, end_time, artifact_uri, user_id, "
    f"experiments.experiment_id, experiments.name {RUNS} {NOT_DELETED}"
)
"""What MLflow itself knows of each, in the order of `fields_of`."""


def fields_of(head: Sequence[Any]) -> dict[str, Any]:
    """A row of `HEADS` as the fields of a RunRecord before any meaning, without what was logged."""
    return {
        "run_id": head[0],
        "name": head[1] or "",
        "status": head[2],
        "start_time": head[3],
        "end_time": head[4],
        "artifact_uri": head[5] or "",
        "user": head[6] or "",
        "experiment_id": str(head[7]),
        "experiment": head[8],
        "metrics": {},
        "params": {},
        "tags": {},
    }


def number(value: float, is_nan: bool) -> float:
    """A metric as it was logged: MLflow stores NaN as a flag and infinities as the largest float."""
    if is_nan:
        return math.nan
    return math.copysign(math.inf, value) if abs(value) >= LARGEST else value


class SqliteReader:
    """A read-only connection to MLflow's file that knows whether anything was written since it last looked."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        self._remembered: dict[Any, tuple[int, Any]] = {}

    def remembered(self, key: Any, read: Callable[[], Any]) -> Any:
        """What `read` returned the last time, unless the file changed since."""
        with self._lock:
            version = self._query("PRAGMA data_version")[0][0]
            known = self._remembered.get(key)
            if known is None or known[0] != version:
                known = self._remembered[key] = (version, read())
            return known[1]

    def name_tags(self) -> list[tuple[str, str]]:
        """The tags of all runs that say which name stands behind a key."""
        digests = (NAME_TAG, f"{NAME_TAG}g")  # a range, which the index answers
        return self._query("SELECT DISTINCT key, value FROM tags WHERE key > ? AND key < ?", digests)

    def metric_names(self) -> list[str]:
        """The key of every metric that some run has, by how many runs have it."""
        rows = self._query(
            f"SELECT key, COUNT(*) FROM latest_metrics WHERE run_uuid IN ({KEPT}) GROUP BY key ORDER BY 2 DESC, 1"
        )
        return [key for key, _ in rows]

    def runs(self, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` runs, newest first, as fields of a RunRecord before any meaning."""
        heads = self._query(
            f"{HEADS} ORDER BY start_time DESC, run_uuid LIMIT ?",
            (limit,),
        )
        found = {head[0]: fields_of(head) for head in heads}
        if len(found) > 900:  # cheaper than a join once most runs are wanted
            where, chosen = "", ()
        else:
            where, chosen = f"WHERE run_uuid IN ({','.join('?' * len(found))})", tuple(found)
        for table in ("params", "tags"):
            for run_id, key, value in self._query(f"SELECT run_uuid, key, value FROM {table} {where}", chosen):
                if run_id in found:
                    found[run_id][table][key] = value
        rows = self._query(f"SELECT run_uuid, key, value, is_nan FROM latest_metrics {where}", chosen)
        for run_id, key, value, is_nan in rows:
            if run_id in found:
                found[run_id]["metrics"][key] = number(value, is_nan)
        return list(found.values())

    def values(self, metric: str, how: How) -> dict[str, tuple[float, int]]:
        """(value, step) of a metric by run: its last, lowest or highest finite one, or that at its checkpoint."""
        keys = mlflow_spellings(metric)
        if how == "last":
            rows = self._query("SELECT run_uuid, value, step, is_nan FROM latest_metrics WHERE key IN (?, ?)", keys)
        elif how == "at-checkpoint":
            rows = self._query(
                "SELECT m.run_uuid, m.value, m.step, m.is_nan FROM metrics m JOIN tags t "
                "ON t.run_uuid = m.run_uuid AND t.key = ? AND CAST(m.step AS TEXT) = t.value WHERE m.key IN (?, ?)",
                (CHECKPOINT_STEP, *keys),
            )
        else:
            pick = "MIN" if how == "min" else "MAX"  # SQLite takes the other columns from the row of the extreme
            rows = self._query(
                f"SELECT run_uuid, {pick}(value), step, 0 FROM metrics "
                f"WHERE key IN (?, ?) AND is_nan = 0 AND ABS(value) < {LARGEST} GROUP BY run_uuid",
                keys,
            )
        kept = {run_id for (run_id,) in self._query(KEPT)}
        return {run_id: (number(value, is_nan), step) for run_id, value, step, is_nan in rows if run_id in kept}

    def history(self, run_id: str) -> list[tuple[str, int, int, float, bool]]:
        """Every logged (metric, step, time in ms, value, is NaN) of one run, in order of its steps."""
        return self._query(
            "SELECT key, step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY key, step, timestamp",
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
            "SELECT runs.run_uuid, runs.name, runs.status, runs.start_time, s.value, p.value, a.value, w.value "
            f"{RUNS} "
            "LEFT JOIN tags s ON s.key = ? AND s.run_uuid = runs.run_uuid "
            "LEFT JOIN tags p ON p.key = ? AND p.run_uuid = runs.run_uuid "
            "LEFT JOIN tags a ON a.key = ? AND a.run_uuid = runs.run_uuid "
            "LEFT JOIN tags w ON w.key = ? AND w.run_uuid = runs.run_uuid "
            f"{NOT_DELETED}",
            (STATE, PROBLEM, PARENT, WAY),
        )

    def known_ids(self) -> set[str]:
        """Ids of all runs, the deleted ones among them."""
        return {run_id for (run_id,) in self._query("SELECT run_uuid FROM runs")}

    def _query(self, sql: str, values: tuple = ()) -> list[tuple]:
        with self._lock:
            try:
                return self._connection().execute(sql, values).fetchall()
            except (sqlite3.Error, OSError) as error:
                raise StoreError(f"The MLflow store {self._path} can't be read: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        inode = self._path.stat().st_ino
        if self._db is None or inode != self._inode:
            self._db = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=ro", uri=True, timeout=20, check_same_thread=False
            )
            self._inode = inode
            self._remembered.clear()
        return self._db
