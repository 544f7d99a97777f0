"""The ledger of versions: every one that was uploaded or used by a run is kept, and is never changed.

A version is a line of `datasets.jsonl` and a copy of its bytes under `data/.versions/BLOB`, named by its Git blob id.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from core.data_folder import kept_copy
from core.digests import Digests, digests, digests_of
from core.errors import LabError
from core.files import write_whole
from core.home import home

Why = Literal["upload", "run"]
"""The occasion on which a version was seen."""


@dataclass(frozen=True)
class Version:
    """The bytes that a dataset had when it was uploaded or used."""

    path: str
    """Relative to the data folder."""
    digests: Digests
    seen: float
    """Unix time."""
    why: Why
    columns: str | None = None
    """What its columns stand for (`core.datasets.mapping`); None: what they are called."""


def record(name: str, data: bytes, why: Why, columns: str | None = None) -> Version:
    """Keep a version's bytes and note that it was seen. Raises LabError when the disk does not take it."""
    version = Version(name, digests_of(data), time.time(), why, columns)
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
    data = {"path": version.path, **asdict(version.digests), "seen": version.seen, "why": version.why}
    line = json.dumps(data | ({"columns": version.columns} if version.columns else {}))
    home().ensure()
    with _ledger().open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":  # a line that a crash cut off: it stays, and stays apart
                file.write(b"\n")
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _ledger() -> Path:
    return home().root / "datasets.jsonl"


def versions() -> list[Version]:
    """Every time a version was uploaded or used, oldest first."""
    path = _ledger()
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            data = json.loads(line)
            known = Digests(**{field.name: data[field.name] for field in fields(Digests)})
            found.append(Version(data["path"], known, data["seen"], data["why"], data.get("columns")))
        except (ValueError, KeyError, TypeError):
            continue  # the line a crash cut off
    return found


def added_as(name: str, git_blob: str) -> Version | None:
    """The last time that a version was added by a person, who said then what its columns stand for."""
    found = (v for v in reversed(versions()) if v.path == name and v.digests.git_blob == git_blob and v.why == "upload")
    return next(found, None)


def recorded(name: str) -> set[str]:
    """Git blob ids of the recorded versions of a dataset."""
    return {version.digests.git_blob for version in versions() if version.path == name}
