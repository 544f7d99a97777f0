"""The queue that people steer: another place or priority, held and released, taken out of it.

Each change is one transaction on the order as it then is, so two people who reorder at once lose and double nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence

from core.errors import LabError, RunNotFoundError
from core.jobs import actions, events, waiting
from core.jobs.database import keep, transaction
from core.jobs.sync import tell_store
from core.jobs.table import WAITING, set_fields
from core.people import RUNNER, needs

MOST_PRIORITY = 1000
"""Priorities go from minus this to this."""
LEAST_ROOM = 2.0**-10
"""Between two places that were spread anew."""


@needs(RUNNER)
def move(run_id: str, position: int) -> None:
    """Give a waiting run another place among all that wait, from 1 as `Job.position` counts; beyond the end, the last.

    Where its new neighbours have another priority, it takes the nearest one that fits there.
    Raises LabError for a run that does not wait (any more).
    """
    if position < 1:
        raise LabError(f"There is no place {position} in the queue; the first is 1.")
    _place(run_id, lambda others: position - 1)


@needs(RUNNER)
def move_before(run_id: str, other: str | None) -> None:
    """Put a waiting run right before another waiting one; behind all of them for None. Raises LabError like `move`."""

    def index_among(others: Sequence[sqlite3.Row]) -> int:
        if other is None:
            return len(others)
        found = [index for index, row in enumerate(others) if row["run_id"] == other]
        if not found:
            raise LabError(f"Run {other[:8]} no longer waits, so no run can be put before it.")
        return found[0]

    if other != run_id:
        _place(run_id, index_among)


def _place(run_id: str, index_among: Callable[[Sequence[sqlite3.Row]], int]) -> None:
    """Put a waiting run at an index among the others that wait."""
    with transaction() as connection:
        waiting_row(connection, run_id, "it can't be moved")
        rows = connection.execute(f"SELECT run_id, priority, place FROM jobs {WAITING}").fetchall()
        before = next(index for index, row in enumerate(rows) if row["run_id"] == run_id)
        mine, others = rows[before], rows[:before] + rows[before + 1 :]
        index = min(index_among(others), len(others))
        if index == before:
            return
        above, below = others[:index], others[index:]
        priority = mine["priority"]
        if below:
            priority = max(priority, below[0]["priority"])
        if above:
            priority = min(priority, above[-1]["priority"])
        place = _between(
            above[-1]["place"] if above and above[-1]["priority"] == priority else None,
            below[0]["place"] if below and below[0]["priority"] == priority else None,
        )
        places = {run_id: place}
        if place is None:
            equal = [row for row in (*above, mine, *below) if row is mine or row["priority"] == priority]
            places = _spread([(row["run_id"], row["place"]) for row in equal], equal.index(mine))
        set_fields(connection, run_id, priority=priority)
        why = "" if priority == mine["priority"] else f"Its priority is {priority} now, like that of its neighbours."
        events.record(connection, run_id, "moved", str(before + 1), str(index + 1), why)
        for name, place in places.items():
            set_fields(connection, name, place=place)
            keep(connection, name)


def _between(low: float | None, high: float | None) -> float | None:
    """A place after `low` and before `high`; None where no number lies between them."""
    if low is None:
        return 1.0 if high is None else high - 1
    if high is None:
        return low + 1
    middle = (low + high) / 2
    return middle if low < middle < high else None


def _spread(rows: Sequence[tuple[str, float]], index: int) -> dict[str, float]:
    """Places with room between them for the row at `index` and as few around it as will do; the order stays.

    Args:
        rows: (run id, place) of all waiting runs of one priority, in their order.
        index: of the one whose place counts no more.
    """
    reach = 8
    while True:
        first, end = max(0, index - reach), min(len(rows), index + reach + 1)
        count = end - first
        low = rows[first - 1][1] if first else None
        high = rows[end][1] if end < len(rows) else None
        if low is None:
            low = 0.0 if high is None else high - count - 1
        if high is None:
            high = low + count + 1
        step = (high - low) / (count + 1)
        if step >= LEAST_ROOM or count == len(rows):
            return {name: low + step * number for number, (name, _) in enumerate(rows[first:end], start=1)}
        reach *= 2


@needs(RUNNER)
def set_priority(run_id: str, priority: int) -> None:
    """Give a waiting run another priority: higher ones go first. Raises LabError for a run that does not wait."""
    check_priority(priority)
    with transaction() as connection:
        before = waiting_row(connection, run_id, "its priority changes nothing")["priority"]
        if before == priority:
            return
        set_fields(connection, run_id, priority=priority)
        events.record(connection, run_id, "priority", str(before), str(priority))
        keep(connection, run_id)


def check_priority(priority: int) -> None:
    """Raise LabError for a number that is no priority."""
    if not -MOST_PRIORITY <= priority <= MOST_PRIORITY:
        raise LabError(
            f"{priority} is no priority; it goes from {-MOST_PRIORITY} to {MOST_PRIORITY}, higher ones first."
        )


@needs(RUNNER)
def hold(run_id: str, why: str = "") -> None:
    """Keep a waiting run from starting until somebody releases it. Raises LabError for one that does not wait."""
    with transaction() as connection:
        if waiting_row(connection, run_id, "there is nothing to hold")["held"] == waiting.HELD_BY_PERSON:
            return
        set_fields(
            connection, run_id, held=waiting.HELD_BY_PERSON, reason=why or waiting.held_by(events.actor()), synced=0
        )
        events.record(connection, run_id, "held", "queued", "queued", why)
        keep(connection, run_id)
    tell_store(run_id)


@needs(RUNNER)
def release(run_id: str) -> None:
    """Let a held run start when its turn comes, and one that is to be tried again later, at once.

    One that was held because the run that it was to start after did not finish starts without waiting for it. Whoever
    releases one that a person held has not seen that yet: it stays held for that reason, until it is released again.

    Raises:
        LabError: the run does not wait, is not held, stays held, or was to start from a solution that is not there.
    """
    with transaction() as connection:
        row = waiting_row(connection, run_id, "there is nothing to release")
        after = row["after_run"]
        if not row["held"] and (row["due"] or 0) <= time.time():
            raise LabError(f"Run {run_id[:8]} is not held: it starts when its turn comes.")
        changes = {"held": 0, "due": None, "reason": "", "synced": 0}
        if why := waiting.in_vain(connection, run_id):
            if waiting.lacks_start(run_id, after):
                raise LabError(
                    f"Run {run_id[:8]} can't start: {_lower_first(why)} Resume that run "
                    f"(`python -m core resume {after[:8]}`), let this one start without it "
                    f"(`python -m core edit {run_id[:8]} --set parent=null`), or remove it."
                )
            if row["held"] == waiting.HELD_BY_PERSON:
                changes |= {"held": waiting.HELD_IN_VAIN, "reason": why}
            else:
                changes |= {"after_run": None, "after_any": 0}
        set_fields(connection, run_id, **changes)
        without = f"It {'stays held' if changes['held'] else 'starts without waiting'}. {why}"
        events.record(connection, run_id, "released", "queued", "queued", why and without)
        keep(connection, run_id)
    tell_store(run_id)
    actions.refresh()
    if changes["held"]:
        raise LabError(
            f"Run {run_id[:8]} stays held: {_lower_first(why)} Resume that run (`python -m core resume {after[:8]}`), "
            "or release this one again to let it start without that one."
        )


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


@needs(RUNNER)
def remove(run_id: str) -> None:
    """Take a waiting run out of the queue: it is stopped, and can be resumed. Raises LabError for one that started."""
    with transaction() as connection:
        waiting_row(connection, run_id, "it can be stopped instead")
        reason = f"Taken out of the queue by {events.actor()}."
        set_fields(connection, run_id, state="stopped", reason=reason, ended=time.time(), synced=0)
        events.record(connection, run_id, "removed", "queued", "stopped", reason)
        keep(connection, run_id)
    tell_store(run_id)
    actions.refresh()


def waiting_row(connection: sqlite3.Connection, run_id: str, so: str) -> sqlite3.Row:
    """The row of a run that waits. Raises RunNotFoundError, and LabError for one that does not wait (any more).

    Args:
        connection: inside the transaction that changes the run.
        run_id: the run.
        so: what follows from its not waiting, for the error.
    """
    row = connection.execute("SELECT * FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise RunNotFoundError(run_id)
    if row["state"] != "queued":
        raise LabError(f"Run {run_id[:8]} is {row['state']} and does not wait in the queue: {so}.")
    return row
