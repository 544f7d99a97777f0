"""Artifacts of runs sent to where the database's MLflow keeps them, and looked at there."""

from __future__ import annotations

import filecmp
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.errors import StoreError
from core.home import home
from core.plain_text import fit_to_show
from core.tracking.store.connection import first_line
from core.tracking.store.importing import import_mlflow

LONGEST = 200
"""Characters that a server's column has for the address of a run's artifacts."""


class Mover:
    """Sends what lies in files of this machine to an experiment's own place, where that is another."""

    def move(self, run_id: str, uri: str, location: str) -> tuple[str, int]:
        """The address of a run's artifacts from now on, and how many files were sent.

        Args:
            run_id: the run.
            uri: where they are.
            location: where the experiment has its artifacts now.

        Raises StoreError where one of them does not arrive as it is.
        """
        folder = local_folder(uri)
        if folder is None or local_folder(location) is not None:
            target, sent = uri, 0
        else:
            target = f"{location.rstrip('/')}/{run_id}/artifacts"
            sent = _send(folder, target) if folder.is_dir() else 0
        if len(target) > LONGEST:
            raise StoreError(
                f"The artifacts of run {run_id[:8]} have an address of more than {LONGEST} characters: {target}"
            )
        return target, sent


def local_folder(uri: str) -> Path | None:
    """The folder of this machine that an address names; None for any other place."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    return Path(unquote(parts.path) if parts.scheme else uri)


def repository(uri: str):
    """MLflow's door to a place of artifacts, be it a folder, a bucket or a server that has one."""
    import_mlflow()
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(uri, tracking_uri=home().tracking_uri)


def _send(folder: Path, target: str) -> int:
    """Send a folder's files and read each back; returns how many. Raises StoreError."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    try:
        door = repository(target)
        for path in files:
            place = path.parent.relative_to(folder).as_posix()
            door.log_artifact(str(path), None if place == "." else place)
        with tempfile.TemporaryDirectory() as back:
            for path in files:
                name = path.relative_to(folder).as_posix()
                found = Path(door.download_artifacts(name, back))
                if not filecmp.cmp(path, found, shallow=False):
                    raise StoreError(f"{name} came back from {target} otherwise than it was sent.")
                found.unlink()
    except StoreError:
        raise
    except Exception as error:  # each kind of artifact store has its own
        raise StoreError(f"Artifacts can't be sent to {target}: {fit_to_show(first_line(error))}") from error
    return len(files)
