"""Runs that are being made: a note for each, so that a process killed meanwhile leaves none that waits in vain.

The store gives a run its id, so it is there before the job table has it. The note stands in the home before the store
is asked, with a token that the run carries as a tag; whoever looks after runs finds notes of dead processes. Before the
run has a folder the note names the run, so that nobody who looks for folders without a row takes it for a lost one.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from core.errors import StoreError
from core.files import read_object, write_quickly
from core.home import home
from core.jobs.process import alive, boot_id, started_at

KILLED = "The process that submitted it was killed before it was queued. Retry queues it."


@contextmanager
def announcing() -> Iterator[str]:
    """A token for a run that this process is about to make; its note is gone when the block ends. Raises StoreError."""
    token = uuid4().hex
    _note(token)
    try:
        yield token
    finally:
        forget(token)


def has_id(token: str, run_id: str) -> None:
    """Note which run it is, before it has a folder. Raises StoreError."""
    _note(token, run_id=run_id)


def _note(token: str, **known: str) -> None:
    note, pid = home().ensure().announced / f"{token}.json", os.getpid()
    try:
        note.parent.mkdir(exist_ok=True)
        write_quickly(note, json.dumps({"pid": pid, "pid_started": started_at(pid), "boot": boot_id()} | known))
    except OSError as error:
        raise StoreError(f"The lab home {home().root} can't be written: {error.strerror or error}.") from error


def left_behind() -> list[str]:
    """Tokens of runs whose makers are dead."""
    return [token for token, note in _notes() if not alive(note.get("pid"), note.get("pid_started"), note.get("boot"))]


def being_made() -> set[str]:
    """Ids of the runs that have no row yet: their makers are at it, or the courier is about to settle them."""
    return {note["run_id"] for _, note in _notes() if isinstance(note.get("run_id"), str)}


def _notes() -> Iterator[tuple[str, dict[str, Any]]]:
    if not home().announced.is_dir():
        return
    for path in home().announced.glob("*.json"):
        note = read_object(path)
        if note is not None or path.exists():  # else it was made meanwhile
            yield path.stem, note or {}


def forget(token: str) -> None:
    """Remove a note."""
    with contextlib.suppress(OSError):  # a home that became read-only: whoever looks next finds it again
        (home().announced / f"{token}.json").unlink(missing_ok=True)
