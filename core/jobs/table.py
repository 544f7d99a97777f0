"""The job table: SQLite in the lab home, every change a short transaction."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from core.errors import RunNotFoundError, StoreError
from core.home import home
from core.jobs import recovery
from core.jobs.engine import Slot
from core.jobs.job import GRACE_S, Job
from core.jobs.process import alive, boot_id, started_at
from core.resources import disk_free
from core.runs import run_folder
from core.runs.going_on import keep_aside
from core.runs.states import ACTIVE

if TYPE_CHECKING:
    from core.config import RunConfig

COLUMNS = {
    "run_id": "TEXT PRIMARY KEY",
    "name": "TEXT NOT NULL",
    "problem": "TEXT NOT NULL",
    "problem_parameters": "TEXT NOT NULL",
    "config_hash": "TEXT NOT NULL",
    "device": "TEXT NOT NULL",
    "engine": "TEXT NOT NULL",
    "priority": "INTEGER NOT NULL DEFAULT 0",
    "state": "TEXT NOT NULL",
    "wanted": "TEXT",
    "attempt": "INTEGER NOT NULL DEFAULT 0",
    "fresh": "INTEGER NOT NULL DEFAULT 0",
    "slot": "TEXT",
    "submitted": "REAL NOT NULL",
    "queued": "REAL NOT NULL",
    "started": "REAL",
    "ended": "REAL",
    "pid": "INTEGER",
    "pid_started": "REAL",
    "worker_pid": "INTEGER",
    "worker_started": "REAL",
    "boot": "TEXT",
    "reason": "TEXT NOT NULL DEFAULT ''",
    "grace": f"REAL NOT NULL DEFAULT {GRACE_S}",
    "requested": "REAL",
    "terminated": "REAL",
    "killed": "REAL",
    "synced": "INTEGER NOT NULL DEFAULT 1",
}
VERSION = 2
"""Kept in SQLite's user_version; a table of an older version gets the columns it lacks."""

FIELDS = tuple(name for name in Job.__dataclass_fields__ if name != "position")
BUSY_S = 20.0
"""Seconds to wait for another process's transaction."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

FULL = 2**20
"""Bytes; with less left on the disk, what goes wrong is put down to that."""

NETWORK_DISKS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs")

_WAITING = "WHERE state = 'queued' ORDER BY priority DESC, queued, rowid"
_ACTIVE = f"state IN ({', '.join(repr(state) for state in ACTIVE)})"


class DamagedTableError(StoreError):
    """The job table's file is no database, or a damaged one."""


@contextmanager
def reading() -> Iterator[sqlite3.Connection]:
    """A connection. Raises StoreError when the table can't be used."""
    path = home().ensure().jobs_db
    try:
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                _prepare(connection, path)
            connection.execute("PRAGMA synchronous=FULL")
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in DAMAGED:
            raise DamagedTableError(
                f"The job table {path} is damaged: {error}. `python -m core doctor --rebuild-jobs` sets it aside and "
                "makes it again from the runs' folders."
            ) from error
        raise StoreError(f"The job table {path} can't be used: {_why(error, path)}") from error


def _why(error: sqlite3.Error, path: Path) -> str:
    """What SQLite says; a full disk it calls an I/O error, since it can't even make its files for reading."""
    with contextlib.suppress(OSError):
        if (free := disk_free(path.parent)) < FULL:
            return f"its disk is full, {free / 2**20:.1f} MB are free. Free some space."
    return f"{error}."


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """A connection inside BEGIN IMMEDIATE, committed at the end. Raises StoreError when the table can't be used."""
    with reading() as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk makes SQLite roll back by itself
                connection.execute("ROLLBACK")
            raise


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the table, or bring an older one up to date; one process at a time."""
    _refuse_network_disk(path)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # switching to WAL does not wait for other connections, it fails
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreError(f"The job table {path} was made by a newer version of this program. Update it.")
        if version == VERSION:
            return
        lost = not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchone()
        found = recovery.recovered(COLUMNS, set()) if lost else []
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS jobs ({columns})")
        connection.execute("CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state)")
        present = {row["name"] for row in connection.execute("PRAGMA table_info(jobs)")}
        for name in COLUMNS.keys() - present:
            connection.execute(f"ALTER TABLE jobs ADD COLUMN {name} {COLUMNS[name]}")
        _add(connection, found)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    if found:
        print(f"The job table was lost; {len(found)} runs were found again in their folders.", file=sys.stderr)


def _add(connection: sqlite3.Connection, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"INSERT OR IGNORE INTO jobs ({names}) VALUES ({marks})", tuple(row.values()))
        _keep(connection, row["run_id"])


def _keep(connection: sqlite3.Connection, run_id: str) -> None:
    """Keep a row in its run's folder too, for `core.jobs.recovery`; inside the transaction that changes it."""
    row = connection.execute("SELECT * FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
    folder = run_folder(run_id)
    if row is not None and folder.exists:
        with contextlib.suppress(OSError):  # a full disk: the table itself is what counts
            folder.keep_job(dict(row))


def rebuild() -> tuple[int, list[Path]]:
    """Give every run's folder a row again: (rows added, where a damaged table was set aside).

    A table that is damaged is set aside first, with SQLite's files beside it; one that is sound keeps its rows.
    """
    aside = []
    try:
        known = {job.run_id for job in find(limit=-1)}
    except DamagedTableError:
        path = home().jobs_db
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
            aside = [place for file in files if (place := keep_aside(file)) is not None]
        return len(find(limit=-1)), aside
    rows = recovery.recovered(COLUMNS, known)
    with transaction() as connection:
        _add(connection, rows)
    return len(rows), aside


def without_row() -> int:
    """How many folders of runs have no row."""
    known = {job.run_id for job in find(limit=-1)}
    return len(recovery.without_row(known))


def _refuse_network_disk(path: Path) -> None:
    """Raises StoreError on a network disk: neither SQLite's WAL nor flock can be trusted there."""
    mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
    nearest = max(mounts, key=lambda part: len(part.mountpoint), default=None)
    if nearest is not None and nearest.fstype in NETWORK_DISKS:
        raise StoreError(
            f"The lab home {path.parent} is on a network disk ({nearest.fstype}), where file locks can't be trusted. "
            "Set LAB_HOME to a folder on a local disk."
        )


def insert(run_id: str, config: RunConfig, engine: str, **fields: Any) -> None:
    """Add a job for a run of the store."""
    now = time.time()
    row = {
        "run_id": run_id,
        "name": config.name,
        "problem": config.problem.kind,
        "problem_parameters": json.dumps(config.problem.model_dump(mode="json", exclude={"kind"})),
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
        _keep(connection, run_id)


def get(run_id: str) -> Job:
    """One job. Raises RunNotFoundError."""
    with reading() as connection:
        row = connection.execute("SELECT * FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            raise RunNotFoundError(run_id)
        return _job(row, _places(connection).get(run_id, 0) if row["state"] == "queued" else 0)


def find(states: Iterable[str] | None = None, limit: int = 1000) -> list[Job]:
    """Jobs, newest first, with the place in the queue of those that wait; those that wait alone in queue order."""
    order = "ORDER BY submitted DESC, rowid DESC"
    where, values = "", ()
    states = tuple(states or ())
    if states == ("queued",):
        where, order = _WAITING, ""
    elif states:
        where, values = f"WHERE state IN ({', '.join('?' * len(states))})", states
    with reading() as connection:
        places = _places(connection)
        rows = connection.execute(f"SELECT * FROM jobs {where} {order} LIMIT ?", (*values, limit)).fetchall()
    return [_job(row, places.get(row["run_id"], 0)) for row in rows]


def _places(connection: sqlite3.Connection) -> dict[str, int]:
    rows = connection.execute(f"SELECT run_id FROM jobs {_WAITING}")
    return {row["run_id"]: place for place, row in enumerate(rows, start=1)}


def unsettled() -> list[Job]:
    """Jobs that a process should be at work on, and those whose state the store does not know yet."""
    with reading() as connection:
        rows = connection.execute(f"SELECT * FROM jobs WHERE {_ACTIVE} OR synced = 0").fetchall()
    return [_job(row) for row in rows]


def update(run_id: str, *, only_if: dict[str, Any] | None = None, **fields: Any) -> bool:
    """Change a job's fields, provided that it still has the values of `only_if`; False if it no longer does.

    A tuple in `only_if` means any of its values.
    """
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
        _keep(connection, run_id)
        return done.rowcount == 1


def claim(slot: Slot) -> Job | None:
    """Take the next waiting job that this slot can run, in this process's name; None when there is none."""
    with transaction() as connection:
        for row in connection.execute(f"SELECT * FROM jobs {_WAITING}").fetchall():
            if not slot.serves(row["device"]) or alive(row["pid"], row["pid_started"], row["boot"]):
                continue  # a run that was resumed in another slot's last moments with it waits for these to pass
            connection.execute(
                "UPDATE jobs SET state = 'running', attempt = attempt + 1, slot = ?, started = ?, ended = NULL, "
                "pid = NULL, pid_started = NULL, worker_pid = ?, worker_started = ?, boot = ?, wanted = NULL, "
                "requested = NULL, terminated = NULL, killed = NULL, reason = '', synced = 0 WHERE run_id = ?",
                (slot.name, time.time(), os.getpid(), started_at(os.getpid()), boot_id(), row["run_id"]),
            )
            _keep(connection, row["run_id"])
            return _job(connection.execute("SELECT * FROM jobs WHERE run_id = ?", (row["run_id"],)).fetchone())
    return None


def waits_for(slot: Slot) -> bool:
    """Whether a job waits that this slot can run."""
    with reading() as connection:
        rows = connection.execute(f"SELECT device FROM jobs {_WAITING}").fetchall()
    return any(slot.serves(row["device"]) for row in rows)


def _job(row: sqlite3.Row, position: int = 0) -> Job:
    values = {name: row[name] for name in FIELDS}
    values["problem_parameters"] = json.loads(values["problem_parameters"])
    values["fresh"], values["synced"] = bool(values["fresh"]), bool(values["synced"])
    return Job(**values, position=position)
