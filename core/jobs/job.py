"""A job as pages and the command line see it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import exchange
from core.runs import RunFolder, run_folder
from core.runs.states import ACTIVE, ENDED

if TYPE_CHECKING:
    from core.config import RunConfig

GRACE_S = 30.0
"""Seconds a run has between SIGTERM and SIGKILL unless said otherwise: time for one long step and a checkpoint."""

AT_END, RESTORING, EMPTYING = "at end", "restoring", "emptying"
"""Steps of a run and the bin: it goes there once it has ended; the store is to bring it back; it is being deleted for
good."""


@dataclass(frozen=True)
class Job:
    """One row of the job table. Times are Unix times in seconds."""

    run_id: str
    name: str
    problem: str
    problem_parameters: dict[str, Any]
    config_hash: str
    device: str
    engine: str
    """Where its last attempt was: `local` for a slot of this machine, `inline` for its caller's own process, else the
    name of a cluster's engine."""
    priority: int
    state: str
    wanted: str | None
    """What was asked of the running process: stop, pause or nothing."""
    attempt: int
    fresh: bool
    """The next attempt starts from the beginning instead of the last checkpoint."""
    slot: str | None
    submitted: float
    started: float | None
    ended: float | None
    pid: int | None
    pid_started: float | None
    """`core.jobs.process.started_at` of the pid, so that another process with the same pid is not taken for it."""
    worker_pid: int | None
    """The slot worker that claimed the attempt."""
    worker_started: float | None
    boot: str | None
    reason: str
    grace: float
    """Seconds between SIGTERM and SIGKILL."""
    requested: float | None
    """When the stop or pause was asked for, then when each rung of the ladder was reached."""
    terminated: float | None
    killed: float | None
    synced: bool
    """The store knows this state."""
    place: float
    """Order among waiting jobs of the same priority."""
    held: bool
    """It waits until somebody releases it."""
    after_run: str | None
    """Run that must have ended before this one begins; None once it began."""
    after_any: bool
    """It begins however `after_run` ended, not only once that has finished."""
    due: float | None
    """Unix time before which it does not begin: the delay of a try by itself."""
    retries: int
    """Tries by itself since a person last queued it."""
    crash: str | None
    """How it crashed the last time since a person queued it, as `core.jobs.retrying.Crash` writes it."""
    revision: int
    """How often its config was changed while it waited."""
    batch: str | None
    """Name of the batch that it was submitted with."""
    binned: float | None
    """When it was put into the bin."""
    bin_step: str | None
    """What is under way with the bin: `AT_END`, `RESTORING` or `EMPTYING`; mostly nothing."""
    size: float | None
    """`core.config.size` of its config; None for a run of an older program."""
    asked_engine: str = "local"
    """Where it is to go: `local`, an engine's name, or `auto`."""
    engine_word: str = ""
    """What the engine says of an attempt that it has and that has not begun, for example "pending: Resources"."""
    machine: str | None = None
    """The machine whose slot has its attempt, as `core.exchange.this_machine` calls it; None on one machine alone."""
    sweep: str | None = None
    """The sweep that it is a trial of."""
    after_name: str | None = None
    after_state: str | None = None
    """Name and state of `after_run`; None where that is gone."""
    position: int = 0
    """Place in the queue, from 1; 0 when it does not wait."""

    @property
    def active(self) -> bool:
        """Whether a process is at work on it."""
        return self.state in ACTIVE

    @property
    def elsewhere(self) -> bool:
        """Whether a slot of another machine has its attempt: pids, signals and GPUs are that machine's."""
        return self.machine is not None and self.machine != exchange.machine_here()

    @property
    def ended_for_good(self) -> bool:
        """Whether nothing more happens unless somebody asks."""
        return self.state in ENDED

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""
        return run_folder(self.run_id)

    @property
    def untold(self) -> str:
        """Why the store does not have yet what the run has for it, in one sentence; empty where nothing was refused."""
        return self.folder.outbox.trouble

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a solution to look at or to continue from."""
        return self.folder.has_checkpoint

    @property
    def stop_rungs(self) -> list[str]:
        """The rungs that a stop or pause has climbed."""
        return [text for _, text in self._ladder()]

    @property
    def stop_moments(self) -> list[float]:
        """The Unix time of each of them."""
        return [moment for moment, _ in self._ladder()]

    def _ladder(self) -> list[tuple[float, str]]:
        if self.requested is None:
            return []
        rungs = [(self.requested, "asked the run to end its step and write a checkpoint")]
        if self.terminated:
            rungs.append((self.terminated, "sent SIGTERM"))
        if self.killed:
            rungs.append((self.killed, "no answer in time: sent SIGKILL to its process group"))
        if self.ended and not self.active:
            rungs.append((self.ended, f"the process is gone: {self.state}"))
        return rungs


@dataclass(frozen=True)
class Finished:
    """How long a run took that finished at its first attempt, in which slot."""

    config_hash: str
    problem: str
    size: float | None
    slot: str
    seconds: float


def columns_of(config: RunConfig) -> dict[str, Any]:
    """What a job's row repeats of its config, and changes with it."""
    from core.config import size

    return {
        "name": config.name,
        "problem": config.problem.kind,
        "problem_parameters": json.dumps(config.problem.model_dump(mode="json", exclude={"kind"})),
        "config_hash": config.hash,
        "device": config.device,
        "size": size(config),
    }
