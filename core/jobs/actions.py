"""What people do with runs that were submitted: look, stop, pause, resume, retry, read the log."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

from core.errors import LabError, StoreError
from core.home import home
from core.jobs import announced, state, table, waiting
from core.jobs.detached import ensure_courier
from core.jobs.engines.cluster_engine import cluster_engines
from core.jobs.engines.contract import INLINE, LOCAL, Engine, Slot
from core.jobs.engines.local import LocalEngine
from core.jobs.events import LAB, acting_as
from core.jobs.job import GRACE_S, Job
from core.jobs.presence import refuse_if_gone
from core.jobs.sweeping import ensure_sweeps
from core.jobs.sync import tell_store, together, told_elsewhere
from core.people import RUNNER, needs
from core.runs import run_folder
from core.runs.folder import all_folders
from core.runs.states import ACTIVE, REPEATABLE

LEAST_FREE_MB = 200.0
"""MB that must be free before a run is taken in, where no settings say so."""

MOST_READ = 1_000_000
"""Bytes of a log read at once unless said otherwise."""

LONG_LINE = 400
"""Bytes; what is read of a log's end for each line that is wanted."""

_local = LocalEngine()
ENGINES: dict[str, Engine] = {LOCAL: _local, INLINE: _local}
"""Those of this machine by the name in a job's row; an inline run has no slot, and its process is looked after like any
other's. Clusters come from the settings (`all_engines`)."""


def all_engines() -> list[Engine]:
    """This machine's engine, and those of the settings, in their order."""
    return [*set(ENGINES.values()), *cluster_engines()]


def check_disk() -> None:
    """Raise LabError where the disk is too full for another run, by the lab's settings."""
    root, least = home().ensure().root, LEAST_FREE_MB
    if home().has_settings():
        from core.settings import settings

        least = settings().disk.least_free_mb
    free = shutil.disk_usage(root).free
    if free < least * 2**20:
        raise LabError(
            f"Only {free / 2**20:.0f} MB are free in {root}; a run is taken in only while {least:.0f} MB are. "
            "`python -m core clean` lists what can go."
        )


def ensure() -> None:
    """Start missing workers and settle what ended unseen; called by everything that looks at jobs.

    Raises StoreError when the job table can't be written.
    """
    state.reconcile(ENGINES)
    if announced.left_behind():
        ensure_courier()
    waiting.settle()
    for engine in all_engines():
        engine.ensure()
    ensure_sweeps()
    if table.notices_wait(ends=_has_channels()):
        ensure_courier()


def _has_channels() -> bool:
    """Whether the lab tells anybody; without a settings file they are not imported, which takes a third of a second."""
    if not home().has_settings():
        return False
    from core.settings import settings

    return bool(settings().channels)


def refresh() -> None:
    """`ensure`, for those who look at jobs or have just changed one: where it can't be done, the next look does it."""
    if together():  # once for all of many, by `core.jobs.many`
        return
    try:
        with acting_as(LAB):
            ensure()
    except StoreError as error:  # a full disk must keep nobody from looking; the next look tries again
        with suppress(StoreError):  # whoever reads a table that can't even be read tells it
            table.find(None, 1)
            print(error, file=sys.stderr, flush=True)


def untold() -> list[Job]:
    """The jobs of which something was refused by the store and is not in it yet."""
    return [job for job in table.unsettled() if job.untold]


def deliver(limit_s: float = 30.0) -> dict[str, str]:
    """Have the store told all it does not know of runs that have ended.

    Returns run id → why not, of those that it does not know after `limit_s` seconds, or that were deleted from it.
    """
    end = time.monotonic() + limit_s
    for run_id in _waiting():
        while (left := end - time.monotonic()) > 0:
            tell_store(run_id, left, leave=False)
            if not told_elsewhere():
                break
    return {run_id: run_folder(run_id).outbox.trouble or "It takes longer than this." for run_id in _waiting()}


def _waiting() -> list[str]:
    jobs = {job.run_id: job for job in table.unsettled()}
    ended = [run_id for run_id, job in jobs.items() if not job.active]
    settled = jobs.keys() | table.binned_ids()
    return ended + [folder.run_id for folder in all_folders() if folder.run_id not in settled and folder.outbox.count()]


def capacity() -> list[Slot]:
    """The slots of all engines."""
    return [slot for engine in all_engines() for slot in engine.capacity()]


def status(run_id: str) -> Job:
    """One job. Raises RunNotFoundError."""
    refresh()
    job = table.get(run_id)
    if not (job.active or job.synced):
        tell_store(run_id)  # it ended since the look
    return job


def queue(limit: int = 1000, states: Iterable[str] | None = None) -> list[Job]:
    """Jobs in any of `states`, newest first; with `states=["queued"]` in the order in which they will start."""
    refresh()
    return table.find(states, limit)


@needs(RUNNER)
def stop(run_id: str, grace_s: float = GRACE_S) -> None:
    """Have a run end its step, write a checkpoint and end; a waiting or paused one is stopped at once.

    Asking again with another `grace_s` (seconds from SIGTERM to SIGKILL) changes it. Raises LabError for an ended run.
    """
    job = status(run_id)
    if job.state in ("queued", "paused"):
        only_if = {"state": job.state, "attempt": job.attempt}
        if table.update(run_id, only_if=only_if, state="stopped", reason="", ended=time.time(), synced=0):
            tell_store(run_id)
            return
        job = status(run_id)  # it started in between
    _ask(job, ACTIVE, "stop", "stopping", grace_s)


@needs(RUNNER)
def pause(run_id: str, grace_s: float = GRACE_S) -> None:
    """Have a run write a checkpoint and leave its slot, to be resumed later. Raises LabError when it is not running.

    Args:
        run_id: the run.
        grace_s: seconds from SIGTERM to SIGKILL.
    """
    _ask(status(run_id), ("running",), "pause", "pausing", grace_s)


def _ask(job: Job, allowed: tuple[str, ...], wanted: str, becomes: str, grace_s: float) -> None:
    asked = job.state in allowed and table.update(
        job.run_id,
        only_if={"attempt": job.attempt, "state": allowed},
        state=becomes,
        wanted=wanted,
        requested=job.requested or time.time(),
        grace=grace_s,
        synced=0,
    )
    if not asked:
        raise LabError(f"Run {job.run_id[:8]} is {table.get(job.run_id).state}: there is nothing to {wanted}.")
    tell_store(job.run_id)


@needs(RUNNER)
def resume(run_id: str) -> None:
    """Queue a run again, from its last checkpoint. Raises LabError while it waits or runs, or when it is finished."""
    _again(run_id, fresh=False)


@needs(RUNNER)
def retry(run_id: str) -> None:
    """Queue an ended run again, from the beginning. Raises LabError while it waits or runs, or when it is finished."""
    _again(run_id, fresh=True)


def _again(run_id: str, *, fresh: bool) -> None:
    job = status(run_id)
    refuse_if_gone(run_id)
    parent = waiting.starts_from(run_id)
    if parent is not None and not run_folder(parent).exists:
        raise LabError(f"Run {run_id[:8]} starts from run {parent[:8]}, which is gone for good.")
    check_disk()
    # an inline run's process may be a notebook that lives on; in a slot the old process must be gone before the new
    former = {"pid": None, "pid_started": None} if job.engine == "inline" else {}
    changed = table.update(
        run_id,
        only_if={"state": REPEATABLE, "attempt": job.attempt, "binned": None},
        to_end=True,
        state="queued",
        held=0,
        due=None,
        retries=0,
        crash=None,
        engine="local",
        queued=time.time(),
        ended=None,
        fresh=int(fresh),
        wanted=None,
        reason="",
        requested=None,
        terminated=None,
        killed=None,
        grace=GRACE_S,
        synced=0,
        **former,
    )
    if not changed:
        now = table.get(run_id).state
        raise LabError(f"Run {run_id[:8]} is {now}; only one that is {', '.join(REPEATABLE)} can be queued again.")
    tell_store(run_id)
    refresh()


def logs(run_id: str, offset: int = 0, limit: int = MOST_READ) -> tuple[bytes, int]:
    """What the run has printed from a byte offset on, at most `limit` bytes, and the offset to continue from."""
    return run_folder(run_id).log(offset, limit)


def tail(run_id: str, lines: int) -> str:
    """The last lines of the run's log."""
    folder = run_folder(run_id)
    data, _ = folder.log(max(0, folder.log_size() - LONG_LINE * lines), MOST_READ)
    return "\n".join(data.decode("utf-8", "replace").splitlines()[-lines:])
