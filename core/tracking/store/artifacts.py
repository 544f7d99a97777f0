"""Files that runs left in the store, and their configs among them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.config import RunConfig
from core.errors import ConfigError, StoreError
from core.migrations import Reading
from core.runs import RunFolder
from core.runs.folder import CONFIG, LARGEST, config_of
from core.tracking.store.connection import client, first_line, store_errors
from core.tracking.store.importing import import_mlflow
from core.tracking.store.records import get_run
from core.tracking.tags import CONFIG_HASH


def artifact(folder: RunFolder, name: str) -> bytes | None:
    """A file that a run left: the one in its own folder, else the one in the store; None where there is neither.

    Raises RunNotFoundError for a run that is in neither, LabError for a file that can't be read.
    """
    local = folder.read(name)
    if local is not None:
        return local
    lab, run_id = client(), folder.run_id
    get_run(run_id)
    import_mlflow()
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as temporary, store_errors(run_id):
        sizes = {item.path: item.file_size or 0 for item in lab.list_artifacts(run_id)}
        if name not in sizes:
            return None
        if sizes[name] > LARGEST:
            raise StoreError(
                f"{name} of run {folder} has {sizes[name] / 1e6:,.0f} MB, and such a file at most {LARGEST / 1e6:.0f}."
            )
        try:
            return Path(lab.download_artifacts(run_id, name, temporary)).read_bytes()
        except (MlflowException, OSError) as error:
            raise StoreError(f"{name} of run {folder} can't be fetched: {first_line(error)}") from error


def fetch_artifact(folder: RunFolder, name: str) -> Path | None:
    """A local copy of an ended run's artifact, kept in the lab home; None when it has none."""
    copy = folder.fetched(name)
    if copy.exists():
        return copy
    import_mlflow()
    from mlflow.exceptions import MlflowException

    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent) as temporary:
        try:
            fetched = Path(client().download_artifacts(folder.run_id, name, temporary))
        except (MlflowException, OSError):
            return None  # MLflow has no question "is there?" that is cheaper than asking for it
        fetched.replace(copy)
    return copy


def run_config(folder: RunFolder) -> RunConfig:
    """The config a run was made from, as this version reads it. Raises like `stored_config`."""
    return stored_config(folder).config


def stored_config(folder: RunFolder) -> Reading:
    """The config a run was made from, and what this version reads otherwise: local copy first, then the artifact.

    Raises RunNotFoundError, or ConfigError for a run without one (made by another program, or by a newer one).
    """
    raw = artifact(folder, CONFIG)
    if raw is None:
        made_here = CONFIG_HASH in get_run(folder.run_id).tags
        why = "its artifact is gone" if made_here else "it was made by another program"
        raise ConfigError([f"run {folder.run_id} has no {CONFIG}: {why}"])
    return config_of(raw, str(folder))
