"""A waiting run changed: its config, and the run that it starts after; and any run copied.

The config is written inside the transaction that changes the row, the former one kept beside it, so whoever claims the
run meanwhile has the one or the other whole, and a process that is killed in between has changed nothing.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core import exchange
from core.errors import LabError, RunNotFoundError, StoreError
from core.jobs import actions, events, table, waiting
from core.jobs.after import check_after, check_no_circle
from core.jobs.database import keep as keep_row
from core.jobs.database import reading, transaction
from core.jobs.job import columns_of
from core.jobs.queueing import waiting_row
from core.jobs.stored import config_to_copy
from core.jobs.submission import check, check_place, check_to_submit, chosen_engine, take_in
from core.jobs.sync import tell_input, tell_store
from core.people import RUNNER, needs
from core.problem_source import source_file
from core.runs import RunFolder, run_folder

if TYPE_CHECKING:
    from core.config import RunConfig

MOST_FIELDS, LONGEST_VALUE = 30, 60
"""Fields, and characters of a value, that an event names of a change."""
MOST_OF_NAME = 110
"""Characters of a run's name that its copy takes."""


class ChangedMeanwhileError(LabError):
    """Somebody else changed a config since it was looked at; `who` says who, when and what."""

    def __init__(self, run_id: str, who: str):
        super().__init__(f"Somebody changed run {run_id[:8]} meanwhile{who} Look at it, and save again.")


@needs(RUNNER)
def edit(run_id: str, config: RunConfig, revision: int) -> None:
    """Give a run that waits and has trained nothing yet another config; what was changed is noted as an event.

    Args:
        run_id: the run.
        config: the whole new config.
        revision: `Job.revision` as it was when the person saw the config that was changed.

    Raises:
        LabError: it has begun, or somebody changed it meanwhile, or the config can't be run here. Nothing is changed.
    """
    from core.datasets import keep

    job = table.get(run_id)
    after = job.after_run
    config = check(config, after, job.asked_engine)
    files = keep(config)
    with transaction() as connection:
        _check_editable(connection, run_id, revision)  # before the store is told of another dataset
    for used in files:
        tell_input(run_id, used)
    with transaction() as connection:
        row = _check_editable(connection, run_id, revision)
        if row["after_run"] != after:
            raise LabError(f"Somebody changed what run {run_id[:8]} starts after. Look at it, and save again.")
        _change(connection, row, config)
    tell_store(run_id)
    actions.refresh()


@needs(RUNNER)
def send(run_id: str, engine: str) -> None:
    """Have a waiting run go to another engine.

    Args:
        run_id: the run.
        engine: `local`, the name of one of the settings, or `auto`.

    Raises:
        LabError: the run does not wait, or there is no such engine, or none of its places serves the run.
    """
    check_place(table.get(run_id).device, chosen_engine(engine))
    with transaction() as connection:
        before = waiting_row(connection, run_id, "it stays where it is")["asked_engine"]
        if before == engine:
            return
        table.set_fields(connection, run_id, asked_engine=engine)
        events.record(connection, run_id, "engine", before, engine)
        keep_row(connection, run_id)
    actions.refresh()


def check_editable(run_id: str) -> int:
    """The revision of a waiting run's config, to be given to `edit`. Raises LabError for a run that can't be edited."""
    with reading() as connection:
        return _editable(connection, run_id)["revision"]


def _check_editable(connection: sqlite3.Connection, run_id: str, revision: int) -> sqlite3.Row:
    row = _editable(connection, run_id)
    if row["revision"] != revision:
        raise ChangedMeanwhileError(run_id, _last_change(run_id))
    return row


def _editable(connection: sqlite3.Connection, run_id: str) -> sqlite3.Row:
    instead = f"its config can't be changed any more. Copy it (`python -m core duplicate {run_id[:8]}`) and change that"
    row = waiting_row(connection, run_id, instead)
    if run_folder(run_id).has_checkpoint:
        raise LabError(f"Run {run_id[:8]} has trained already and has a checkpoint: {instead}.")
    return row


def _last_change(run_id: str) -> str:
    edits = [event for event in events.of_run(run_folder(run_id)) if event.kind == "edited"]
    if not edits:
        return "."
    last = edits[-1]
    return f": {last.who} at {waiting.utc(last.time)}, {last.why}."


def _change(connection: sqlite3.Connection, row: sqlite3.Row, config: RunConfig) -> None:
    """Write another config and all that repeats it, in the transaction that `row` was read in."""
    run_id, revision, folder = row["run_id"], row["revision"], run_folder(row["run_id"])
    folder.undo_change(revision)  # of a process that was killed in between
    changed = _changes(folder, config)
    if not changed:
        return
    fields = columns_of(config) | {"revision": revision + 1, "synced": 0}
    if row["attempt"]:
        fields["fresh"] = 1  # what it left of a history is of the former config
    try:
        folder.change_config(config, revision)
    except OSError as error:
        folder.undo_change(revision)
        raise StoreError(f"The config of run {folder} can't be written: {error.strerror or error}.") from error
    try:
        table.set_fields(connection, run_id, **fields)
        events.record(connection, run_id, "edited", str(revision), str(revision + 1), changed)
        keep_row(connection, run_id)
        exchange.publish(folder)
        connection.execute("COMMIT")  # while the former config can still be put back
    except BaseException:
        folder.undo_change(revision)
        raise


def _changes(folder: RunFolder, config: RunConfig) -> str:
    """What differs from the present config, one `field: before → after` a field; empty where nothing does."""
    from core.config import differing

    kept = folder.config()
    if kept is None:
        raise LabError(f"Run {folder} has no config here, so it can't be changed. Copy it instead.")
    former = kept.config
    from_outside = folder.problem_source.exists() or source_file(type(config.problem)) is not None
    if former.problem.kind != config.problem.kind and from_outside:
        raise LabError(f"Run {folder} keeps its problem's own file: for another problem, submit another run.")
    before, after = (data.model_dump(mode="json", by_alias=True) for data in (former, config))
    found = [(item.field, item.before, item.after) for item in differing(before, after)]
    if former.name != config.name:
        found.insert(0, ("name", former.name, config.name))
    words = [f"{field}: {_short(old)} → {_short(new)}" for field, old, new in found[:MOST_FIELDS]]
    more = len(found) - MOST_FIELDS
    return "; ".join([*words, f"and {more} more fields"] if more > 0 else words)


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


@needs(RUNNER)
def set_after(run_id: str, other: str | None, *, after_any: bool = False, from_after: bool = False) -> None:
    """Have a waiting run start after another one, or after none; a hold that came of the former wait ends.

    Args:
        run_id: the waiting run.
        other: run that must have finished first; None for no wait.
        after_any: it begins however that one ends.
        from_after: it starts from the best checkpoint of `other`, which becomes its parent.

    Raises:
        LabError: it has begun, would wait for itself or for ever, or would have nothing to start from.
    """
    if other is None and (after_any or from_after):
        raise LabError("Name the run that this one is to start after.")
    job, kept = table.get(run_id), run_folder(run_id).config()
    config = None if kept is None or other is None else kept.config
    if config is not None:
        config = check_after(config, other, after_any=after_any, from_after=from_after)
    with transaction() as connection:
        row = waiting_row(connection, run_id, "it can't be made to wait")
        if from_after:
            _check_editable(connection, run_id, job.revision)
        if other is not None:
            check_no_circle(connection, run_id, other)
        former = row["after_run"]
        if former not in (None, other) and not from_after and waiting.lacks_start(run_id, former):
            raise LabError(
                f"Run {run_id[:8]} starts from the solution of run {former[:8]}, which has none yet: it has to wait. "
                f"Let it start without that one first: `python -m core edit {run_id[:8]} --set parent=null`."
            )
        fields = {"after_run": other, "after_any": int(after_any), "synced": 0}
        if row["held"] == waiting.HELD_IN_VAIN:
            fields |= {"held": 0, "reason": ""}
        table.set_fields(connection, run_id, **fields)
        how = " however that ends" if after_any else ""
        why = f"It starts after {other[:8]}{how}." if other else "It waits for no other run."
        events.record(connection, run_id, "after", former, other, why)
        keep_row(connection, run_id)
        if from_after and config is not None:
            _change(connection, row, config)
    tell_store(run_id)
    actions.refresh()


@needs(RUNNER)
def duplicate(run_id: str, name: str | None = None) -> str:
    """Queue a run with the config of another one, whatever became of that; returns its id.

    One that waits to start from another run's solution is copied with its wait. Raises LabError like `submit`.

    Args:
        run_id: the run to be copied.
        name: of the copy; that of the run with `copy` behind it unless said.
    """
    from core.config import parse_config

    config, tags = config_to_copy(run_id)
    name = name_of_copy(config.name) if name is None else name
    config = parse_config(config.model_dump(mode="json", by_alias=True) | {"name": name})
    where = wait_of(run_id) | {"engine": _engine_of(run_id)}
    ready = check_to_submit(config, **where)
    copy = take_in(ready, tags=tags, why=f"a copy of run {run_id[:8]}", **where)
    actions.refresh()
    return copy


def _engine_of(run_id: str) -> str:
    """The engine that a run asks for, where the settings still name it; else theirs for runs that don't say."""
    with suppress(LabError):  # trained elsewhere, or at an engine that is gone
        return chosen_engine(table.get(run_id).asked_engine)
    return chosen_engine(None)


def wait_of(run_id: str) -> dict[str, Any]:
    """What a waiting run waits for, as `submit` takes it: `after` and `after_any`; empty for any other run."""
    with suppress(RunNotFoundError):  # of a run that was trained elsewhere only the store knows
        job = table.get(run_id)
        if job.state == "queued" and job.after_run:
            return {"after": job.after_run, "after_any": job.after_any}
    return {}


def name_of_copy(name: str) -> str:
    """What a copy of a run is called unless somebody says."""
    return f"{name[:MOST_OF_NAME]} copy".lstrip()
