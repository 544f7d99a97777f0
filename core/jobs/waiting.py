"""What a waiting run waits for: the one place where that is decided, and where a wait that can't end becomes a hold."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence

from core.errors import LabError
from core.jobs import events, gpus
from core.jobs.database import keep, reading, transaction
from core.jobs.engines.contract import AUTO, LOCAL, Slot
from core.jobs.engines.kept_view import kept_view
from core.jobs.job import Job
from core.runs import run_folder
from core.runs.states import ENDED

FREE_SLOT = "for a free slot"
"""What a run waits for that lacks nothing else."""
HELD_BY_PERSON, HELD_IN_VAIN = 1, 2
"""Values of the column `held`: by a person, who releases it too; since what it waits for can't come any more."""

_AFTER = """SELECT jobs.run_id, jobs.held, jobs.after_run, jobs.after_any, first.state AS first_state,
    first.name AS first_name FROM jobs LEFT JOIN jobs AS first ON first.run_id = jobs.after_run
    WHERE jobs.state = 'queued' AND jobs.after_run IS NOT NULL"""
_MAY_TURN = f"""{_AFTER} AND (first.run_id IS NULL OR first.state IN ({", ".join(repr(state) for state in ENDED)})
    OR jobs.held = {HELD_IN_VAIN})"""


def utc(moment: float) -> str:
    """A Unix time as a command shows it."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))


def waits_because(job: Job, slots: Sequence[Slot], clock: Callable[[float], str] = utc) -> str:
    """What a waiting run waits for, in a few words; empty for one that does not wait.

    Args:
        job: as `core.jobs.table` reads it.
        slots: those of all engines.
        clock: how a Unix time is written for whoever reads this.
    """
    if job.state != "queued":
        return ""
    if job.held:
        return job.reason or "held"
    if job.after_run and not _satisfied(job):
        end = "has ended" if job.after_any else "has finished"
        return f"starts once {named(job.after_run, job.after_name)} {end}: {job.after_state or 'gone'} now"
    if job.due and job.due > time.time():
        return f"tries again at {clock(job.due)}"
    if not any(slot.takes(job.device, job.asked_engine) for slot in slots):
        if job.asked_engine not in (LOCAL, AUTO):
            return f"no slot of {job.asked_engine} serves {job.device}"
        return gpus.reading().trouble_for(job.device) or f"no slot of this machine serves {job.device}"
    if job.asked_engine not in (LOCAL, AUTO):
        view = kept_view(job.asked_engine)
        return (view.trouble if view is not None else "") or f"{FREE_SLOT} of {job.asked_engine}"
    return FREE_SLOT


def held_by(who: str) -> str:
    """The reason of a run that somebody holds."""
    return f"Held by {who}."


def _satisfied(job: Job) -> bool:
    return job.after_state == "finished" or (job.after_any and job.after_state in ENDED)


def named(run_id: str, name: str | None) -> str:
    """A run as a sentence calls it: its name, where it has one, and the beginning of its id."""
    return f"{name} ({run_id[:8]})" if name else run_id[:8]


def in_vain(connection: sqlite3.Connection, run_id: str) -> str:
    """Why the run that a waiting one waits for can't serve it any more, in one sentence; empty where it can."""
    row = connection.execute(f"{_AFTER} AND jobs.run_id = ?", (run_id,)).fetchone()
    return _why(row) if row is not None else ""


def _why(row: sqlite3.Row) -> str:
    first = f"Run {named(row['after_run'], row['first_name'])}, which it was to start after,"
    if row["first_state"] is None:
        return f"{first} is gone."
    if row["first_state"] not in ENDED:
        return ""
    if row["first_state"] != "finished" and not row["after_any"]:
        return f"{first} is {row['first_state']}."
    if lacks_start(row["run_id"], row["after_run"]):
        return f"{first} is {row['first_state']} and has no checkpoint to start from."
    return ""


def lacks_start(run_id: str, after_run: str) -> bool:
    """Whether a run is to start from the solution of the run that it waits for, and there is none (yet)."""
    return starts_from(run_id) == after_run and not run_folder(after_run).has_checkpoint


def starts_from(run_id: str) -> str | None:
    """The run whose solution a run starts from; None where its config names none, or can't be read."""
    try:
        data = run_folder(run_id).config_data()
    except LabError:  # it is said when the run begins
        return None
    parent = (data or {}).get("parent")
    return parent if isinstance(parent, str) else None


def settle() -> None:
    """Hold what waits in vain, and go on waiting where there is hope again. Raises StoreError."""
    with reading() as connection:
        turned = _turned(connection)
    if turned:
        with transaction() as connection:
            settle_in(connection)


def settle_in(connection: sqlite3.Connection) -> None:
    """`settle` inside a transaction; whoever claims a run does so first."""
    for row, why in _turned(connection):
        run_id, held = row["run_id"], HELD_IN_VAIN if why else 0
        connection.execute("UPDATE jobs SET held = ?, reason = ?, synced = 0 WHERE run_id = ?", (held, why, run_id))
        with events.acting_as("the queue"):
            kind, again = ("held", "") if why else ("released", "What it waits for can come again.")
            events.record(connection, run_id, kind, "queued", "queued", why or again)
        keep(connection, run_id)


def _turned(connection: sqlite3.Connection) -> list[tuple[sqlite3.Row, str]]:
    found = [(row, _why(row)) for row in connection.execute(_MAY_TURN).fetchall() if row["held"] != HELD_BY_PERSON]
    return [(row, why) for row, why in found if bool(why) != bool(row["held"])]
