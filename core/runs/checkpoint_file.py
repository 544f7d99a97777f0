"""A checkpoint's file, looked at without torch: whether it is whole, and what it says of itself.

torch does not check the checksums in its files when it reads them: a flipped bit would become another weight.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import LabError

ABOUT = "about.json"
"""Entry of a checkpoint's archive with what is here; checkpoints of older programs have none."""

NUMBERS = ("iteration", "history_rows", "history_checksum", "stages")


class CheckpointError(LabError):
    """A checkpoint can't be used."""

    def __init__(self, path: Path, why: str):
        self.why = why
        super().__init__(f"The checkpoint {path.name} of run {path.parent.parent.name[:8]} can't be used: {why}.")


@dataclass(frozen=True)
class CheckpointFacts:
    """What a whole checkpoint says of itself; None where an older program did not note it."""

    path: Path
    problem: str | None = None
    config_hash: str | None = None
    iteration: int | None = None
    history_rows: int | None = None
    """Rows of the history up to it."""
    history_checksum: int | None = None
    """`core.runs.history_stream.checksum` of these."""
    stages: int | None = None
    """Terms of the sum that is its solution; in windows of time the most that one has."""

    @property
    def name(self) -> str:
        """`last`, `best`, `stage-1`."""
        return self.path.stem

    def __str__(self) -> str:
        return f"{self.path.name}" + ("" if self.iteration is None else f" (iteration {self.iteration:,})")


def note(path: Path, **facts: Any) -> None:
    """Add to a checkpoint's archive what it says of itself: the fields of `CheckpointFacts`. Raises OSError."""
    with zipfile.ZipFile(path, "a") as archive:
        folder = archive.infolist()[0].filename.partition("/")[0]
        archive.writestr(zipfile.ZipInfo(f"{folder}/{ABOUT}"), json.dumps(facts))


def look(path: Path) -> CheckpointFacts:
    """What a checkpoint says of itself, once all of its bytes were checked. Raises CheckpointError."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise LabError(f"There is no checkpoint {path.name} in {path.parent.parent.name} yet.") from None
    except OSError as error:
        raise CheckpointError(path, f"{error.strerror or error}".lower()) from None
    if path.is_dir():
        raise CheckpointError(path, "it is a folder")
    found = _looked(path, status.st_ino, status.st_mtime_ns, status.st_size)
    if isinstance(found, str):
        raise CheckpointError(path, found)
    return found


@lru_cache(maxsize=256)
def _looked(path: Path, inode: int, changed: int, size: int) -> CheckpointFacts | str:
    """The facts, or why there are none; once for each file, of which the last three arguments tell."""
    try:
        with path.open("rb") as file:
            beginning = file.read(4)
        if not beginning:
            return "it is empty (0 bytes)"
        if not zipfile.is_zipfile(path):
            torn = "it was cut off" if beginning == b"PK\x03\x04" else "it is something else than a checkpoint"
            return f"{torn} ({size:,} bytes)"
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename.partition("/")[2]: entry for entry in entries}
            if "data.pkl" not in names:
                return "it is an archive of something else"
            if sum(entry.file_size for entry in entries) > size:  # torch compresses nothing
                return "it is an archive that would become much larger when it is opened"
            if broken := archive.testzip():
                return f"it is damaged: {broken} in it is not what was written"
            about = json.loads(archive.read(names[ABOUT])) if ABOUT in names else {}
    except OSError as error:
        return f"{error.strerror or error}".lower()
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, EOFError, OverflowError):
        return f"it is damaged ({size:,} bytes)"
    return CheckpointFacts(path, **_sound(about))


def _sound(about: Any) -> dict[str, Any]:
    if not isinstance(about, Mapping):
        return {}
    numbers = {key: about[key] for key in NUMBERS if type(about.get(key)) is int}
    return numbers | {key: about[key] for key in ("problem", "config_hash") if isinstance(about.get(key), str)}
