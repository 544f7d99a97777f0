"""Versions of datasets: every one that was uploaded or used by a run is kept, and is never changed.

A version is a line of `datasets.jsonl` and a copy of its bytes under `data/.versions/BLOB`, named by its Git blob id.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from core.datasets.files import current, kept_copy, locate
from core.datasets.identity import Digests, digests, digests_of
from core.errors import LabError
from core.files import write_whole
from core.home import home


@dataclass(frozen=True)
class Version:
    """The bytes that a dataset had when it was uploaded or used."""

    path: str
    """Relative to the data folder."""
    digests: Digests
    seen: float
    """Unix time."""
    why: Literal["upload", "run"]


@dataclass(frozen=True)
class Dataset:
    """A dataset's file as it is now, and its recorded versions, oldest first, each once."""

    path: str
    now: Digests | None
    """None when the file was removed or can't be read."""
    changed: float | None
    """Unix time of the file's last change."""
    versions: tuple[Version, ...]
    trouble: str = ""
    """Why `now` is None, as a sentence."""

    @property
    def removed(self) -> bool:
        """Whether there is nothing under its name any more."""
        return (
            self.now is None and not (home().data / self.path).is_symlink() and not (home().data / self.path).exists()
        )

    def known(self) -> list[Digests]:
        """Its versions, newest first; the present one leads where it was never recorded."""
        recorded = [version.digests for version in reversed(self.versions)]
        return recorded if self.now is None or self.now in recorded else [self.now, *recorded]

    def standing(self) -> str:
        """The file beside its recorded versions, in a few words."""
        if self.now is None:
            return "removed" if self.removed else "can't be read"
        if not self.versions:
            return "not used yet"
        if self.now == self.versions[-1].digests:
            return "unchanged"
        return "an earlier version" if self.now in self.known()[1:] else "changed, not used yet"


def record(name: str, data: bytes, why: Literal["upload", "run"]) -> Version:
    """Keep a version's bytes and note that it was seen. Raises LabError when the disk does not take it."""
    version = Version(name, digests_of(data), time.time(), why)
    kept = kept_copy(version.digests.git_blob)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.is_file() or digests(kept) != version.digests:
            write_whole(kept, data, 0o444)
        _append(version)
    except OSError as error:
        raise LabError(f"The dataset {name!r} could not be kept: {error.strerror}.") from error
    return version


def _append(version: Version) -> None:
    line = json.dumps({"path": version.path, **asdict(version.digests), "seen": version.seen, "why": version.why})
    with _records().open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":  # a line that a crash cut off: it stays, and stays apart
                file.write(b"\n")
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _records() -> Path:
    return home().ensure().root / "datasets.jsonl"


def versions() -> list[Version]:
    """Every time a version was uploaded or used, oldest first."""
    path = home().root / "datasets.jsonl"
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            data = json.loads(line)
            known = Digests(**{field.name: data[field.name] for field in fields(Digests)})
            found.append(Version(data["path"], known, data["seen"], data["why"]))
        except (ValueError, KeyError, TypeError):
            continue  # the line a crash cut off
    return found


def datasets() -> list[Dataset]:
    """Every file in the data folder and every dataset that has a recorded version, by name.

    Left out are hidden files, links that lead out of the folder or nowhere, and names that are no text.
    """
    known: dict[str, dict[str, Version]] = {}
    for version in versions():
        known.setdefault(version.path, {}).setdefault(version.digests.git_blob, version)
    return [_dataset(name, tuple(known.get(name, {}).values())) for name in sorted({*known, *_names()})]


def _names() -> Iterator[str]:
    folder = home().data.resolve()
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        text = name.as_posix().isprintable()  # undecodable bytes are not
        if text and not hidden and path.is_file() and path.resolve().is_relative_to(folder):
            yield name.as_posix()


def _dataset(name: str, seen: tuple[Version, ...]) -> Dataset:
    try:
        now = current(name)
        return Dataset(name, now, locate(name).stat().st_mtime, seen)
    except (LabError, FileNotFoundError) as error:
        return Dataset(name, None, None, seen, str(error))


def recorded(name: str) -> set[str]:
    """Git blob ids of the recorded versions of a dataset."""
    return {version.digests.git_blob for version in versions() if version.path == name}


def since(git_blob: str, dataset: Dataset) -> str:
    """What became of a version's file since: same, changed to another version, removed or unreadable."""
    if dataset.now is None:
        return "removed" if dataset.removed else "can't be read"
    return "same" if dataset.now.git_blob == git_blob else f"changed to {dataset.now.git_blob[:12]}"
