"""Whether a crashed run tries again by itself, and when: the one place where that is decided."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from core.errors import LabError
from core.home import home
from core.jobs.job import Job
from core.resources import disk_free
from core.runs import RunFolder
from core.runs.checkpoint_file import look

if TYPE_CHECKING:
    from core.rules import Retry
    from core.settings import Settings

RESTART, LOST = "the machine was restarted", "its node was lost"
MEMORY = "the kernel killed it for want of memory"
FAULTS = ("SIGSEGV", "SIGILL", "SIGFPE", "SIGBUS", "SIGABRT", "SIGSYS")
ITS_OWN = (MEMORY, *(f"it was ended by {name}" for name in FAULTS))
"""Causes that lie in the run itself, or in what it asks of the machine: the second time is no chance."""


@dataclass(frozen=True)
class Crash:
    """What is kept of a crash, to compare the next one with."""

    cause: str = ""
    """`RESTART`, `LOST`, one of `ITS_OWN`, or empty."""
    checkpoint: int = 0
    """Iteration of the last checkpoint, else when its file was written; 0 without one."""
    iteration: float = 0.0
    """How far the run was."""

    @classmethod
    def of(cls, job: Job, cause: str) -> Crash:
        """The crash of an attempt whose process is gone."""
        return cls(cause, _checkpoint(job.folder), (job.folder.progress() or {}).get("total_iterations", 0.0))

    @classmethod
    def read(cls, text: str | None) -> Crash | None:
        """The one before, from the job's row; None where there is none."""
        try:
            return None if text is None else cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def written(self) -> str:
        """As the job's row keeps it."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Verdict:
    """What follows from a crash."""

    again: bool
    why: str = ""
    """For people, behind the reason of the crash: when it tries again, or why not; empty where nobody asked for it."""
    due: float | None = None
    """Unix time before which it does not begin."""


def cause_of(returncode: int | None, evidence: str, *, rebooted: bool, lost: bool = False) -> str:
    """The cause of a crash as `Crash` names it.

    Args:
        returncode: as of `subprocess`, where somebody saw the process end.
        evidence: of `core.jobs.death`.
        rebooted: the machine was started since.
        lost: its node is gone, or its engine has lost it.
    """
    if rebooted:
        return RESTART
    if lost:
        return LOST
    if evidence.startswith("The kernel killed it"):
        return MEMORY
    if returncode is not None and returncode < 0:
        try:
            found = f"it was ended by {signal.Signals(-returncode).name}"
        except ValueError:
            return ""
        return found if found in ITS_OWN else ""
    return ""


def why_not(policy: Retry, tries: int, crash: Crash, before: Crash | None, *, disk_full: bool) -> str | None:
    """Why a crashed run does not try again, in one sentence (empty: nobody asked for it); None where it does.

    Args:
        policy: of the run, or of the lab.
        tries: by itself, since a person queued it.
        crash: this one.
        before: the one before, since a person queued it.
        disk_full: less is free than a run is taken in with.
    """
    if policy.most == 0:
        return ""
    if tries >= policy.most:
        return f"It has tried again {tries} times by itself, as often as it may."
    if disk_full:
        return "It does not try again by itself while the disk is nearly full."
    if before is None or crash.cause in (RESTART, LOST):
        return None
    if crash.cause in ITS_OWN and before.cause in ITS_OWN:
        return f"It does not try again by itself: {crash.cause}, and that would repeat; the last time, {before.cause}."
    if crash.checkpoint <= before.checkpoint and crash.iteration <= before.iteration:
        return "It does not try again by itself: it has come no further than the last time."
    return None


def verdict(job: Job, crash: Crash) -> Verdict:
    """What follows from the crash of an attempt that nobody wanted to end."""
    from core.settings import settings

    chosen = settings()
    policy = _policy(job.folder, chosen)
    full = disk_free(home().root) < chosen.disk.least_free_mb * 2**20
    refusal = why_not(policy, job.retries, crash, Crash.read(job.crash), disk_full=full)
    if refusal is not None or job.wanted or job.held or job.binned or job.bin_step:
        return Verdict(False, refusal or "")
    due = time.time() + policy.delay(job.retries)
    return Verdict(True, f"It tries again at {_moment(due, chosen)}, {job.retries + 1} of {policy.most}.", due)


def _policy(folder: RunFolder, chosen: Settings) -> Retry:
    """The run's own, else the lab's."""
    from pydantic import ValidationError

    from core.rules import Retry

    try:
        own = (folder.config_data() or {}).get("retry")
        return chosen.retry if own is None else Retry.model_validate(own)
    except (LabError, ValidationError):  # a config that can't be read is said when the run begins
        return chosen.retry


def _moment(due: float, chosen: Settings) -> str:
    """A Unix time in the lab's time zone, without the day where it is today."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(chosen.time_zone) if chosen.time_zone else UTC
    then, now = datetime.fromtimestamp(due, zone), datetime.now(zone)
    return then.strftime(("" if then.date() == now.date() else "%Y-%m-%d ") + "%H:%M:%S ") + (then.tzname() or "")


def begun(job: Job) -> bool:
    """Whether an attempt that was to start over came so far that what stands in the folder is its own."""
    try:
        return not job.fresh or job.folder.last.stat().st_mtime > (job.started or 0.0)
    except OSError:
        return True  # nothing to go on from: it starts at the beginning in any case


def _checkpoint(folder: RunFolder) -> int:
    try:
        written = folder.last.stat().st_mtime_ns
    except OSError:
        return 0
    try:
        known = look(folder.last).iteration
    except LabError:
        known = None
    return written if known is None else known
