"""What happened to runs: who did what when, from which state to which, why, on which machine.

Every change of a job's state is an event, written in the transaction that changes it, and so is all else that people
or watchers do to it. The job table's file has those of all runs, in one order, for whoever follows them; each run's
folder has its own (`events.jsonl`), which outlive the table.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass

from core.plain_text import fit_to_show
from core.runs import RunFolder, run_folder
from core.runs.states import ENDED

TABLE = """CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
time REAL NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, machine TEXT NOT NULL, before TEXT, after TEXT,
why TEXT NOT NULL DEFAULT '')"""

_OVER = ", ".join(repr(state) for state in (*ENDED, "paused"))
LAB = "lab"
"""Who did what the program does by itself, whoever's look set it off."""


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


_who: ContextVar[str | None] = ContextVar("who", default=None)
_process = ""


@contextmanager
def acting_as(who: str) -> Iterator[None]:
    """Events of this block are put down to `who`: a page's visitor, a watcher."""
    token = _who.set(who)
    try:
        yield
    finally:
        _who.reset(token)


def this_process_is(who: str) -> None:
    """From now on this process's events are put down to `who`, where nobody else is named: a worker, the courier."""
    global _process
    _process = who


def process_name() -> str:
    """What this process is, as said by `this_process_is`; `LAB` for any that looks."""
    return _process or LAB


def actor() -> str:
    """Who acts now: as said by `acting_as` or `this_process_is`, else `LAB_USER`, else the user of this machine."""
    return fit_to_show(_who.get() or _process or os.environ.get("LAB_USER") or _user())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return f"user {os.getuid()}"


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
    number = connection.execute(f"INSERT INTO events ({names}) VALUES ({marks})", tuple(values.values())).lastrowid
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
