"""The connection to MLflow, and what its errors mean here."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from core import postgres
from core.errors import ExperimentDeletedError, RunNotFoundError, StoreError
from core.home import home
from core.locks import one_at_a_time
from core.people import ADMIN, needs
from core.tracking.store.importing import import_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "singularity-lab"
"""MLflow's experiment of the runs made here."""

CONNECTION_TRIES = 3
"""Of MLflow to open a database; its own ten take 100 s."""
OPENING_S = 60.0
"""Seconds that another process may take to make the database before this one gives up."""

IN_MEMORY = re.compile(r"sqlite(\+pysqlite)?:(//|///:memory:)?(\?.*)?")

ERRORS_ALONE = re.compile(r"too many (\d{3}) error responses")
"""In what is said of a server that answered each try with an error."""

WORDS = {
    "database is locked": "its database is locked by another program",
    "readonly database": "its database can't be written, only read",
    "database or disk is full": "its disk is full",
    "Connection refused": "nothing listens at its address",
    "timed out": "it gave no answer in time",
    "Name or service not known": "there is no machine of its name",
    "Could not connect to the endpoint URL": "nothing listens at its address",
    "Connection aborted": "its server broke off, and its log says why",
    "SignatureDoesNotMatch": "its bucket refuses the key",
    "InvalidAccessKeyId": "its bucket refuses the key",
    "AccessDenied": "its bucket refuses the key",
    "Unable to locate credentials": "its bucket wants a key, and none is set",
    "NoSuchBucket": "there is no bucket of its name",
    "QuotaExceeded": "its bucket is full",
    "XMinioStorageFull": "its bucket is full",
    "InsufficientStorage": "its bucket is full",
    "(InternalError)": "its bucket failed with an internal error, as a full one does",
}
"""Part of an error's text → the whole of it for people."""
UPLOAD = re.compile(r"^Failed to upload .*: (?=An error occurred)")
"""What boto3 says before the reason: two paths, which may be longer than the line."""
LONGEST = 200
DELETED = "Current state is deleted"
"""In what MLflow says to one who writes to a deleted run."""


def client() -> MlflowClient:
    """The MLflow client of this lab. Raises StoreError when the store can't be opened."""
    return _client(home().tracking_uri)


@cache
def _client(uri: str) -> MlflowClient:
    lab = home().ensure()
    import_mlflow()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    is_file = uri.startswith("sqlite:")
    if IN_MEMORY.fullmatch(uri):
        raise StoreError(f"The MLflow store {uri} names no file, and would be gone with this process. Name one.")
    # two processes migrating one fresh database corrupt its version
    if is_file:
        opening = one_at_a_time(lab.root / "mlflow.lock", OPENING_S)
    else:
        opening = _one_on_server(lab.database) if lab.database else nullcontext()
    try:
        with opening:
            _make_whole(lab.store_file)
            if "://" in uri and not uri.startswith(("http:", "https:", "file:")):
                _limit_databases()
            opened = MlflowClient(uri)
            if opened.get_experiment_by_name(EXPERIMENT) is None:
                _make_experiment(opened)
    except (MlflowException, SQLAlchemyError, OSError, ImportError, ValueError) as error:  # also a missing driver
        words = first_line(error)
        if isinstance(error, ImportError):
            words = f"its driver is not installed ({words.rstrip('.')}). Install it beside this program."
        raise StoreError(f"The MLflow store {uri} can't be opened: {words}") from error
    return opened


@contextmanager
def _one_on_server(database: str) -> Iterator[None]:
    """One of all processes that open a database on a server makes MLflow's tables there."""
    with postgres.connected(database) as connection:
        connection.execute(f"SET lock_timeout TO {int(1000 * OPENING_S)}")
        connection.execute(f"SELECT pg_advisory_lock({postgres.OPENING})")
        try:
            yield
        finally:
            connection.execute(f"SELECT pg_advisory_unlock({postgres.OPENING})")
            connection.execute(f"SET lock_timeout TO {int(1000 * postgres.LOCK_S)}")


def _make_whole(path: Path | None) -> None:
    """Make MLflow's tables in a new file that takes its name when it has them all.

    MLflow makes them in forty steps. A file with some of them, left by who was interrupted, can never be opened again.
    """
    if path is None or (path.exists() and path.stat().st_size):
        return
    import_mlflow()
    from mlflow.store.db import utils

    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    for end in ("", "-journal"):
        unfinished.with_name(unfinished.name + end).unlink(missing_ok=True)
    engine = utils.create_sqlalchemy_engine(f"sqlite:///{quote(str(unfinished))}")
    try:
        utils._initialize_tables(engine)
    finally:
        engine.dispose()
    unfinished.replace(path)


def _limit_databases() -> None:
    """A database that does not open is given up soon, and its errors are told by us, not as pages of SQL in a log."""
    import_mlflow()
    from mlflow.store.db import utils

    utils.MAX_RETRY_COUNT = CONNECTION_TRIES
    logging.getLogger(utils.__name__).setLevel(logging.CRITICAL)


def experiment_id() -> str:
    """Id of the experiment of the runs made here; it is made anew where it is gone for good.

    Raises ExperimentDeletedError while it is deleted and can be restored, StoreError.
    """
    lab = client()
    with store_errors():
        found = lab.get_experiment_by_name(EXPERIMENT)
        if found is None:
            _make_experiment(lab)
            found = lab.get_experiment_by_name(EXPERIMENT)
    if found.lifecycle_stage != "active":
        raise ExperimentDeletedError(EXPERIMENT)
    return found.experiment_id


@needs(ADMIN)
def restore_experiment() -> bool:
    """Bring the experiment of the runs made here back, with its runs; False where it is not deleted."""
    lab = client()
    with store_errors():
        found = lab.get_experiment_by_name(EXPERIMENT)
        if found is None or found.lifecycle_stage == "active":
            return False
        lab.restore_experiment(found.experiment_id)
    return True


def _make_experiment(lab: MlflowClient) -> None:
    # a server says itself where artifacts go; a database that is written directly does not
    by_server = home().tracking_uri.startswith(("http:", "https:", "file:"))
    location = None if by_server else os.environ.get("LAB_ARTIFACTS") or home().artifacts.as_uri()
    lab.create_experiment(EXPERIMENT, artifact_location=location)


@contextmanager
def store_errors(run_id: str | None = None) -> Iterator[None]:
    """MLflow's errors as ours: RunNotFoundError for a run that is not there, StoreError for anything else."""
    import_mlflow()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        missing = getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST" or DELETED in str(error)
        if missing and run_id:
            raise RunNotFoundError(run_id) from error
        raise StoreError(f"The MLflow store did not answer: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """An error in one short line of words: MLflow's are followed by pages, SQLAlchemy's by what was to be written."""
    text = str(error)
    for part, words in WORDS.items():
        if part in text:
            return words
    if found := ERRORS_ALONE.search(text):
        return f"its server answers with error {found[1]}"
    line = UPLOAD.sub("", (text.partition("[SQL:")[0].strip().splitlines() or [type(error).__name__])[0])
    return line if len(line) <= LONGEST else line[:LONGEST] + " …"
