"""Notices: which channel is to be told of which event, and what came of it; beside the job table, in its file.

A rule that fires, its event and its notices are one transaction, and so are what was followed of the events and the
notices that came of it. So a process that is killed anywhere tells nobody twice and forgets nobody. A notice itself is
claimed before it is sent and settled after; killed in between, it is sent once more with the same id.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

from core.jobs import events
from core.jobs.events import Event

NOTABLE = (
    "(events.kind IN ('watcher', 'notice', 'sweep') OR "
    "(events.before IS NOT events.after AND events.after IN ('finished', 'failed', 'crashed')))"
)
"""Events that people are told of, and an index knows where they are: it wants just these words. Those of a sweep's
trials are among them there, and left out by who asks: of a sweep, people are told its end."""
SWEEP = "sweep"
"""Kind of the event that a sweep has ended; its `run_id` is the sweep's."""
OF_THE_MACHINE = ("memory", "disk")
"""Kinds of rules that say nothing of a run: what they find during a sweep's trial is said once, of the sweep."""

TABLES = (
    """
CREATE TABLE IF NOT EXISTS fired (run_id TEXT NOT NULL, attempt INTEGER NOT NULL, rule TEXT NOT NULL,
    event INTEGER NOT NULL, stop INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (run_id, attempt, rule));
CREATE TABLE IF NOT EXISTS notices (id INTEGER PRIMARY KEY, event INTEGER NOT NULL, channel TEXT NOT NULL,
    made REAL NOT NULL, due REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, done REAL, said TEXT NOT NULL DEFAULT '',
    UNIQUE (event, channel));
CREATE INDEX IF NOT EXISTS notices_open ON notices (due) WHERE done IS NULL;
CREATE TABLE IF NOT EXISTS followed (id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL);
"""
    + "DROP INDEX IF EXISTS events_notable;"
    + f"CREATE INDEX events_notable ON events (id) WHERE {NOTABLE.replace('events.', '')}"
)

DAY_S = 86_400.0
"""Seconds for which a notice is tried; an event that is older is news to nobody."""
LEASE_S = 60.0
"""Seconds after which a notice is taken up again whose sender was killed."""
FIRST_S, LONGEST_S = 2.0, 900.0
"""Delay after the first try, twice that after the next and so on, and the longest."""
SAID_AFTER = 3
"""Tries of a notice after which people are told that its channel takes none."""
TOLD = ("finished", "failed", "crashed")
"""Ends of a run that rules ask for."""
LEFT = (*TOLD, "stopped", "paused")
"""Where an attempt of a run ends."""

TITLES = {
    "diverged": "Diverged",
    "stalled": "Stalled",
    "drifting": "λ drifts to another order",
    "memory": "Memory is low",
    "disk": "Disk is low",
    "finished": "Finished",
    "failed": "Failed",
    "crashed": "Crashed",
    "notice": "A channel was not told",
}
"""How a notice begins, by the rule's kind or the run's end."""

_ENDS = f"before IS NOT after AND after IN ({', '.join(repr(state) for state in LEFT)})"


@dataclass(frozen=True)
class Notice:
    """One channel that is to be told of one event."""

    id: int
    event: int
    channel: str
    made: float
    tries: int


@dataclass(frozen=True)
class Refusing:
    """A channel that has not taken what it was to be told."""

    channel: str
    count: int
    """Of notices."""
    since: float
    """Unix time of the oldest of them."""
    why: str
    """What came of the last try of that one."""


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables where there are none; the index of an older version knew other events."""
    for statement in TABLES.split(";"):
        connection.execute(statement)


# -- rules that fired ---------------------------------------------------------------------------------------------


def fired(connection: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """The rules of a run that fired, each with the latest attempt in which it did."""
    rows = connection.execute("SELECT rule, MAX(attempt) FROM fired WHERE run_id = ? GROUP BY rule", (run_id,))
    return dict(tuple(row) for row in rows.fetchall())


def fire(
    connection: sqlite3.Connection, run_id: str, attempt: int, rule: str, kind: str, why: str, *, stop: bool
) -> int | None:
    """Note that a rule fired; returns the event's id, None where it had fired in this attempt already.

    Args:
        connection: in a transaction.
        run_id: the run.
        attempt: of it.
        rule: the rule's key.
        kind: the rule's kind.
        why: what it found.
        stop: the run is to be stopped; see `stops`.
    """
    key = (run_id, attempt, rule)
    if connection.execute("SELECT 1 FROM fired WHERE (run_id, attempt, rule) = (?, ?, ?)", key).fetchone():
        return None
    event = events.record(connection, run_id, "watcher", None, kind, why)
    connection.execute("INSERT INTO fired VALUES (?, ?, ?, ?, ?)", (*key, event, int(stop)))
    return event


def stops(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """(run, attempt) that rules want stopped and nobody has asked to yet."""
    rows = connection.execute("SELECT DISTINCT run_id, attempt FROM fired WHERE stop = 1").fetchall()
    return [tuple(row) for row in rows]


def stop_asked(connection: sqlite3.Connection, run_id: str, attempt: int) -> None:
    """The stop that a rule wanted was asked for, or came too late."""
    connection.execute("UPDATE fired SET stop = 0 WHERE run_id = ? AND attempt = ?", (run_id, attempt))


# -- events that were followed ------------------------------------------------------------------------------------


def unfollowed(connection: sqlite3.Connection, limit: int = 500) -> list[Event]:
    """The next events that nobody has looked at for whom to tell, the oldest first."""
    rows = connection.execute("SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?", (_last(connection), limit))
    return [Event(**dict(row)) for row in rows.fetchall()]


def follow(connection: sqlite3.Connection, last: int) -> None:
    """All events up to `last` were looked at."""
    connection.execute(
        "INSERT INTO followed VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET last = excluded.last", (last,)
    )


def ends(event: Event) -> bool:
    """Whether an attempt of a run ended with an event."""
    return event.before != event.after and event.after in LEFT


def _last(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT COALESCE(MAX(last), 0) FROM followed").fetchone()[0]


# -- notices ------------------------------------------------------------------------------------------------------


def add(connection: sqlite3.Connection, event: int, channels: Iterable[str]) -> None:
    """Have channels told of an event, each once."""
    now = time.time()
    rows = [(event, channel, now, now) for channel in channels]
    connection.executemany(
        "INSERT INTO notices (event, channel, made, due) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows
    )


def due(connection: sqlite3.Connection, limit: int = 500) -> list[Notice]:
    """Notices that are to be tried now, those that were tried least first."""
    now = time.time()
    far = now + LONGEST_S + LEASE_S  # nothing waits so long, unless the clock was set back
    rows = connection.execute(
        "SELECT id, event, channel, made, tries FROM notices WHERE done IS NULL AND (due <= ? OR due > ?) "
        "ORDER BY tries, id LIMIT ?",
        (now, far, limit),
    )
    return [Notice(**dict(row)) for row in rows.fetchall()]


def claim(connection: sqlite3.Connection, notice: Notice) -> bool:
    """Take a notice to send it; False where somebody else did."""
    return bool(
        connection.execute(
            "UPDATE notices SET tries = tries + 1, due = ? WHERE id = ? AND done IS NULL AND tries = ?",
            (time.time() + LEASE_S, notice.id, notice.tries),
        ).rowcount
    )


def settle(connection: sqlite3.Connection, notice: Notice, said: str) -> None:
    """A notice needs no more tries: it was taken, or given up; `said` is why."""
    connection.execute("UPDATE notices SET done = ?, said = ? WHERE id = ?", (time.time(), said, notice.id))


def put_off(connection: sqlite3.Connection, notice: Notice, said: str) -> None:
    """A notice was not taken: it is tried again later."""
    delay = min(LONGEST_S, FIRST_S * 2 ** min(notice.tries, 20))
    connection.execute("UPDATE notices SET due = ?, said = ? WHERE id = ?", (time.time() + delay, said, notice.id))


def refusing(connection: sqlite3.Connection) -> list[Refusing]:
    """The channels whose notices wait since they were not taken, by name."""
    rows = connection.execute(
        "SELECT channel, waiting, made, said FROM (SELECT channel, made, said, "
        "COUNT(*) OVER (PARTITION BY channel) AS waiting, "
        "ROW_NUMBER() OVER (PARTITION BY channel ORDER BY made, id) AS place "
        "FROM notices WHERE done IS NULL AND said <> '') AS refused WHERE place = 1 ORDER BY channel"
    )
    return [Refusing(*row) for row in rows.fetchall()]


def first_said(connection: sqlite3.Connection, notice: Notice) -> bool:
    """Whether it is time to tell people that a notice's channel takes none, and this is the one to say it."""
    if notice.tries + 1 != SAID_AFTER:
        return False
    others = "SELECT 1 FROM notices WHERE channel = ? AND done IS NULL AND tries >= ? AND id <> ?"
    return connection.execute(others, (notice.channel, SAID_AFTER, notice.id)).fetchone() is None


def waiting(connection: sqlite3.Connection) -> bool:
    """Whether a channel is to be told of something, or a run to be stopped."""
    asked = "SELECT EXISTS (SELECT 1 FROM notices WHERE done IS NULL) OR EXISTS (SELECT 1 FROM fired WHERE stop = 1)"
    return bool(connection.execute(asked).fetchone()[0])


def end_unfollowed(connection: sqlite3.Connection) -> bool:
    """Whether a run has ended and nobody has looked yet who is to be told."""
    asked = f"SELECT EXISTS (SELECT 1 FROM events WHERE id > ? AND {_ENDS})"
    return bool(connection.execute(asked, (_last(connection),)).fetchone()[0])


def event(connection: sqlite3.Connection, number: int) -> Event | None:
    """One event; None where its run was deleted for good."""
    row = connection.execute("SELECT * FROM events WHERE id = ?", (number,)).fetchone()
    return None if row is None else Event(**dict(row))
