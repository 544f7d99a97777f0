"""A job as pages and the command line see it, and the one function that decides how an attempt ended."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.home import home

ACTIVE = ("running", "pausing", "stopping")
"""States in which a process is at work on the run."""

ENDED = ("finished", "stopped", "failed", "crashed")


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
    boot: str | None
    reason: str
    requested: float | None
    """When the stop or pause was asked for, then when each rung of the ladder was reached."""
    terminated: float | None
    killed: float | None
    synced: bool
    """The store knows this state."""
    position: int = 0
    """Place in the queue, from 1; 0 when it does not wait."""

    @property
    def active(self) -> bool:
        """Whether a process is at work on it."""
        return self.state in ACTIVE

    @property
    def ended_for_good(self) -> bool:
        """Whether nothing more happens unless somebody asks."""
        return self.state in ENDED

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a solution to look at or to continue from."""
        return (home().run_dir(self.run_id) / "checkpoints" / "last.pt").exists()

    @property
    def stop_rungs(self) -> list[str]:
        """The rungs that a stop or pause has climbed, each with its time."""
        if self.requested is None:
            return []
        rungs = [(self.requested, "asked the run to end its step and write a checkpoint")]
        if self.terminated:
            rungs.append((self.terminated, "sent SIGTERM"))
        if self.killed:
            rungs.append((self.killed, "no answer in time: sent SIGKILL to its process group"))
        if self.ended and not self.active:
            rungs.append((self.ended, f"the process is gone: {self.state}"))
        return [f"{datetime.fromtimestamp(moment):%H:%M:%S} {text}" for moment, text in rungs]


def exit_record(run_id: str, attempt: int) -> dict[str, Any] | None:
    """What the run itself said at its end, if this attempt got to say it."""
    path = home().run_dir(run_id) / "exit.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return None  # written by rename, so only a damaged disk gets here; then nothing was said
    return record if record.get("attempt") == attempt else None


def outcome(job: Job, record: dict[str, Any] | None, boot: str, returncode: int | None = None) -> tuple[str, str]:
    """(state, reason) of an attempt whose process is gone.

    What the run said itself counts; without a word from it, it crashed, unless it was killed for not answering a stop.
    """
    if record is not None:
        return record["state"], record.get("reason", "")
    if job.killed:
        return "stopped", "It did not answer in time and was killed; its last checkpoint is kept."
    if job.boot and job.boot != boot:
        return "crashed", "The machine was restarted while it ran. Resume continues from its last checkpoint."
    if returncode is not None and returncode < 0:
        return "crashed", f"Its process was ended by {signal.Signals(-returncode).name}."
    if returncode:
        return "crashed", f"Its process ended with exit code {returncode} and no word; its log may tell."
    return "crashed", "Its process vanished without a word."


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write through a temporary file that is whole and on disk before it takes the name."""
    import os

    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
