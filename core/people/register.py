"""Who is kept out, which sessions have ended, which tokens there are: one file of the lab home, read when it changed.

It is written by rename under a lock, readable by its owner alone. Where it can't be read nobody is let in: a list of
those who are kept out must not be empty because a disk is damaged.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import LabError, StoreError
from core.files import read_bounded, write_whole
from core.home import home
from core.locks import one_at_a_time

LOCK_S = 10.0
PARTS = ("denied", "ended", "tokens")
"""sub → {at, by, why}; session → Unix time when it may be forgotten; id → what is known of a token."""

_lock = threading.Lock()
_known: dict[Path, tuple[Any, dict[str, dict[str, Any]]]] = {}


def register() -> dict[str, dict[str, Any]]:
    """All of it, not to be changed. Raises StoreError where it is there and can't be read."""
    path = home().people_register
    with _lock:
        try:
            found = path.stat()
            mark = found.st_mtime_ns, found.st_size, found.st_ino
        except FileNotFoundError:
            mark = None
        except OSError as error:
            raise StoreError(f"{path} can't be read: {error.strerror}. Nobody is let in until it can.") from None
        known = _known.get(path)
        if known is None or known[0] != mark:
            known = _known[path] = (mark, _read(path) if mark else {part: {} for part in PARTS})
        return known[1]


@contextmanager
def changing() -> Iterator[dict[str, dict[str, Any]]]:
    """The register, to be changed in this block, by one at a time. Raises StoreError, and then nothing was changed."""
    path = home().ensure().people_register
    try:
        with one_at_a_time(path.with_suffix(".lock"), LOCK_S):
            held = _read(path) if path.exists() else {part: {} for part in PARTS}
            before = json.dumps(held, sort_keys=True)
            yield held
            text = json.dumps(held, sort_keys=True, indent=1)
            if json.dumps(held, sort_keys=True) != before:
                write_whole(path, text, mode=0o600)
    except TimeoutError:
        raise StoreError(f"Another process has held {path} for {LOCK_S:.0f} s. Try again.") from None
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror or error}.") from None


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        data = json.loads(read_bounded(path).decode("utf-8"))
        if isinstance(data, dict) and all(_sound(data.get(part, {}), part) for part in PARTS):
            return {part: data.get(part, {}) for part in PARTS}
        why = "it holds other values than this program writes"
    except OSError as error:
        why = (error.strerror or str(error)).lower()
    except (ValueError, RecursionError):
        why = "it is no JSON"
    raise StoreError(
        f"{path} can't be read: {why}. Nobody is let in until it can, or is removed with all that it says."
    )


def _sound(part: Any, name: str) -> bool:
    wanted = (int, float) if name == "ended" else dict
    return isinstance(part, dict) and all(isinstance(value, wanted) for value in part.values())


def one_named(part: str, start: str, what: str) -> str:
    """The key in a part that begins with `start`. Raises LabError for none, and for several."""
    found = [key for key in register()[part] if key == start] or [
        key for key in register()[part] if key.startswith(start)
    ]
    if len(found) != 1 or not start:
        raise LabError(f"There is {'no' if not found else 'more than one'} {what} {start!r}.")
    return found[0]
