"""The job table's rows: what is asked of them and changed in them."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from core import exchange
from core.errors import RunNotFoundError
from core.home import home
from core.jobs import events, notices, waiting
from core.jobs.database import keep, reading, transaction
from core.jobs.engines.contract import AUTO, INLINE, LOCAL, Slot
from core.jobs.job import AT_END, EMPTYING, Finished, Job, columns_of
from core.jobs.process import alive, boot_id, started_at
from core.runs import run_folder
from core.runs.left_out import known_by
from core.runs.states import ACTIVE, ENDED

if TYPE_CHECKING:
    from core.config import RunConfig

FIELDS = tuple(name for name in Job.__dataclass_fields__ if name != "position")
_FIRST = "FROM jobs AS first WHERE first.run_id = jobs.after_run"
_ROWS = f"SELECT *, (SELECT name {_FIRST}) AS after_name, (SELECT state {_FIRST}) AS after_state FROM jobs"
"""Jobs with what is known of the run that each starts after."""

_ORDER = "ORDER BY priority DESC, place, queued, rowid"
WAITING = f"WHERE state = 'queued' AND binned IS NULL {_ORDER}"
_READY = f"""WHERE state = 'queued' AND binned IS NULL AND held = 0 AND COALESCE(due, 0) <= ? AND (
    after_run IS NULL OR EXISTS (
    SELECT 1 FROM jobs AS first WHERE first.run_id = jobs.after_run
    AND (first.state = 'finished'
        OR jobs.after_any = 1 AND first.state IN ({", ".join(repr(state) for state in ENDED)}))
)) {_ORDER}"""
"""Of the waiting jobs those that may begin now, whose time is the one parameter."""
_ACTIVE = f"state IN ({', '.join(repr(state) for state in ACTIVE)})"

ALL = 2**62
"""A limit that limits nothing: of SQLite and PostgreSQL only one takes -1."""
SETTLING_S = 60.0
"""Seconds after which a run on a GPU has taken the memory that it takes."""


def insert(run_id: str, config: RunConfig, engine: str, why: str = "", **fields: Any) -> None:
    """Add a job for a run of the store; `why` is for its event."""
    now = time.time()
    row = (
        columns_of(config)
        | {
            "run_id": run_id,
            "engine": engine,
            "state": "queued",
            "submitted": now,
            "queued": now,
        }
        | fields
    )
    with transaction() as connection:
        row.setdefault("place", last_place(connection) + 1)
        connection.execute(
            f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )
        events.record(connection, run_id, "submitted", None, row["state"], why)
        keep(connection, run_id)


def last_place(connection: sqlite3.Connection) -> float:
    """The highest `place` of a waiting job; who comes last gets one more."""
    return connection.execute("SELECT COALESCE(MAX(place), 0) FROM jobs WHERE state = 'queued'").fetchone()[0]


def get(run_id: str) -> Job:
    """One job. Raises RunNotFoundError."""
    with reading() as connection:
        row = connection.execute(f"{_ROWS} WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            raise RunNotFoundError(run_id)
        return _job(row, _places(connection).get(run_id, 0) if row["state"] == "queued" else 0)


def find(states: Iterable[str] | None = None, limit: int = 1000, *, binned: bool = False) -> list[Job]:
    """Jobs, newest first, with the place in the queue of those that wait; those that wait alone in queue order.

    Args:
        states: any of these; all unless said.
        limit: so many at most; all for -1.
        binned: those in the bin, which are left out otherwise.
    """
    order = "ORDER BY binned DESC, rowid DESC" if binned else "ORDER BY submitted DESC, rowid DESC"
    where, values = f"WHERE binned IS {'NOT ' if binned else ''}NULL", ()
    states = tuple(states or ())
    if states == ("queued",):
        where, order = WAITING, ""
    elif states:
        where, values = f"{where} AND state IN ({', '.join('?' * len(states))})", states
    with reading() as connection:
        places, most = _places(connection), limit if limit >= 0 else ALL
        rows = connection.execute(f"{_ROWS} {where} {order} LIMIT ?", (*values, most)).fetchall()
    return [_job(row, places.get(row["run_id"], 0)) for row in rows]


@dataclass(frozen=True)
class Overview:
    """All rows that a board shows, as they were at one moment."""

    active: list[Job]
    """Newest first."""
    waiting: list[Job]
    """In the queue's order."""
    others: list[Job]
    """Newest first; paused ones too."""
    counts: dict[str, int]
    """State → rows in it."""
    awaited: dict[str, str]
    """Run id → state of all that waiting runs are to begin after."""
    event: int
    """Id of the newest event."""

    @property
    def jobs(self) -> Iterator[Job]:
        """All of them, in this order."""
        return chain(self.active, self.waiting, self.others)


def overview(most_waiting: int, most_others: int) -> Overview:
    """What is at work, what waits, and the newest of the others, in one consistent look; none that lie in the bin."""
    newest = "ORDER BY submitted DESC, rowid DESC"
    with reading() as connection:
        connection.execute("BEGIN")  # one snapshot for all that follows
        active = connection.execute(f"{_ROWS} WHERE {_ACTIVE} {newest}").fetchall()
        waiting = connection.execute(f"{_ROWS} {WAITING} LIMIT ?", (most_waiting,)).fetchall()
        others = connection.execute(
            f"{_ROWS} WHERE state != 'queued' AND NOT {_ACTIVE} AND binned IS NULL {newest} LIMIT ?",
            (most_others,),
        ).fetchall()
        counts = connection.execute("SELECT state, COUNT(*) FROM jobs WHERE binned IS NULL GROUP BY state").fetchall()
        awaited = connection.execute(
            "SELECT run_id, state FROM jobs WHERE run_id IN (SELECT after_run FROM jobs WHERE state = 'queued')"
        ).fetchall()
        return Overview(
            [_job(row) for row in active],
            [_job(row, place) for place, row in enumerate(waiting, start=1)],
            [_job(row) for row in others],
            {row["state"]: row[1] for row in counts},
            {row["run_id"]: row["state"] for row in awaited},
            events.newest(connection),
        )


def finished(limit: int) -> list[Finished]:
    """How long those runs took that finished at their first attempt in a slot, the last first."""
    with reading() as connection:
        rows = connection.execute(
            "SELECT config_hash, problem, size, slot, ended - started AS seconds FROM jobs WHERE state = 'finished' "
            "AND attempt = 1 AND slot IS NOT NULL AND ended > started ORDER BY ended DESC LIMIT ?",
            (limit,),
        )
        return [Finished(**dict(row)) for row in rows]


def these(run_ids: Iterable[str]) -> list[Job]:
    """The jobs of these runs, in their order, wherever they lie; runs that have none are left out."""
    run_ids = list(dict.fromkeys(run_ids))
    found: dict[str, sqlite3.Row] = {}
    with reading() as connection:
        for start in range(0, len(run_ids), 500):
            some = run_ids[start : start + 500]
            rows = connection.execute(f"{_ROWS} WHERE run_id IN ({', '.join('?' * len(some))})", some)
            found |= {row["run_id"]: row for row in rows}
    return [_job(found[run_id]) for run_id in run_ids if run_id in found]


def binned_ids() -> frozenset[str]:
    """The runs in the bin."""
    with reading() as connection:
        return frozenset(
            row["run_id"] for row in connection.execute("SELECT run_id FROM jobs WHERE binned IS NOT NULL")
        )


known_by(binned_ids)


def forget(run_id: str) -> None:
    """Take out the row of a run that is deleted for good, and its events; that it was deleted stays noted."""
    with transaction() as connection:
        row = connection.execute("SELECT name, state FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
        gone = connection.execute("DELETE FROM jobs WHERE run_id = ? AND bin_step = ?", (run_id, EMPTYING))
        if gone.rowcount == 1:
            connection.execute("DELETE FROM events WHERE run_id = ?", (run_id,))
            if home().database:
                exchange.forget(connection, run_id)
            events.record(connection, run_id, "deleted for good", row["state"], None, f"It was called {row['name']!r}.")


def ids_beginning(beginning: str) -> list[str]:
    """Ids of the jobs, those in the bin too, whose id begins with a text."""
    with reading() as connection:
        rows = connection.execute(
            "SELECT run_id FROM jobs WHERE SUBSTR(run_id, 1, ?) = ? ORDER BY rowid", (len(beginning), beginning)
        )
        return [row["run_id"] for row in rows]


def _places(connection: sqlite3.Connection) -> dict[str, int]:
    rows = connection.execute(f"SELECT run_id FROM jobs {WAITING}")
    return {row["run_id"]: place for place, row in enumerate(rows, start=1)}


def unsettled() -> list[Job]:
    """Jobs that a process should be at work on, and those whose state the store does not know yet."""
    with reading() as connection:
        rows = connection.execute(f"{_ROWS} WHERE {_ACTIVE} OR synced = 0").fetchall()
    return [_job(row) for row in rows]


def update(
    run_id: str,
    *,
    only_if: dict[str, Any] | None = None,
    event: tuple[str, str] | None = None,
    to_end: bool = False,
    **fields: Any,
) -> bool:
    """Change a job's fields, provided that it still has the values of `only_if`; False if it no longer does.

    A change of state is noted as an event, with its reason.

    Args:
        run_id: the job.
        only_if: field → the value it must have; a tuple means any of its values.
        event: (kind, why) of what is done, to be noted in place of a plain change of state.
        to_end: give it the last place of the queue.
        fields: field → its new value.
    """
    conditions = {"run_id": run_id} | (only_if or {})
    clauses, values = [], []
    for key, value in conditions.items():
        if isinstance(value, tuple):
            clauses.append(f"{key} IN ({', '.join('?' * len(value))})")
            values += value
        else:
            clauses.append(f"{key} IS ?")
            values.append(value)
    with transaction() as connection:
        if to_end:
            fields["place"] = last_place(connection) + 1
        before = connection.execute("SELECT state, bin_step FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
        into_bin = before and before["bin_step"] == AT_END and fields.get("state", before["state"]) not in ACTIVE
        if into_bin:
            fields |= {"binned": time.time(), "bin_step": None, "synced": 0}
        changes = ", ".join(f"{key} = ?" for key in fields)
        done = connection.execute(
            f"UPDATE jobs SET {changes} WHERE {' AND '.join(clauses)}", (*fields.values(), *values)
        )
        if done.rowcount != 1:
            return False
        after = fields.get("state", before["state"])
        if event is not None or after != before["state"]:
            kind, why = event or ("state", fields.get("reason", ""))
            events.record(connection, run_id, kind, before["state"], after, why)
        if into_bin:
            events.record(connection, run_id, "binned", after, after, "as was asked while it was at work")
        keep(connection, run_id)
        return True


def set_fields(connection: sqlite3.Connection, run_id: str, **fields: Any) -> None:
    """Change a job's fields inside a transaction, whose caller notes an event and keeps the row."""
    changes = ", ".join(f"{name} = ?" for name in fields)
    connection.execute(f"UPDATE jobs SET {changes} WHERE run_id = ?", (*fields.values(), run_id))


def claim(slot: Slot) -> Job | None:
    """Take the next waiting job that this slot can run, in this process's name; None when there is none."""
    with transaction() as connection:
        waiting.settle_in(connection)
        if slot.gpu and _newcomer(connection, slot):
            return None
        for row in connection.execute(f"SELECT * FROM jobs {_READY}", (time.time(),)).fetchall():
            if not slot.takes(row["device"], row["asked_engine"]) or _lingers(row):
                continue  # a run that was resumed in another slot's last moments with it waits for these to pass
            pid, here = os.getpid(), exchange.machine_here()
            own = {"worker_pid": pid, "worker_started": started_at(pid), "boot": boot_id(), "machine": here}
            return _claimed(connection, row, LOCAL, f"in slot {slot.name}", slot=slot.name, **own)
    return None


def claim_for(engine: str, takes: Callable[[str, bool], bool]) -> Job | None:
    """Take the next waiting job for a cluster's engine; None when there is none.

    Args:
        engine: its name.
        takes: whether it takes a run with a device request, which asks for this very engine or not.
    """
    with transaction() as connection:
        waiting.settle_in(connection)
        for row in connection.execute(f"SELECT * FROM jobs {_READY}", (time.time(),)).fetchall():
            asked = row["asked_engine"]
            if asked in (engine, AUTO) and takes(row["device"], asked == engine) and not _lingers(row):
                own = dict.fromkeys(("worker_pid", "worker_started", "boot", "machine", "slot"))
                return _claimed(connection, row, engine, f"handed to {engine}", engine_word="pending", **own)
    return None


def _lingers(row: sqlite3.Row) -> bool:
    return alive(row["pid"], row["pid_started"], row["boot"])


def _claimed(connection: sqlite3.Connection, row: sqlite3.Row, engine: str, where: str, **own: Any) -> Job:
    run_id = row["run_id"]
    run_folder(run_id).undo_change(row["revision"])  # of a process that was killed while it edited
    fields = {
        "state": "running",
        "attempt": row["attempt"] + 1,
        "engine": engine,
        "engine_word": "",
        "started": time.time(),
        "reason": "",
        "synced": 0,
        "after_any": 0,
        **dict.fromkeys(
            ("ended", "pid", "pid_started", "wanted", "requested", "terminated", "killed", "after_run"), None
        ),
    }
    set_fields(connection, run_id, **fields | own)
    after = f", after run {row['after_run'][:8]}" if row["after_run"] else ""
    events.record(connection, run_id, "state", "queued", "running", f"{where}{after}")
    keep(connection, run_id)
    return _job(connection.execute(f"{_ROWS} WHERE run_id = ?", (run_id,)).fetchone())


def _newcomer(connection: sqlite3.Connection, slot: Slot) -> bool:
    """Whether another run has just begun on a slot's GPU: of two workers that saw room for one more, one goes in."""
    recent = f"{_ACTIVE} AND machine IS ? AND started > ? AND slot != ? AND (slot = ? OR slot LIKE ?)"
    values = (exchange.machine_here(), time.time() - SETTLING_S, slot.name, slot.gpu, f"{slot.gpu}:%")
    return connection.execute(f"SELECT 1 FROM jobs WHERE {recent}", values).fetchone() is not None


def ready_devices() -> list[str]:
    """What the jobs that may begin in a slot of this machine now ask for, in queue order."""
    with reading() as connection:
        rows = connection.execute(f"SELECT device, asked_engine FROM jobs {_READY}", (time.time(),))
        return [row["device"] for row in rows if row["asked_engine"] in (LOCAL, AUTO)]


def at_engine(engine: str) -> list[Job]:
    """The active jobs whose attempts a cluster's engine has, the oldest first."""
    with reading() as connection:
        rows = connection.execute(f"{_ROWS} WHERE {_ACTIVE} AND engine = ? ORDER BY started, rowid", (engine,))
        return [_job(row) for row in rows.fetchall()]


def clusters_at_work() -> dict[str, int]:
    """Engine → active jobs there, of all engines but this machine's."""
    with reading() as connection:
        rows = connection.execute(
            f"SELECT engine, COUNT(*) FROM jobs WHERE {_ACTIVE} AND engine NOT IN (?, ?) GROUP BY engine",
            (LOCAL, INLINE),
        )
        return {row["engine"]: row[1] for row in rows}


def waits_for_a_cluster() -> bool:
    """Whether a job may begin now that a cluster may take."""
    with reading() as connection:
        rows = connection.execute(f"SELECT asked_engine FROM jobs {_READY}", (time.time(),))
        return any(row["asked_engine"] != LOCAL for row in rows)


def begins_by_itself() -> bool:
    """Whether a job waits that will begin without anybody's doing: its turn has come, or will at the time it is due."""
    with reading() as connection:
        return connection.execute(f"SELECT 1 FROM jobs {_READY}", (math.inf,)).fetchone() is not None


def waits_for(slot: Slot) -> bool:
    """Whether a job may begin now that this slot can run."""
    return any(slot.serves(device) for device in ready_devices())


def _job(row: sqlite3.Row, position: int = 0) -> Job:
    values = {name: row[name] for name in FIELDS}
    values["problem_parameters"] = json.loads(values["problem_parameters"])
    for name in ("fresh", "synced", "held", "after_any"):
        values[name] = bool(values[name])
    return Job(**values, position=position)


def events_since(last: int, limit: int = 500) -> list[events.Event]:
    """What happened after the event with the id `last`, in order; the newest `limit` of them at most."""
    with reading() as connection:
        return events.since(connection, last, limit)


def newest_event() -> int:
    """The id of the newest event; 0 where nothing has happened yet."""
    with reading() as connection:
        return events.newest(connection)


def notices_wait(*, ends: bool = True) -> bool:
    """Whether a channel is to be told of something, or, with `ends`, a run has ended and nobody looked who is to be."""
    with reading() as connection:
        return notices.waiting(connection) or (ends and notices.end_unfollowed(connection))
