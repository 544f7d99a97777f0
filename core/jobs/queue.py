"""What people do with runs: submit, look, stop, pause, resume, retry, read the log."""

from __future__ import annotations

import json
import os
import shutil
import time
from typing import Any

from core.config import RunConfig
from core.errors import LabError, StoreError
from core.home import home
from core.jobs import table
from core.jobs.engine import Slot
from core.jobs.job import Job
from core.jobs.local import LocalEngine, tell_store
from core.jobs.process import boot_id, started_at

LEAST_FREE = 200 * 2**20
"""Bytes that must be free before a run is taken in."""

_engine = LocalEngine()


def submit(config: RunConfig) -> str:
    """Queue a run and return its id; it is in the store at once and outlives this process.

    Raises LabError when the disk is nearly full, the device is not there, or the store can't be written. Nothing is
    half-created then: what was begun is marked failed with the reason.
    """
    _check(config)
    return _take_in(config, "local", state="queued")


def begin_here(config: RunConfig) -> str:
    """Take in a run that the calling process trains itself, outside the slots, and return its id. Raises LabError."""
    _check(config)
    pid = os.getpid()
    return _take_in(
        config,
        "inline",
        state="running",
        attempt=1,
        started=time.time(),
        pid=pid,
        pid_started=started_at(pid),
        boot=boot_id(),
    )


def _check(config: RunConfig) -> None:
    lab = home().ensure()
    free = shutil.disk_usage(lab.root).free
    if free < LEAST_FREE:
        raise LabError(f"Only {free / 2**20:.0f} MB are free in {lab.root}; a run needs 200 MB. Free some space.")
    device = config.device.partition(":")[0]
    if not any(device in slot.devices for slot in _engine.capacity()):
        raise LabError(f"The run asks for {config.device} and this machine has no such device. Set device to auto.")
    if config.parent and not (lab.run_dir(config.parent) / "checkpoints" / "last.pt").exists():
        raise LabError(f"The parent run {config.parent} has no checkpoint here, so nothing can start from it.")


def _take_in(config: RunConfig, engine: str, **fields: Any) -> str:
    from core.tracking import store

    run_id = store.create_run(config)
    try:
        folder = home().run_dir(run_id)
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(config.canonical_json() + "\n", encoding="utf-8")
        table.insert(run_id, config, engine, **fields)
    except (OSError, StoreError) as error:
        store.set_state(run_id, "failed", f"It could not be queued: {error}")
        raise LabError(f"The run could not be queued: {error}") from error
    if engine == "local":
        _engine.submit(run_id, 1)
    return run_id


def ensure() -> None:
    """Start missing workers and settle what ended unseen; called by everything that looks at jobs."""
    _engine.ensure()


def capacity() -> list[Slot]:
    """The slots of this machine."""
    return _engine.capacity()


def status(run_id: str) -> Job:
    """One job. Raises RunNotFoundError."""
    home().run_dir(run_id)
    _engine.ensure()
    return table.get(run_id)


def queue(limit: int = 1000, states: tuple[str, ...] | None = None) -> list[Job]:
    """Jobs, newest first."""
    _engine.ensure()
    return table.find(states, limit)


def stop(run_id: str) -> None:
    """Have a run end its step, write a checkpoint and end. Raises LabError when it is not running or waiting."""
    job = status(run_id)
    if job.state in ("queued", "paused"):
        if table.update(run_id, only_if={"state": job.state}, state="stopped", reason="", ended=time.time(), synced=0):
            tell_store(run_id, "stopped", "")
            return
        job = status(run_id)  # it started in between
    _ask(job, "stop", "stopping")


def pause(run_id: str) -> None:
    """Have a run write a checkpoint and leave its slot, to be resumed later. Raises LabError when it is not running."""
    job = status(run_id)
    if job.state != "running":
        raise LabError(f"Run {run_id[:8]} is {job.state}; only a running one can be paused.")
    _ask(job, "pause", "pausing")


def _ask(job: Job, wanted: str, state: str) -> None:
    if not job.active:
        raise LabError(f"Run {job.run_id[:8]} is {job.state}; there is nothing to {wanted}.")
    asked = table.update(
        job.run_id,
        only_if={"attempt": job.attempt, "state": ("running", "pausing", "stopping")},
        state=state,
        wanted=wanted,
        requested=time.time(),
        synced=0,
    )
    if asked:
        tell_store(job.run_id, state, "")


def resume(run_id: str) -> None:
    """Queue a run again, from its last checkpoint. Raises LabError while it waits or runs, or when it is finished."""
    _again(run_id, ("paused", "stopped", "failed", "crashed"), fresh=False)


def retry(run_id: str) -> None:
    """Queue an ended run again, from the beginning. Raises LabError while it waits or runs, or when it is finished."""
    _again(run_id, ("paused", "stopped", "failed", "crashed"), fresh=True)


def _again(run_id: str, states: tuple[str, ...], *, fresh: bool) -> None:
    job = status(run_id)
    changed = job.state in states and table.update(
        run_id,
        only_if={"state": job.state},
        state="queued",
        engine="local",
        queued=time.time(),
        fresh=int(fresh),
        wanted=None,
        reason="",
        synced=0,
    )
    if not changed:
        raise LabError(f"Run {run_id[:8]} is {job.state}; only one that is {', '.join(states)} can be queued again.")
    tell_store(run_id, "queued", "")
    _engine.submit(run_id, job.attempt + 1)


def logs(run_id: str, offset: int = 0, limit: int = 1_000_000) -> tuple[bytes, int]:
    """What the run has printed from a byte offset on, and the offset to continue from."""
    return _engine.logs(run_id, offset, limit)


def tail(run_id: str, lines: int) -> str:
    """The last lines of the run's log."""
    path = home().run_dir(run_id) / "log.txt"
    size = path.stat().st_size if path.exists() else 0
    data, _ = logs(run_id, max(0, size - 400 * lines))
    return "\n".join(data.decode("utf-8", "replace").splitlines()[-lines:])


def progress(run_id: str) -> dict[str, Any] | None:
    """Where the trainer stands, as it last wrote it; None before the first iteration."""
    path = home().run_dir(run_id) / "progress.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
