"""The job table's file: SQLite in the lab home, every change a short transaction, made again where it is lost."""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import psutil

from core.errors import StoreError
from core.home import home
from core.jobs import events, notices, recovery
from core.jobs.job import GRACE_S
from core.people import ADMIN, needs
from core.resources import disk_free
from core.runs import run_folder
from core.runs.going_on import keep_aside

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
    "place": "REAL NOT NULL DEFAULT 0",
    "held": "INTEGER NOT NULL DEFAULT 0",
    "after_run": "TEXT",
    "after_any": "INTEGER NOT NULL DEFAULT 0",
    "due": "REAL",
    "retries": "INTEGER NOT NULL DEFAULT 0",
    "crash": "TEXT",
    "revision": "INTEGER NOT NULL DEFAULT 0",
    "batch": "TEXT",
    "binned": "REAL",
    "size": "REAL",
    "bin_step": "TEXT",
    "asked_engine": "TEXT NOT NULL DEFAULT 'local'",
    "engine_word": "TEXT NOT NULL DEFAULT ''",
}
VERSION = 4
"""Kept in SQLite's user_version; a table of an older version gets the columns it lacks."""

BUSY_S = 20.0
"""Seconds to wait for another process's transaction."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

FULL = 2**20
"""Bytes; with less left on the disk, what goes wrong is put down to that."""

NETWORK_DISKS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs")


_making: ContextVar[bool] = ContextVar("making", default=False)
"""The table is being made by who asks: to wait for its lock would be to wait for oneself."""


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
            if connection.in_transaction:  # else it was committed where something hangs on it
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk makes SQLite roll back by itself
                connection.execute("ROLLBACK")
            raise


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the table, or bring an older one up to date; one process at a time."""
    if _making.get():  # the store, asked for what it knows of lost runs, asks the table which of them lie in the bin
        raise StoreError(f"The job table {path} is being made again.")
    token = _making.set(True)
    try:
        _make(connection, path)
    finally:
        _making.reset(token)


def _make(connection: sqlite3.Connection, path: Path) -> None:
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
        if "place" not in present:
            connection.execute("UPDATE jobs SET place = queued")  # their order until now
        events.prepare(connection)
        notices.prepare(connection)
        _add(connection, found)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    if found:
        print(f"The job table was lost; {len(found)} runs were found again in their folders.", file=sys.stderr)


def _add(connection: sqlite3.Connection, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row.setdefault("place", row["queued"])
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"INSERT OR IGNORE INTO jobs ({names}) VALUES ({marks})", tuple(row.values()))
        keep(connection, row["run_id"])


def keep(connection: sqlite3.Connection, run_id: str) -> None:
    """Keep a row in its run's folder too, for `core.jobs.recovery`; inside the transaction that changes it."""
    row = connection.execute("SELECT * FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
    folder = run_folder(run_id)
    if row is not None and folder.exists:
        with contextlib.suppress(OSError):  # a full disk: the table itself is what counts
            folder.keep_job(dict(row))


@needs(ADMIN)
def rebuild() -> tuple[int, list[Path]]:
    """Give every run's folder a row again: (rows added, where a damaged table was set aside).

    A table that is damaged is set aside first, with SQLite's files beside it; one that is sound keeps its rows.
    """
    aside = []
    try:
        known = _known()
    except DamagedTableError:
        path = home().jobs_db
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
            aside = [place for file in files if (place := keep_aside(file)) is not None]
        return len(_known()), aside
    rows = recovery.recovered(COLUMNS, known)
    with transaction() as connection:
        _add(connection, rows)
    return len(rows), aside


def without_row() -> int:
    """How many folders of runs have no row."""
    return len(recovery.without_row(_known()))


def _known() -> set[str]:
    with reading() as connection:
        return {row["run_id"] for row in connection.execute("SELECT run_id FROM jobs")}


def network_disk(path: Path) -> str | None:
    """The kind of network disk that a path is on; None on a local one."""
    mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
    nearest = max(mounts, key=lambda part: len(part.mountpoint), default=None)
    return nearest.fstype if nearest is not None and nearest.fstype in NETWORK_DISKS else None


def _refuse_network_disk(path: Path) -> None:
    """Raises StoreError on a network disk: neither SQLite's WAL nor flock can be trusted there."""
    if kind := network_disk(path):
        raise StoreError(
            f"The lab home {path.parent} is on a network disk ({kind}), where file locks can't be trusted. "
            "Set LAB_HOME to a folder on a local disk."
        )
