"""What happened to runs: who did what when, from which state to which, why, on which machine.

Every change of a job's state is an event, written in the transaction that changes it, and so is all else that people
or watchers do to it. The job table's file has those of all runs, in one order, for whoever follows them; each run's
folder has its own (`events.jsonl`), which outlive the table.
"""

from __future__ import annotations

import contextlib
import json
import platform
import sqlite3
import time
from dataclasses import asdict, dataclass

from core import people
from core.people import acting_as, actor, this_process_is
from core.plain_text import fit_to_show
from core.runs import RunFolder, run_folder
from core.runs.states import ENDED

TABLE = """CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
time REAL NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, machine TEXT NOT NULL, before TEXT, after TEXT,
why TEXT NOT NULL DEFAULT '')"""

_OVER = ", ".join(repr(state) for state in (*ENDED, "paused"))
LAB = "lab"
"""Who did what the program does by itself, whoever's look set it off."""

__all__ = [
    "LAB",
    "Event",
    "acting_as",
    "actor",
    "newest",
    "of_run",
    "prepare",
    "process_name",
    "record",
    "since",
    "this_process_is",
]


@dataclass(frozen=True)
class Event:
    """One thing that happened to a run."""

    id: int
    """Place in the order of all events of this lab."""
    run_id: str
    time: float
    """Unix time in seconds."""
    kind: str
    """`submitted`, `state`, or what was done: moved, edited, held, released, watcher, retry, binned, restored …"""
    who: str
    """A person, or the part of the program that did it by itself."""
    machine: str
    before: str | None
    after: str | None
    """State before and after, or the value that was changed."""
    why: str


def process_name() -> str:
    """What this process is, as said by `this_process_is`; `LAB` for any that looks."""
    return people.process_name() or LAB


def prepare(connection: sqlite3.Connection) -> None:
    """Create the events' table where there is none."""
    connection.execute(TABLE)
    connection.execute("CREATE INDEX IF NOT EXISTS events_run ON events (run_id)")


def record(
    connection: sqlite3.Connection,
    run_id: str,
    kind: str,
    before: str | None = None,
    after: str | None = None,
    why: str = "",
) -> int:
    """Add an event, in the transaction that makes it true; returns its id."""
    event = Event(0, run_id, time.time(), kind, actor(), platform.node(), before, after, fit_to_show(why))
    values = {name: value for name, value in asdict(event).items() if name != "id"}
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    added = f"INSERT INTO events ({names}) VALUES ({marks}) RETURNING id"
    number = connection.execute(added, tuple(values.values())).fetchone()[0]
    # the store has the events of a run that is over, and gets them again
    connection.execute(f"UPDATE jobs SET synced = 0 WHERE run_id = ? AND state IN ({_OVER})", (run_id,))
    folder = run_folder(run_id)
    if folder.exists:
        with contextlib.suppress(OSError):  # a full disk: the table itself is what counts
            folder.add_event({"id": number} | values)
    return number


def of_run(folder: RunFolder) -> list[Event]:
    """All events of a run, the oldest first, from its folder."""
    return [event for line in folder.event_lines() if (event := _event(line)) is not None]


def _event(line: str) -> Event | None:
    try:
        return Event(**json.loads(line))
    except (ValueError, TypeError, RecursionError):  # cut off by a crash, or written by another program
        return None


def since(connection: sqlite3.Connection, last: int, limit: int = 500) -> list[Event]:
    """Events after the one with the id `last`, in order; the newest `limit` of them at most."""
    rows = connection.execute("SELECT * FROM events WHERE id > ? ORDER BY id DESC LIMIT ?", (last, limit)).fetchall()
    return [Event(**dict(row)) for row in reversed(rows)]


def newest(connection: sqlite3.Connection) -> int:
    """The id of the newest event; 0 where nothing has happened yet."""
    return connection.execute("SELECT COALESCE(MAX(id), 0) FROM events").fetchone()[0]
