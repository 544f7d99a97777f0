"""Small files written whole or not at all, and read without surprises."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def write_whole(path: Path, data: str | bytes, mode: int = 0o644) -> None:
    """Write a file that is complete and on disk before it takes its name; a full disk leaves the old one.

    Raises OSError.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on disk, new ones too."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_quickly(path: Path, text: str) -> None:
    """Write a file that is complete when it takes its name, without waiting for the disk. Raises OSError."""
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


HALF = ".half-"
"""How names of what is half written begin."""
STALE_S = 3600.0
"""What was not written to for so long nobody writes any more."""


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A place beside a file, of its suffix in small letters; what is there takes the name once whole, or is gone.

    What a writer that was killed left there half written is removed by the next one, after a while.
    """
    _sweep(path.parent)
    temporary = path.with_name(f"{HALF}{uuid.uuid4().hex}{path.suffix.lower()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """A folder beside a file for what is written on the way to it; gone afterwards. What was killed goes likewise."""
    _sweep(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=HALF) as folder:
        yield Path(folder)


def _sweep(folder: Path) -> None:
    for path in folder.glob(f"{HALF}*"):
        with contextlib.suppress(OSError):  # another process sweeps, too, or it is somebody else's
            parts = [path, *path.rglob("*")]
            if time.time() - max(part.stat().st_mtime for part in parts) < STALE_S:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


LARGEST = 8_000_000
"""Bytes of a small file that is read; a funnel or a certificate has some ten thousand."""


def read_object(path: Path, sound: Callable[[dict[str, Any]], bool] = lambda data: True) -> dict[str, Any] | None:
    """The JSON object in a file; None where there is no file, or no object in it, or none that is `sound`.

    Files are written by rename, so only a power cut, a damaged disk or a person leaves half of one: it says nothing,
    and `unreadable` says why.
    """
    data, why = _object(path, sound)
    return None if why else data


def unreadable(path: Path, sound: Callable[[dict[str, Any]], bool] = lambda data: True) -> str | None:
    """Why `read_object` finds nothing in a file, in words; None where it finds something."""
    return _object(path, sound)[1]


def _object(path: Path, sound: Callable[[dict[str, Any]], bool]) -> tuple[Any, str | None]:
    try:
        data = json.loads(read_bounded(path).decode("utf-8"))
    except OSError as error:
        return None, (error.strerror or str(error)).lower()
    except (ValueError, RecursionError):
        return None, "it is no JSON"
    if not isinstance(data, dict):
        return None, "it is no JSON object"
    return (data, None) if sound(data) else (None, "it holds other values than this program writes")


def read_bounded(path: Path, largest: int = LARGEST) -> bytes:
    """A file's bytes. Raises OSError, also for one that is larger than `largest`."""
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(errno.EFBIG, f"It has more than {largest / 1e6:.0f} MB")
    return data


def finite(data: dict[str, Any]) -> dict[str, Any]:
    """Data for JSON, which has no word for what is not finite: that is null, and `not_finite` says of each what it was.

    `not_finite` holds a reason by path, `regions.0.max_residual`; what was made finite before keeps its own.
    """
    reasons: dict[str, str] = {}
    plain = _finite(data, "", reasons)
    return plain | ({"not_finite": plain.get("not_finite", {}) | reasons} if reasons else {})


def _finite(value: Any, where: str, reasons: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item, f"{where}.{key}" if where else str(key), reasons) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item, f"{where}.{index}", reasons) for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        reasons[where] = "not a number" if math.isnan(value) else "infinite" if value > 0 else "minus infinite"
        return None
    return value
