"""What identifies a file's bytes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError

CHUNK = 2**20


@dataclass(frozen=True)
class Digests:
    """What identifies a file's bytes, all in hexadecimal."""

    size: int
    sha1: str
    sha256: str
    git_blob: str
    """As `git hash-object` prints it for the unfiltered bytes."""
    md5: str
    """As `dvc add` writes it (DVC 3)."""


def digests(path: Path) -> Digests:
    """All digests of a file in one pass. Raises LabError when it can't be read or changes meanwhile."""
    try:
        with path.open("rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise LabError(f"{path.name} is no file.")
            return _digests(iter(lambda: file.read(CHUNK), b""), info.st_size, path.name)
    except OSError as error:
        raise LabError(f"The dataset {path.name!r} can't be read: {error.strerror}.") from error


def digests_of(data: bytes) -> Digests:
    """All digests of bytes."""
    return _digests(iter([data]), len(data), "")


def _digests(chunks: Iterator[bytes], size: int, name: str) -> Digests:
    md5 = hashlib.md5(usedforsecurity=False)
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    read = 0
    for chunk in chunks:
        read += len(chunk)
        for digest in (md5, sha1, sha256, blob):
            digest.update(chunk)
    if read != size:
        raise LabError(f"The dataset {name!r} changed while it was read. Try again once it is written.")
    return Digests(size, sha1.hexdigest(), sha256.hexdigest(), blob.hexdigest(), md5.hexdigest())
