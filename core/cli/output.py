"""What commands write: one line for an error, JSON where it was asked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from core.errors import LabError


def print_error(error: LabError) -> None:
    """An error as one line on stderr."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)


def check_writable(path: Path | None) -> None:
    """Raise LabError, before any work is done for it, when a file can't be written."""
    if path is not None and not path.absolute().parent.is_dir():
        raise LabError(f"{path} can't be written: there is no folder {path.absolute().parent}.")


def write_json(path: Path | None, data: dict) -> None:
    """Write a result, where a file was named for it."""
    if path:
        path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
