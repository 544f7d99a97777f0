"""What people do with sweeps: start one, look, stop it, have it go on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from core.config import RunConfig
from core.errors import LabError, StoreError
from core.home import home
from core.jobs import events, table
from core.jobs import resume as resume_run
from core.jobs.announced import announcing
from core.jobs.detached import ensure_courier
from core.jobs.submission import check_to_submit
from core.jobs.sweeping import ensure_sweeps, open_sweeps
from core.jobs.sync import announce
from core.people import RUNNER, needs
from core.sweeps.folder import Known, SweepFolder, all_sweeps, sweep_folder
from core.sweeps.seen import Seen
from core.sweeps.sweep import plan
from core.tracking.tags import SWEEP


@needs(RUNNER)
def start(config: RunConfig, varied: Mapping[str, str], **options: Any) -> str:
    """Start a sweep and return its id, which is that of the run in the store under which its trials are filed.

    Args:
        config: what all trials have in common.
        varied: path of a field → what is tried of it.
        options: of `core.sweeps.sweep.plan`.

    Raises:
        ConfigError: see `plan`.
        LabError: see `plan` and `core.jobs.submit`; nothing is started then.
    """
    sweep = plan(config, varied, **options)
    config = check_to_submit(config, priority=sweep.priority, engine=sweep.engine)
    sweep = sweep.model_copy(update={"who": events.actor(), "made": time.time()})
    top = RunConfig.model_validate(
        config.model_dump(mode="json", by_alias=True) | {"name": f"{sweep.name} sweep"[:120]}
    )
    with announcing() as token:
        sweep_id = announce(top, None, {SWEEP: "sweep"}, token)
        try:
            folder = SweepFolder(home().ensure().sweeps / sweep_id)
            folder.create(sweep, config)
            folder.open()
        except OSError as error:
            raise StoreError(f"The sweep could not be written down: {error}.") from error
    ensure_sweeps()
    ensure_courier()
    return sweep_id


def read(sweep_id: str) -> Seen:
    """A sweep as it is now; its process is started where it is to go on and has none. Raises LabError."""
    folder = sweep_folder(sweep_id)
    ensure_sweeps()
    return Seen.of(folder)


def sweeps() -> list[Seen]:
    """All sweeps, the newest first; damaged ones are left out."""
    ensure_sweeps()
    return [seen for seen in map(_whole, all_sweeps()) if seen is not None]


def going() -> list[Seen]:
    """The sweeps that go on, the newest first; damaged ones are left out."""
    ids = set(open_sweeps())
    return [seen for seen in map(_whole, all_sweeps(ids)) if seen is not None] if ids else []


def _whole(folder: SweepFolder) -> Seen | None:
    try:
        return Seen.of(folder)
    except LabError:
        return None


@needs(RUNNER)
def stop(sweep_id: str) -> None:
    """Stop a sweep: no trial begins, those at work leave a checkpoint. Raises LabError for an ended one."""
    folder = sweep_folder(sweep_id)
    if not folder.is_open:
        raise LabError(f"The sweep {sweep_id[:8]} is {folder.known().state}: there is nothing to stop.")
    try:
        folder.ask_to_stop(events.actor())
    except OSError as error:
        raise StoreError(f"The sweep could not be asked to stop: {error}.") from error
    ensure_sweeps()


@needs(RUNNER)
def resume(sweep_id: str) -> None:
    """Have a stopped or failed sweep go on; trials that were stopped with it go on from their checkpoints.

    Raises LabError for one that goes on or is finished.
    """
    folder = sweep_folder(sweep_id)
    known = folder.known()
    if folder.is_open or known.state == "finished":
        state = known.state if not folder.is_open else "going on"
        raise LabError(f"The sweep {sweep_id[:8]} is {state}: there is nothing to resume.")
    left = [trial.run_id for trial in known.trials if trial.state in ("stopped", "paused") and trial.run_id]
    for job in table.these(left):
        if job.state in ("stopped", "paused") and not job.binned:
            resume_run(job.run_id)
    try:
        folder.write_known(Known("running", "", known.trials, known.importance, time.time()))
        folder.open()
    except OSError as error:
        raise StoreError(f"The sweep could not be resumed: {error}.") from error
    if folder.is_binned:
        folder.close()
        raise LabError(f"The sweep {sweep_id[:8]} was put into the bin meanwhile.")
    ensure_sweeps()
    ensure_courier()
