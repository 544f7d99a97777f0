"""What waits in a run's outbox, given to MLflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.errors import RunNotFoundError, StoreError
from core.plain_text import fit_to_show
from core.runs import RunFolder
from core.runs.outbox import Metric
from core.tracking.store.connection import client, first_line, store_errors
from core.tracking.store.importing import import_mlflow

MOST_METRICS, MOST_TAGS = 1000, 100
"""What MLflow takes at once."""


def deliver(
    folder: RunFolder, files: Sequence[tuple[str, str]] = (), before_files: Callable[[], None] = lambda: None
) -> str:
    """Give MLflow what waits; what it refuses for good is set aside with its reason.

    Args:
        folder: the run's.
        files: to be sent besides, each with the artifact folder it belongs to.
        before_files: called once figures and tags are there, before files, which may take long.

    Returns why a file could not be given, in one sentence; empty when all is delivered.

    Raises:
        RunNotFoundError: the run was deleted from the store.
        StoreError: the store takes nothing now.
    """
    entries = folder.outbox.entries()
    if not entries and not files:
        return ""
    _check(folder.run_id)
    tags = {name: value for entry in entries for name, value in entry.tags.items()}
    metrics = [point for entry in entries for point in entry.metrics]
    for start in range(0, len(metrics), MOST_METRICS):
        _give(folder, metrics[start : start + MOST_METRICS], _log_metrics)
    for start in range(0, len(tags), MOST_TAGS):
        _give(folder, list(tags.items())[start : start + MOST_TAGS], _log_tags)
    before_files()
    artifacts = [artifact for entry in entries for artifact in entry.artifacts]
    failures = _give_artifacts(folder, [*artifacts, *files])
    for entry in entries:
        if not any(artifact in failures for artifact in entry.artifacts):
            entry.take_away()
    return next(iter(failures.values()), "")


def _check(run_id: str) -> None:
    """Raises RunNotFoundError for a run that is not in the store, or among the deleted."""
    with store_errors(run_id):
        if client().get_run(run_id).info.lifecycle_stage != "active":
            raise RunNotFoundError(run_id)


def _give(folder: RunFolder, items: list, log: Callable[[str, list], None]) -> None:
    """Log items in one call; where MLflow refuses what is in them, those at fault alone are set aside."""
    import_mlflow()
    from mlflow.exceptions import MlflowException

    try:
        with store_errors(folder.run_id):
            log(folder.run_id, items)
    except StoreError as error:
        if not _is_refusal(error.__cause__, MlflowException):
            raise
        if len(items) == 1:
            folder.outbox.set_aside(items[0], fit_to_show(first_line(error.__cause__)))
            return
        for half in (items[: len(items) // 2], items[len(items) // 2 :]):
            _give(folder, half, log)


def _is_refusal(error: Any, kind: type[Exception]) -> bool:
    return isinstance(error, kind) and error.error_code == "INVALID_PARAMETER_VALUE"


def _log_metrics(run_id: str, metrics: list[Metric]) -> None:
    import_mlflow()
    from mlflow.entities import Metric as Point

    client().log_batch(run_id, metrics=[Point(*metric) for metric in metrics])


def _log_tags(run_id: str, tags: list[tuple[str, str]]) -> None:
    import_mlflow()
    from mlflow.entities import RunTag

    client().log_batch(run_id, tags=[RunTag(name, value) for name, value in tags])


def _give_artifacts(folder: RunFolder, artifacts: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Send files, each once; those that could not be sent, with why. One that is no longer there is not missed."""
    failures = {}
    for name, place in dict.fromkeys(artifacts):
        path = folder.file(name)
        if not path.exists():
            continue
        try:
            client().log_artifact(folder.run_id, str(path), place or None)
        except Exception as error:  # each kind of artifact store has its own
            failures[name, place] = f"{name} was not taken: {fit_to_show(first_line(error))}."
    return failures
