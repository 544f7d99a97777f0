"""Who reads the store: its SQLite file directly where it is one, else MLflow's client."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from core.home import home
from core.tracking.store.connection import client
from core.tracking.store.mlflow_reader import MlflowReader
from core.tracking.store.sqlite_reader import SqliteReader

SQLITE = "sqlite:///"
Reader = SqliteReader | MlflowReader


def reader() -> Reader:
    """The reader of this lab's store. Raises StoreError where there is none yet and none can be made."""
    path = home().store_file
    if path is None:
        return MlflowReader()
    if not path.exists():
        client()  # makes the file
    return _of_file(path)


@cache
def _of_file(path: Path) -> SqliteReader:
    return SqliteReader(path)
