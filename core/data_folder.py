"""Files in the lab's data folder, found by name without leading out of it, read as the version that is asked for.

Tables and meshes alike: what is in them is read elsewhere.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from pathlib import Path

from core.digests import Digests, digests, digests_of
from core.errors import LabError
from core.home import home, inside

SETTLED_S = 2.0
"""A file that changed less than so long ago is read again: its times may not tell the next change apart."""

LONGEST_NAME = 200
"""Bytes; file systems take 255."""
KEPT = ".versions"
"""Folder in the data folder that holds a copy of every version, named by its Git blob id."""


def locate(name: str) -> Path:
    """The file of a dataset, links resolved.

    Raises LabError for absolute paths, "..", hidden names, links that lead out, and what is missing or is no file.
    """
    path = place_of(name)
    if not path.exists():
        raise LabError(
            f"There is no dataset {name!r} in {home().data}. Upload it, or make the sample, on the Datasets page "
            "or with `python -m core dataset`."
        )
    if not path.is_file():
        raise LabError(f"The dataset {name!r} is no file.")
    return path


def names_of_files() -> list[str]:
    """Names of all files in the folder; no hidden ones, none that lead out of it, and none that are no text."""
    folder = home().data.resolve()
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        text = name.as_posix().isprintable()  # undecodable bytes are not
        if text and not hidden and path.is_file() and path.resolve().is_relative_to(folder):
            found.append(name.as_posix())
    return sorted(found)


def place_of(name: str) -> Path:
    """Where a dataset of this name is or would be."""
    parts = Path(name).parts
    short = len(name.encode("utf-8", "replace")) <= LONGEST_NAME
    plain = short and parts and "\0" not in name and Path(name).as_posix() == name and not Path(name).is_absolute()
    if not plain or any(part.startswith(".") for part in parts):
        raise LabError(
            f"{name!r} is no dataset's name: it is a path below {home().data}, without '..' or hidden parts."
        )
    try:
        path = inside(home().data, name)
    except (OSError, RuntimeError) as error:  # links in a circle
        raise LabError(f"The dataset {name!r} can't be found: {error}.") from error
    if path.is_relative_to((home().data / KEPT).resolve()):
        raise LabError(f"{name!r} leads to a kept version, which is never a dataset of its own.")
    return path


def current(name: str) -> Digests:
    """Digests of a dataset as it is now; a file that did not change is not read twice. Raises LabError."""
    return digests_at(locate(name))


def digests_at(path: Path) -> Digests:
    """Digests of a file in the folder, the same way. Raises LabError."""
    info = path.stat()
    if time.time() - max(info.st_mtime, info.st_ctime) < SETTLED_S:
        return digests(path)
    return _remembered(path, info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


@lru_cache(maxsize=4096)
def _remembered(path: Path, *_: int) -> Digests:
    return digests(path)


def read(name: str, git_blob: str | None = None) -> tuple[bytes, Digests]:
    """The bytes of a version, from its kept copy or the file itself; without a version the file as it is now.

    Raises LabError when they are gone, or are not what the version's id says.
    """
    if git_blob is None:
        data = bytes_of(locate(name))
        return data, digests_of(data)
    kept, gone = kept_copy(git_blob), ""
    place = place_of(name)
    for path in (kept, place):
        if path.is_file():
            data = bytes_of(path)
            found = digests_of(data)
            if found.git_blob == git_blob:
                return data, found
            gone = f"{path.relative_to(home().data.resolve())} holds other bytes"
    raise LabError(
        f"Version {git_blob[:12]} of the dataset {name!r} is gone: {gone or 'there is no such file and no kept copy'}. "
        "Put its file back, or leave the version empty to use the file as it is."
    )


def bytes_of(path: Path) -> bytes:
    """A file's bytes. Raises LabError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabError(f"The dataset {path.name!r} can't be read: {error.strerror}.") from error


def kept_copy(git_blob: str) -> Path:
    """Where the copy of a version is or would be. Raises LabError for what is no version's id."""
    if not re.fullmatch(r"[0-9a-f]{40}", git_blob):
        raise LabError(f"{git_blob!r} is no version of a dataset: it is a Git blob id, 40 hexadecimal digits.")
    return home().data.resolve() / KEPT / git_blob
