"""Who reads the store: its database directly, where that is SQLite's file or PostgreSQL, else MLflow's client."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from core import postgres
from core.home import home
from core.tracking.store.connection import EXPERIMENT, client, store_errors
from core.tracking.store.mlflow_reader import MlflowReader
from core.tracking.store.postgres_reader import PostgresReader
from core.tracking.store.sqlite_reader import SqliteReader

SQLITE = "sqlite:///"
Reader = SqliteReader | PostgresReader | MlflowReader


def reader() -> Reader:
    """The reader of this lab's store. Raises StoreError where there is none yet and none can be made."""
    lab = home()
    path = lab.store_file
    if path is not None:
        if not path.exists():
            client()  # makes the file
        return _of_file(path)
    if lab.database and _has_runs_of(lab.database, lab.tracking_uri):
        return _of_database(lab.database)
    return MlflowReader()


@cache
def _of_file(path: Path) -> SqliteReader:
    return SqliteReader(path)


@cache
def _of_database(uri: str) -> PostgresReader:
    return PostgresReader(uri)


@cache
def _has_runs_of(database: str, tracking_uri: str) -> bool:
    """Whether a database is what MLflow keeps its runs in: by name, or behind a server whose experiment it has."""
    with postgres.connected(database) as connection:
        there = connection.execute("SELECT to_regclass('public.latest_metrics')").fetchone()[0]
    if tracking_uri == home().tracking_uri_of(database):
        if not there:
            client()  # makes the tables
        return True
    if not there:
        return False
    with store_errors():
        found = client().get_experiment_by_name(EXPERIMENT)
    with postgres.connected(database) as connection:
        row = connection.execute(
            "SELECT experiment_id, creation_time, artifact_location FROM public.experiments WHERE name = ?",
            (EXPERIMENT,),
        ).fetchone()
    said = found and (found.experiment_id, found.creation_time, found.artifact_location)
    return row is not None and said == (str(row[0]), row[1], row[2])
