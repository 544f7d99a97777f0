"""What of a run was sampled before: looked up without waiting for the child that samples, and what becomes too old."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from core.errors import LabError

KEEP_S = 600.0
"""A replaced checkpoint's grid is kept for so long, since another visitor may be looking at it."""

KEPT = 24
"""Samples of a run that are kept, whatever they are of."""

_looking: ContextVar[bool] = ContextVar("looking", default=False)


class MissingError(LabError):
    """It was not sampled yet, and was only looked up."""


def looked_up(function: Callable[..., Path], *arguments: Any, **named: Any) -> Path | None:
    """The file that a function which samples would return, where it is there already; nothing is computed.

    None where it is not. Raises what the function raises on the way, LabError where there is no checkpoint.
    """
    token = _looking.set(True)
    try:
        return function(*arguments, **named)
    except MissingError:
        return None
    finally:
        _looking.reset(token)


def about_to_compute() -> None:
    """Said by what samples where a file is not there. Raises MissingError where it is only looked up."""
    if _looking.get():
        raise MissingError("It was not sampled yet.")


def is_kept(path: Path) -> bool:
    """Whether a sample is there; it counts as looked at now."""
    try:
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    except FileNotFoundError:
        return False
    return True


def forget(samples: Path, checkpoint: str) -> None:
    """Drop samples of other checkpoints, the oldest of more than `KEPT`, and what a killed writer left half written.

    Nothing that may be looked at now, or written.

    Args:
        samples: the folder.
        checkpoint: how names of the samples begin whose checkpoint was sampled just now.
    """
    for rank, (age, path) in enumerate(sorted(_aged(samples))):
        if age > KEEP_S and (rank >= KEPT or not path.name.startswith(checkpoint)):
            path.unlink(missing_ok=True)


def _aged(samples: Path) -> Iterator[tuple[float, Path]]:
    """Seconds since each sample was looked at, and since what is half written was written to."""
    for path in samples.glob("*.npz"):
        with contextlib.suppress(FileNotFoundError):  # another process forgets, too
            found = path.stat()
            yield time.time() - (found.st_mtime if path.name.startswith(".") else found.st_atime), path
