"""Runs that are being made: a note for each, so that a process killed meanwhile leaves none that waits in vain.

The store gives a run its id, so it is there before the job table has it. The note stands in the home before the store
is asked, with a token that the run carries as a tag; whoever looks after runs finds notes of dead processes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
    note = home().ensure().announced / f"{token}.json"
    try:
        note.parent.mkdir(exist_ok=True)
        pid = os.getpid()
        write_quickly(note, json.dumps({"pid": pid, "pid_started": started_at(pid), "boot": boot_id()}))
    except OSError as error:
        raise StoreError(f"The lab home {home().root} can't be written: {error.strerror or error}.") from error
    try:
        yield token
    finally:
        forget(token)


def left_behind() -> list[str]:
    """Tokens of runs whose makers are dead."""
    if not home().announced.is_dir():
        return []
    left = []
    for note in home().announced.glob("*.json"):
        maker = read_object(note)
        if maker is None and not note.exists():
            continue  # it was made meanwhile
        maker = maker or {}
        if not alive(maker.get("pid"), maker.get("pid_started"), maker.get("boot")):
            left.append(note.stem)
    return left


def forget(token: str) -> None:
    """Remove a note."""
    with contextlib.suppress(OSError):  # a home that became read-only: whoever looks next finds it again
        (home().announced / f"{token}.json").unlink(missing_ok=True)
