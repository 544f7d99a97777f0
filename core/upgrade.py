"""A lab home brought to this version of the program: a copy of its databases first, then job table and MLflow's tables.

Configs are looked through and left as they are: their hash stands in papers, and every version of one is read for ever.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from core.errors import ConfigError, LabError, StoreError
from core.home import SQLITE, home
from core.jobs import database
from core.jobs.process import alive
from core.people import ADMIN, needs
from core.runs.folder import all_folders
from core.runs.states import ACTIVE

COPIES = "backups"
"""Folder of the lab home."""
LIMIT_S = 3600.0
"""Seconds for MLflow's migration: millions of metrics take minutes."""


@dataclass
class Needed:
    """What stands between a lab home and this version of the program."""

    jobs: tuple[int, int] | None = None
    """Version of the job table's file, and this program's; None where there is none, or it is kept elsewhere."""
    store: tuple[str, str] | None = None
    """Revision of MLflow's tables, and of the MLflow that is installed; None where the store is no file of ours."""
    active: list[str] = field(default_factory=list)
    """Ids of the runs that are at work."""
    configs: int = 0
    """Configs that were looked through."""
    changed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Run → what this version reads otherwise than it was written."""
    refused: dict[str, str] = field(default_factory=dict)
    """Run → why its config can't be read."""

    @property
    def steps(self) -> list[str]:
        """What an upgrade would do, a line each."""
        done = []
        if self.jobs is not None and self.jobs[0] != self.jobs[1]:
            done.append(f"job table: version {self.jobs[0]} → {self.jobs[1]}")
        if self.store is not None and self.store[0] != self.store[1]:
            done.append(f"MLflow's tables: {self.store[0] or 'none'} → {self.store[1]}")
        return done


def needed() -> Needed:
    """Look, and change nothing. Raises StoreError for a database that is damaged, or newer than this program."""
    lab, found = home(), Needed()
    if lab.jobs_db.exists():
        with closing(_read_only(lab.jobs_db)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > database.VERSION:
                raise StoreError(f"The job table {lab.jobs_db} was made by a newer version of this program. Update it.")
            found.jobs = version, database.VERSION
            found.active = _active(connection)
    if (store := lab.store_file) is not None and store.exists():
        with closing(_read_only(store)) as connection:
            row = _rows(connection, store, "SELECT version_num FROM alembic_version")
        known = _revisions()
        if row and row[0][0] not in known:
            raise StoreError(f"The store {store} was made by a newer MLflow (revision {row[0][0]}). Update MLflow.")
        found.store = (row[0][0] if row else ""), known[0]
    for folder in all_folders():
        try:
            reading = folder.config()
        except ConfigError as error:
            found.refused[folder.run_id] = str(error)
        else:
            if reading is not None and reading.notes:
                found.changed[folder.run_id] = reading.notes
        found.configs += 1
    return found


@needs(ADMIN)
def upgrade(*, while_running: bool = False) -> tuple[Needed, Path | None]:
    """Do it: what was needed, and the folder of the copy that was made before; None where nothing was to be done.

    Args:
        while_running: although runs are at work.

    Raises:
        LabError: runs are at work.
        StoreError: a copy can't be made, or a migration failed; the copy is named then.
    """
    found = needed()
    if not found.steps:
        return found, None
    if found.active and not while_running:
        raise LabError(
            f"{len(found.active)} runs are at work, {found.active[0][:8]} for one. Let them end or pause them, then "
            "upgrade; --while-running does it all the same."
        )
    copy = _copied()
    if found.store is not None and found.store[0] != found.store[1]:
        _migrate_store(copy)
    try:
        with database.reading() as connection:
            connection.execute("SELECT COUNT(*) FROM jobs")
    except StoreError as error:
        raise StoreError(f"{error} The state before is in {copy}.") from error
    left = needed().steps
    if left:
        raise StoreError(f"Not all was done: {'; '.join(left)}. The state before is in {copy}.")
    return found, copy


def _read_only(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=database.BUSY_S)
        connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise StoreError(f"{path} can't be read: {error}. `python -m core doctor` says more.") from None
    return connection


def _rows(connection: sqlite3.Connection, path: Path, query: str) -> list[tuple]:
    try:
        return connection.execute(query).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise StoreError(f"{path} can't be read: {error}.") from None
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} can't be read: {error}. `python -m core doctor` says more.") from None


def _active(connection: sqlite3.Connection) -> list[str]:
    marks = ", ".join("?" * len(ACTIVE))
    query = f"SELECT run_id, pid, pid_started, boot FROM jobs WHERE state IN ({marks})"
    try:
        rows = connection.execute(query, ACTIVE).fetchall()
    except sqlite3.OperationalError:  # a table from before these columns, or none
        return []
    return [run_id for run_id, *process in rows if alive(*process)]


def _revisions() -> list[str]:
    """MLflow's revisions, the newest first; its files are read, not imported."""
    from alembic.script import ScriptDirectory

    folder = Path(find_spec("mlflow").origin).parent / "store" / "db_migrations"
    return [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()]


def _copied() -> Path:
    """A copy of each database as it is at one moment, also while somebody writes."""
    lab = home()
    folder = lab.root / COPIES / time.strftime("%Y%m%d-%H%M%S-before-upgrade", time.gmtime())
    try:
        folder.mkdir(parents=True, mode=0o700)
        for path in (lab.jobs_db, lab.store_file):
            if path is None or not path.exists():
                continue
            with closing(_read_only(path)) as source, closing(sqlite3.connect(folder / path.name)) as target:
                source.backup(target)
                if target.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                    raise StoreError(f"{path} is damaged, so it is not upgraded. `python -m core doctor` says more.")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"No copy can be made in {folder}: {error}. Nothing was changed.") from None
    return folder


def _migrate_store(copy: Path) -> None:
    uri = home().tracking_uri
    if not SQLITE.fullmatch(uri):
        return
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "db", "upgrade", uri],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        why = said[-1] if said else "it says nothing"
        raise StoreError(f"MLflow's migration failed: {why}. The state before is in {copy}.")
