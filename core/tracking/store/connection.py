"""The connection to MLflow, and what its errors mean here."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from core.errors import ExperimentDeletedError, RunNotFoundError, StoreError
from core.home import home
from core.locks import one_at_a_time
from core.plain_text import keep_secrets_out_of_logs

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "singularity-lab"
"""MLflow's experiment of the runs made here."""


def client() -> MlflowClient:
    """The MLflow client of this lab. Raises StoreError when the store can't be opened."""
    return _client(home().tracking_uri)


@cache
def _client(uri: str) -> MlflowClient:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    keep_secrets_out_of_logs()
    lab = home().ensure()
    with one_at_a_time(lab.root / "mlflow.lock"):  # two processes migrating one fresh database corrupt its version
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        try:
            opened = MlflowClient(uri)
            if opened.get_experiment_by_name(EXPERIMENT) is None:
                _make_experiment(opened)
        except (MlflowException, SQLAlchemyError, OSError, ImportError, ValueError) as error:  # also a missing driver
            raise StoreError(f"The MLflow store {uri} can't be opened: {first_line(error)}") from error
    return opened


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
    location = home().artifacts.as_uri() if home().tracking_uri.startswith("sqlite:") else None
    lab.create_experiment(EXPERIMENT, artifact_location=location)


@contextmanager
def store_errors(run_id: str | None = None) -> Iterator[None]:
    """MLflow's errors as ours: RunNotFoundError for a run that is not there, StoreError for anything else."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        if getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST" and run_id:
            raise RunNotFoundError(run_id) from error
        raise StoreError(f"The MLflow store did not answer: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message, which MLflow follows with pages; its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
