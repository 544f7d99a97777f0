"""Sweeps in the bin: a note in a sweep's folder, until it is restored or the bin is emptied (`core.jobs.retention`).

The folder stays where it is meanwhile, as a run's does. What a sweep is stands above (`core.sweeps`); who empties the
bin needs to know of it that it is a folder with a note, a lock, and a study where the lab's database keeps those.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.errors import LabError, StoreError
from core.files import read_object, write_whole
from core.home import RUN_ID, SOURCE, home
from core.jobs import events
from core.jobs.database import transaction
from core.jobs.slot_lock import busy, hold
from core.jobs.sweeping import OPEN, lock_name

NOTE = "binned.json"
"""Name of the note in a sweep's folder."""
ASKED = "sweep.json"
"""Name of the file that makes a folder a sweep's: what was asked for."""
FORGET = (sys.executable, "-m", "core.sweeps.forgetting")
"""How a sweep's study is taken out of the lab's database, without the sweep's id."""
FORGET_S = 120.0


@dataclass(frozen=True)
class Binned:
    """A sweep in the bin."""

    sweep_id: str
    name: str
    binned: float
    """When it was put there, in Unix seconds."""
    trials: tuple[str, ...]
    """Runs of its trials that went with it."""

    @property
    def path(self) -> Path:
        """Its folder."""
        return home().sweeps / self.sweep_id


def note_of(path: Path) -> dict[str, Any] | None:
    """What the note in a sweep's folder says; None where it is not in the bin."""
    return read_object(path / NOTE, _is_note)


def _is_note(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("binned"), int | float) and isinstance(data.get("trials"), list)


def put(path: Path, trials: Collection[str]) -> None:
    """Note that a sweep is in the bin, and which runs go with it. Raises OSError."""
    write_whole(path / NOTE, json.dumps({"binned": time.time(), "trials": list(trials)}))


def take_out(path: Path) -> None:
    """It is in the bin no more. Raises OSError."""
    (path / NOTE).unlink(missing_ok=True)


def content(only: Collection[str] | None = None) -> list[Binned]:
    """The sweeps in the bin, or those of some ids, the one that was put there last first."""
    found = []
    for path in home().sweeps.glob(f"*/{NOTE}") if home().sweeps.is_dir() else ():
        folder = path.parent
        if RUN_ID.fullmatch(folder.name) and (only is None or folder.name in only) and (note := note_of(folder)):
            name = (read_object(folder / ASKED) or {}).get("name")
            found.append(Binned(folder.name, str(name or folder.name[:8]), note["binned"], tuple(note["trials"])))
    return sorted(found, key=lambda one: -one.binned)


def how_to_stop(sweep_id: str) -> str:
    """What people do before they delete a sweep that is at work."""
    return f"Stop it first: `python -m core sweep stop {sweep_id[:8]}`."


@contextmanager
def at_rest(sweep_id: str) -> Iterator[None]:
    """Hold a sweep's lock, so that no process of it begins. Raises LabError while it is at work."""
    lock: IO[str] | None = hold(lock_name(sweep_id))
    if lock is None:
        raise LabError(f"The sweep {sweep_id[:8]} is at work. {how_to_stop(sweep_id)}")
    with lock:
        yield


def idle(path: Path) -> bool:
    """Whether a sweep neither is at work nor is to go on."""
    name = lock_name(path.name)
    held = (home().slots / f"{name}.lock").exists() and busy(name)  # to look makes the file
    return not held and not (path / OPEN).exists()


def forget_study(sweep_id: str) -> None:
    """Take a sweep's study out of the lab's database; a home without one has it in the folder. Raises StoreError."""
    if not home().database:
        return
    try:
        done = subprocess.run(
            [*FORGET, sweep_id], cwd=SOURCE, capture_output=True, text=True, timeout=FORGET_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StoreError(f"The study of sweep {sweep_id[:8]} can't be deleted: {error}.") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise StoreError(f"The study of sweep {sweep_id[:8]} can't be deleted: {said[-1] if said else done.returncode}")


def forget(one: Binned) -> None:
    """Take out what the job table has of a sweep that is deleted for good; that it was deleted stays noted."""
    with transaction() as connection:
        connection.execute("DELETE FROM events WHERE run_id = ?", (one.sweep_id,))
        connection.execute("DELETE FROM fired WHERE run_id = ?", (one.sweep_id,))
        events.record(connection, one.sweep_id, "deleted for good", why=f"It was the sweep {one.name!r}.")


def remove_traces(sweep_id: str) -> None:
    """Delete its lock and its log. Raises OSError."""
    for end in ("lock", "log"):
        (home().slots / f"{lock_name(sweep_id)}.{end}").unlink(missing_ok=True)
