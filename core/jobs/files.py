"""The small files of a run's directory: written whole or not at all, read without surprises."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from core.home import home


def write_whole(path: Path, text: str) -> None:
    """Write a text file that is complete and on disk before it takes its name; a full disk leaves the old one.

    Raises OSError.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name is on disk too
    finally:
        os.close(folder)


def write_exit(run_id: str, attempt: int, state: str, reason: str) -> None:
    """The run's last word. Raises OSError."""
    data = {"state": state, "reason": reason, "attempt": attempt}
    write_whole(home().run_dir(run_id) / "exit.json", json.dumps(data))


def read_exit(run_id: str, attempt: int) -> dict[str, Any] | None:
    """What the run itself said at its end, if this attempt got to say it."""
    record = _read(home().run_dir(run_id) / "exit.json")
    return record if record is not None and record.get("attempt") == attempt else None


def progress(run_id: str) -> dict[str, Any] | None:
    """Where the trainer stands, as it last wrote it; None before the first iteration."""
    return _read(home().run_dir(run_id) / "progress.json")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return None  # written by rename, so only a power cut or a damaged disk leaves half a file: it says nothing
    return data if isinstance(data, dict) else None
