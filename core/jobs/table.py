"""The job table: SQLite in the lab home, every change a short transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.config import RunConfig
from core.errors import RunNotFoundError, StoreError
from core.home import home
from core.jobs.job import Job

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    run_id TEXT PRIMARY KEY, name TEXT NOT NULL, problem TEXT NOT NULL, problem_parameters TEXT NOT NULL,
    config_hash TEXT NOT NULL, device TEXT NOT NULL, engine TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL, wanted TEXT, attempt INTEGER NOT NULL DEFAULT 0, fresh INTEGER NOT NULL DEFAULT 0,
    slot TEXT, submitted REAL NOT NULL, queued REAL NOT NULL, started REAL, ended REAL, pid INTEGER, pid_started REAL,
    boot TEXT, reason TEXT NOT NULL DEFAULT '', requested REAL, terminated REAL, killed REAL,
    synced INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state);
"""

FIELDS = tuple(name for name in Job.__dataclass_fields__ if name != "position")


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """A connection inside BEGIN IMMEDIATE, committed at the end. Raises StoreError when the table can't be used."""
    try:
        connection = sqlite3.connect(home().ensure().jobs_db, timeout=20, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchone():
                connection.executescript(SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"The job table {home().jobs_db} can't be used: {error}.") from error


@contextmanager
def reading() -> Iterator[sqlite3.Connection]:
    """A connection for reading. Raises StoreError when the table can't be used."""
    lab = home().ensure()
    if not lab.jobs_db.exists():
        with transaction():
            pass
    try:
        connection = sqlite3.connect(lab.jobs_db, timeout=20, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"The job table {lab.jobs_db} can't be read: {error}.") from error


def insert(run_id: str, config: RunConfig, engine: str, **fields: Any) -> None:
    """Add a job for a run of the store."""
    now = time.time()
    parameters = config.problem.model_dump(mode="json", exclude={"kind"})
    row = {
        "run_id": run_id,
        "name": config.name,
        "problem": config.problem.kind,
        "problem_parameters": json.dumps(parameters),
        "config_hash": config.hash,
        "device": config.device,
        "engine": engine,
        "state": "queued",
        "submitted": now,
        "queued": now,
    } | fields
    with transaction() as connection:
        connection.execute(
            f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )


def get(run_id: str) -> Job:
    """One job. Raises RunNotFoundError."""
    with reading() as connection:
        row = connection.execute("SELECT * FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            raise RunNotFoundError(run_id)
        if row["state"] != "queued":
            return _job(row)
        waiting = [item["run_id"] for item in connection.execute(f"SELECT run_id FROM jobs {_WAITING}")]
    return _job(row, waiting.index(run_id) + 1 if run_id in waiting else 0)


_WAITING = "WHERE state = 'queued' ORDER BY priority DESC, queued, rowid"


def find(states: tuple[str, ...] | None = None, limit: int = 1000) -> list[Job]:
    """Jobs, newest first, with the place in the queue of those that wait."""
    where, values = ("", ())
    if states:
        where, values = f"WHERE state IN ({', '.join('?' * len(states))})", states
    with reading() as connection:
        waiting = {
            row["run_id"]: place
            for place, row in enumerate(connection.execute(f"SELECT run_id FROM jobs {_WAITING}"), start=1)
        }
        rows = connection.execute(
            f"SELECT * FROM jobs {where} ORDER BY submitted DESC, rowid DESC LIMIT ?", (*values, limit)
        ).fetchall()
    return [_job(row, waiting.get(row["run_id"], 0)) for row in rows]


def unsettled() -> list[Job]:
    """Jobs that a process should be at work on, and those whose state the store does not know yet."""
    with reading() as connection:
        rows = connection.execute(
            "SELECT * FROM jobs WHERE state IN ('running', 'pausing', 'stopping') OR synced = 0"
        ).fetchall()
    return [_job(row) for row in rows]


def update(run_id: str, *, only_if: dict[str, Any] | None = None, **fields: Any) -> bool:
    """Change a job's fields, provided that it still has the values of `only_if`; False if it no longer does."""
    conditions = {"run_id": run_id} | (only_if or {})
    clauses, values = [], []
    for key, value in conditions.items():
        if isinstance(value, tuple):
            clauses.append(f"{key} IN ({', '.join('?' * len(value))})")
            values += value
        else:
            clauses.append(f"{key} IS ?")
            values.append(value)
    changes = ", ".join(f"{key} = ?" for key in fields)
    with transaction() as connection:
        done = connection.execute(
            f"UPDATE jobs SET {changes} WHERE {' AND '.join(clauses)}", (*fields.values(), *values)
        )
        return done.rowcount == 1


def claim(slot: str, devices: tuple[str, ...]) -> Job | None:
    """Take the next waiting job that this slot can run; None when there is none."""
    with transaction() as connection:
        for row in connection.execute(f"SELECT * FROM jobs {_WAITING}").fetchall():
            if row["device"].partition(":")[0] not in devices or not _fits(row["device"], slot):
                continue
            connection.execute(
                "UPDATE jobs SET state = 'running', attempt = attempt + 1, slot = ?, started = ?, ended = NULL, "
                "pid = NULL, pid_started = NULL, boot = NULL, wanted = NULL, requested = NULL, terminated = NULL, "
                "killed = NULL, reason = '' WHERE run_id = ?",
                (slot, time.time(), row["run_id"]),
            )
            return _job(connection.execute("SELECT * FROM jobs WHERE run_id = ?", (row["run_id"],)).fetchone())
    return None


def waits_for(slot: str, devices: tuple[str, ...]) -> bool:
    """Whether a job waits that this slot can run."""
    with reading() as connection:
        rows = connection.execute(f"SELECT device FROM jobs {_WAITING}").fetchall()
    return any(row["device"].partition(":")[0] in devices and _fits(row["device"], slot) for row in rows)


def _fits(device: str, slot: str) -> bool:
    """A job that names cuda:N runs in slot gpuN alone."""
    _, colon, index = device.partition(":")
    return not colon or slot == f"gpu{index}"


def _job(row: sqlite3.Row, position: int = 0) -> Job:
    values = {name: row[name] for name in FIELDS}
    values["problem_parameters"] = json.loads(values["problem_parameters"])
    values["fresh"], values["synced"] = bool(values["fresh"]), bool(values["synced"])
    return Job(**values, position=position)
