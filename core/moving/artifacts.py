"""Artifacts of runs sent to where the database's MLflow keeps them, file by file, each compared with what is there.

A file counts once it was read back with the size and the SHA-256 that it has here. That is noted, so a move that was
cut off sends the rest. Files here are read and never changed; a run has its new address only when all of it is there.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from core.errors import LabError, StoreError
from core.home import home
from core.moving.notes import Notes
from core.plain_text import fit_to_show
from core.tracking.store.connection import first_line
from core.tracking.store.importing import import_mlflow

LONGEST = 200
"""Characters that a server's column has for the address of a run's artifacts."""


class NotTakenError(StoreError):
    """The place of the artifacts did not take a file, or does not give it back as it was."""


class Mover:
    """Sends files of this machine to an experiment's own place, where that is another.

    Args:
        notes: of what was moved already.
    """

    def __init__(self, notes: Notes):
        self._notes = notes

    def move(self, run_id: str, uri: str, location: str | None) -> tuple[str, int]:
        """The address of a run's artifacts from now on, and how many files were sent now.

        Args:
            run_id: the run.
            uri: where they are.
            location: where the experiment is to have its artifacts; None where they stay.

        The address stays as it is where nothing is there, and nothing was sent before.

        Raises NotTakenError for a file that does not arrive as it is, LabError for one that can't be read here.
        """
        folder = local_folder(uri)
        if location is None or folder is None or _is_inside(folder, location):
            return uri, 0
        target = f"{location.rstrip('/')}/{run_id}/artifacts"
        if len(target) > LONGEST:
            raise LabError(
                f"The artifacts of run {run_id[:8]} would have an address of more than {LONGEST} characters: {target}"
            )
        if not folder.is_dir():  # it left nothing, or its disk is not there, or all was sent and taken away since
            return (uri if self._notes.digest(target) is None else target), 0
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        sent = self._send(folder, files, target)
        self._notes.put(target, f"{len(files)} files")
        return target, sent

    def _send(self, folder: Path, files: Iterable[Path], target: str) -> int:
        """Send what was not sent before, or was another file then; returns how many."""
        sent, door = 0, None
        for path in files:
            name = path.relative_to(folder).as_posix()
            known = _known(path)
            if self._notes.digest(f"{target}/{name}") == known:
                continue
            door = door or repository(target)
            _give(door, path, name, known, target)
            self._notes.put(f"{target}/{name}", known)
            sent += 1
        return sent


def place_of_all(location: str, number: str) -> str | None:
    """Where a database's experiments are to have their artifacts; None where each machine has those of its own runs.

    Args:
        location: where the lab's own experiment has them. A folder gives way to what `LAB_ARTIFACTS` names.
        number: its id.
    """
    if local_folder(location) is None:
        return location.removesuffix(f"/{number}").rstrip("/")
    by_server = home().tracking_uri.startswith(("http:", "https:"))
    named = "" if by_server else os.environ.get("LAB_ARTIFACTS", "")
    return named.rstrip("/") or None


def local_folder(uri: str) -> Path | None:
    """The folder of this machine that an address names; None for any other place."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    return Path(unquote(parts.path) if parts.scheme else uri)


def repository(uri: str) -> Any:
    """MLflow's door to a place of artifacts: a folder, a bucket, a server that has one. Raises NotTakenError."""
    import_mlflow()
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        return get_artifact_repository(uri, tracking_uri=home().tracking_uri)
    except Exception as error:  # each kind of artifact store has its own
        raise NotTakenError(f"Artifacts can't be sent to {uri}: {_words(error)}.") from error


def _is_inside(folder: Path, location: str) -> bool:
    root = local_folder(location)
    return root is not None and folder.is_relative_to(root)


def _known(path: Path) -> str:
    """A file's size and digest. Raises LabError."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return f"{file.tell()} bytes, sha256 {digest}"
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror or error}.") from error


def _give(door: Any, path: Path, name: str, known: str, target: str) -> None:
    """Send a file and read it back. Raises NotTakenError."""
    place = name.rpartition("/")[0]
    try:
        door.log_artifact(str(path), place or None)
        with tempfile.TemporaryDirectory() as back:
            found = _known(Path(door.download_artifacts(name, back)))
    except Exception as error:  # each kind of artifact store has its own
        raise NotTakenError(f"{name} can't be sent to {target}: {_words(error)}.") from error
    if found != known:
        raise NotTakenError(f"{name} came back from {target} otherwise than it was sent: {found} for {known}.")


def _words(error: BaseException) -> str:
    return fit_to_show(first_line(error)).rstrip(".")
