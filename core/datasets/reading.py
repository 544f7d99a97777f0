"""Where a dataset's file is read: what is small and can't unpack to more here, everything else in a child."""

from __future__ import annotations

import io
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from core.datasets.child import read_in_child
from core.datasets.tables import FORMATS, Table, read_file
from core.digests import digests_of

SMALL = 2**20
"""Bytes of a file that is read in the process that asks."""
KEPT = 4
"""Tables that are remembered; large ones are maps of files, so that they cost little memory."""

_remembered: OrderedDict[tuple[str, str], Table] = OrderedDict()
_lock = threading.Lock()


def table_of_bytes(
    name: str, data: bytes, git_blob: str | None = None, told: Callable[[float], None] = lambda part: None
) -> Table:
    """What a file's bytes hold; the last few are remembered by their Git blob ids.

    Args:
        name: of the file; its end says the format.
        data: its bytes.
        git_blob: their id, where it is known already.
        told: is told how much has been read, from 0 to 1; what it raises ends the reading.

    Raises:
        LabError: what the file has instead of a table, or that it is too much to read.
    """
    key = (Path(name).suffix.lower(), git_blob or digests_of(data).git_blob)
    with _lock:
        if key in _remembered:
            _remembered.move_to_end(key)
            return _remembered[key]
    table = read_file(name, data, told) if _harmless(key[0], data) else read_in_child(name, data, told)
    with _lock:
        _remembered[key] = table
        while len(_remembered) > KEPT:
            _remembered.popitem(last=False)
    return table


def _harmless(suffix: str, data: bytes) -> bool:
    """Whether reading these bytes can take neither long nor much memory."""
    if suffix not in FORMATS:
        return True  # is refused at once
    if len(data) > SMALL or suffix in (".mat", ".parquet"):
        return False
    return suffix != ".npz" or _unpacked(data) <= SMALL


def _unpacked(data: bytes) -> float:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            plain = all(item.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for item in archive.infolist())
            return sum(item.file_size for item in archive.infolist()) if plain else float("inf")
    except Exception:  # whatever is wrong with it is said where it is read
        return float("inf")
