"""What is deleted from the store for good: runs that are marked deleted, and files that runs left there.

MLflow's client can mark runs deleted alone. Where the store is a database, its rows are taken out as `mlflow gc` does
it; files are taken away only inside of the lab home. What can't be deleted from here is said.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.errors import LabError, RunNotFoundError
from core.home import home, inside
from core.tracking.store.connection import client, store_errors
from core.tracking.store.records import get_run


def purge_run(run_id: str) -> str:
    """Delete a run that is marked deleted for good, its files first; returns what is left of it, mostly nothing.

    It may be cut off anywhere and called again. Raises LabError for a run that is not marked deleted, StoreError or
    OSError when it can't be deleted now.
    """
    try:
        record = get_run(run_id)
    except RunNotFoundError:
        return ""
    if not record.deleted:
        raise LabError(f"Run {run_id[:8]} is not marked deleted in MLflow.")
    backend = client()._tracking_client.store
    by_hand = f"`mlflow gc --run-ids {run_id}` deletes it there."
    if not hasattr(backend, "_hard_delete_run"):
        return f"MLflow's server keeps what it has of run {run_id[:8]}, marked deleted; {by_hand}"
    place = _own_place(run_id, record.artifact_uri)
    if place is None:
        return f"MLflow keeps run {run_id[:8]}, marked deleted, since its files are outside of the lab home; {by_hand}"
    _remove(place.parent if place.parent.name == run_id else place)
    try:
        with store_errors(run_id):
            backend._hard_delete_run(run_id)
    except RunNotFoundError:  # somebody else was faster
        return ""
    return ""


def delete_files(run_id: str, names: list[str]) -> None:
    """Delete some of a run's artifacts, where these are inside of the lab home; elsewhere they stay.

    Raises RunNotFoundError, StoreError, OSError.
    """
    place = _own_place(run_id, get_run(run_id).artifact_uri)
    for name in names if place is not None else ():
        inside(place, name).unlink(missing_ok=True)


def _own_place(run_id: str, uri: str) -> Path | None:
    """The folder of a run's artifacts; None where it is not on this disk, not in the home, or not the run's alone."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    place = Path(unquote(parts.path) if parts.scheme else uri)
    root = home().root.resolve()
    real = place.resolve()
    if not place.is_absolute() or not real.is_relative_to(root) or run_id not in real.relative_to(root).parts:
        return None
    return real


def _remove(place: Path) -> None:
    try:
        shutil.rmtree(place)
    except FileNotFoundError:  # an earlier call got so far
        return
