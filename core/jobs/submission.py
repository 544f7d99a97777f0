"""Taking in runs: what can't be run here is refused, the rest is in the store and the job table at once."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from core import exchange
from core.errors import LabError, StoreError
from core.home import home
from core.jobs import actions, events, gpus, table
from core.jobs.after import check_after
from core.jobs.announced import announcing, has_id
from core.jobs.engines.contract import AUTO, INLINE, LOCAL
from core.jobs.presence import refuse_if_gone
from core.jobs.process import boot_id, started_at
from core.jobs.queueing import check_priority
from core.jobs.sync import announce, tell_failed, tell_input, tell_store
from core.jobs.waiting import HELD_BY_PERSON, held_by
from core.people import RUNNER, needs
from core.plain_text import printable, shortened
from core.runs import RunFolder, run_folder
from core.runs.folder import parent_folder

if TYPE_CHECKING:
    from core.config import RunConfig


@needs(RUNNER)
def submit(
    config: RunConfig,
    *,
    parent: str | None = None,
    priority: int = 0,
    tags: dict[str, str] | None = None,
    after: str | None = None,
    after_any: bool = False,
    from_after: bool = False,
    held: bool = False,
    batch: str | None = None,
    sweep: str | None = None,
    engine: str | None = None,
    why: str = "",
) -> str:
    """Queue a run and return its id; it is in the store at once and outlives this process.

    Args:
        config: the run.
        parent: run to file it under in the store, where that is not `config.parent`, whose solution it starts from.
        priority: higher ones go first, equal ones in the order they came.
        tags: for the store, from the run's first moment on.
        after: run that must have finished before this one begins.
        after_any: it begins however that one ends.
        from_after: it starts from the best checkpoint of `after`, which becomes its parent.
        held: it waits until somebody releases it.
        batch: name of the batch that it belongs to.
        sweep: the sweep that it is a trial of: people are told of the sweep's end, and not of its.
        engine: where it goes: `local`, the name of one of the settings, or `auto`, the first of them with a free slot.
            Where the settings say unless given.
        why: for its first event.

    Raises:
        LabError: the disk is nearly full, the engine, the device, the dataset or the other run is not there, or the
            store can't be written. Nothing is half-created then: what was begun is marked failed with the reason.
    """
    engine = chosen_engine(engine)
    ready = check_to_submit(
        config, priority=priority, after=after, after_any=after_any, from_after=from_after, engine=engine
    )
    run_id = take_in(
        ready,
        parent=parent,
        priority=priority,
        tags=tags,
        after=after,
        after_any=after_any,
        held=held,
        batch=batch,
        sweep=sweep,
        engine=engine,
        why=why,
    )
    actions.refresh()
    return run_id


def check_to_submit(
    config: RunConfig,
    *,
    priority: int = 0,
    after: str | None = None,
    after_any: bool = False,
    from_after: bool = False,
    engine: str = LOCAL,
) -> RunConfig:
    """The config to be queued, as `submit` is given it; nothing is made yet. Raises LabError."""
    check_priority(priority)
    if after is not None:
        config = check_after(config, after, after_any=after_any, from_after=from_after)
    elif after_any or from_after:
        raise LabError("To start from another run, or however it ends, name the run that this one starts after.")
    return check(config, after, engine)


def take_in(
    config: RunConfig,
    *,
    parent: str | None = None,
    priority: int = 0,
    tags: dict[str, str] | None = None,
    after: str | None = None,
    after_any: bool = False,
    held: bool = False,
    batch: str | None = None,
    sweep: str | None = None,
    engine: str = LOCAL,
    why: str = "",
) -> str:
    """Queue a config that was checked, and return the run's id; `why` is for its first event. Raises LabError."""
    return _take_in(
        config,
        parent,
        tags,
        LOCAL,
        why=why,
        state="queued",
        asked_engine=engine,
        priority=priority,
        after_run=after,
        after_any=int(after_any),
        held=HELD_BY_PERSON if held else 0,
        reason=held_by(events.actor()) if held else "",
        batch=batch,
        sweep=sweep,
    )


@needs(RUNNER)
def begin_here(config: RunConfig, *, parent: str | None = None, tags: dict[str, str] | None = None) -> str:
    """Take in a run that the calling process trains itself, outside the slots, and return its id. Raises LabError."""
    config = check(config)
    pid = os.getpid()
    run_id = _take_in(
        config,
        parent,
        tags,
        INLINE,
        state="running",
        attempt=1,
        started=time.time(),
        pid=pid,
        pid_started=started_at(pid),
        boot=boot_id(),
        synced=0,
    )
    tell_store(run_id)
    return run_id


def chosen_engine(name: str | None) -> str:
    """The engine that a run asks for, the settings' where it names none. Raises LabError for a name that is none."""
    if not home().has_settings():
        chosen, there = LOCAL, ()
    else:
        from core.settings import settings

        chosen, there = settings().engine, tuple(engine.name for engine in settings().engines)
    if (name or chosen) not in (LOCAL, AUTO, *there):
        names = ", ".join((LOCAL, AUTO, *there))
        raise LabError(f"There is no engine {shortened(printable(name or chosen))!r}; there are {names}.")
    return name or chosen


def check_place(device: str, engine: str) -> None:
    """Raise LabError where an engine has no place for a run that asks for a device."""
    if any(slot.takes(device, engine) for slot in actions.capacity()):
        return
    if engine not in (LOCAL, AUTO):
        raise LabError(f"The run asks for {device}, and no node of {engine} has it. Set device to auto.")
    if gone := gpus.reading().trouble_for(device):
        raise LabError(f"The run asks for {device}, and {gone} Until then, set device to cpu.")
    raise LabError(f"The run asks for {device} and this machine has no such device. Set device to auto.")


def check(config: RunConfig, after: str | None = None, engine: str = LOCAL) -> RunConfig:
    """The config to be run: `config` with its dataset's version pinned. Raises LabError for what can't be run here.

    Args:
        config: the run.
        after: run that it waits for, which may be its parent without having a checkpoint yet.
        engine: that it asks for.
    """
    from core.config import NO_PARENT
    from core.datasets import pinned

    actions.check_disk()
    check_place(config.device, engine)
    parent = parent_folder(config)
    if parent is not None:
        refuse_if_gone(parent.run_id, "The parent run")
    if parent is not None and parent.run_id != after and not parent.has_checkpoint:
        raise LabError(f"The parent run {parent.run_id} has no checkpoint here, so nothing can start from it.")
    if parent is not None and (known := parent.config()) is not None and known.config.windows is not None:
        raise LabError(NO_PARENT)
    if parent is not None and config.continuation is not None:
        _check_path(config, parent)
    return pinned(config)


def _check_path(config: RunConfig, parent: RunFolder) -> None:
    """Raise LabError where a run's path does not begin at what its parent solves.

    A parent that came along a path itself may have stopped on it: only its checkpoint says where.
    """
    from core.config import start_of_path

    reading = parent.config()
    if reading is not None and reading.config.continuation is None:
        start_of_path(config.continuation.path, config.problem, reading.config.problem)


def _take_in(
    config: RunConfig, parent: str | None, tags: dict[str, str] | None, engine: str, why: str = "", **fields: Any
) -> str:
    from core.datasets import keep

    files = keep(config)
    with announcing() as token:
        run_id = announce(config, parent, tags, token, fields.get("batch"))
        try:
            for used in files:
                tell_input(run_id, used)
            has_id(token, run_id)
            folder = run_folder(run_id)
            folder.create(config)
            folder.write_asked_tags(tags or {})
            if exchange.wanted():
                table.find(limit=1)  # makes the tables where a database is new
            exchange.publish(folder)
            table.insert(run_id, config, engine, why, **fields)
        except (OSError, StoreError) as error:
            tell_failed(run_id, f"It could not be queued: {error}")
            raise LabError(f"The run could not be queued: {error}") from error
        except KeyboardInterrupt:
            tell_failed(run_id, "It was interrupted before it was queued.")
            raise
        return run_id
