"""Why a process may have died that said nothing: what the kernel says, and what it said at its last heartbeat."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from core import resources
from core.jobs.job import Job
from core.jobs.process import started_at
from core.resources import size_text

LITTLE = 0.03
"""Part of the memory; a process that was killed with less of it free was hardly killed by chance."""
FULL = 32 * 2**20
"""Bytes; a disk with less left is full for a run."""


def heartbeat(attempt: int, folder: Path) -> dict[str, Any]:
    """What a run's process notes every two seconds: who it is, and what was left of memory and disk.

    Args:
        attempt: of the run.
        folder: of the run, on whose disk it writes. Raises OSError when that is gone.
    """
    pid, memory = os.getpid(), resources.memory()
    return {
        "attempt": attempt,
        "pid": pid,
        "pid_started": started_at(pid),
        "time": time.time(),
        "rss": psutil.Process(pid).memory_info().rss,
        "memory_free": memory.free,
        "memory_total": memory.total,
        "disk_free": resources.disk_free(folder),
        "memory_kills": resources.memory_kills(),
    }


def evidence(job: Job, returncode: int | None) -> str:
    """What is known of the death of an attempt's process in one or two sentences; empty where nothing is.

    Args:
        job: its row while it was at work.
        returncode: as of `subprocess`, where somebody saw the process end.
    """
    beat = job.folder.heartbeat()
    if beat is not None and beat["attempt"] != job.attempt:
        beat = None
    killed = returncode in (None, -signal.SIGKILL)
    if killed and job.pid and resources.kernel_killed(job.pid, job.pid_started or 0.0):
        return f"The kernel killed it for want of memory{_memory(beat)}. Take fewer points or a smaller network."
    if beat is None:
        return ""
    if killed and resources.more_kills(beat["memory_kills"]):
        return f"The kernel killed it for want of memory{_memory(beat)}. Take fewer points or a smaller network."
    if beat["disk_free"] < FULL:
        return f"The disk was full: {size_text(beat['disk_free'])} were free at its last sign of life{_moment(beat)}."
    if killed and beat["memory_free"] < LITTLE * beat["memory_total"]:
        return f"The kernel may have killed it for want of memory{_memory(beat)}."
    return ""


def evidence_away(job: Job) -> str:
    """The same of an attempt on another machine, whose kernel can't be asked: what its last heartbeat says."""
    beat = job.folder.heartbeat()
    if beat is None or beat["attempt"] != job.attempt:
        return ""
    if beat["disk_free"] < FULL:
        return f"The disk was full: {size_text(beat['disk_free'])} were free at its last sign of life{_moment(beat)}."
    if beat["memory_free"] < LITTLE * beat["memory_total"]:
        return f"The kernel may have killed it for want of memory{_memory(beat)}."
    return ""


def _memory(beat: dict[str, Any] | None) -> str:
    if beat is None:
        return ""
    free, total = size_text(beat["memory_free"]), size_text(beat["memory_total"])
    return (
        f": at its last sign of life{_moment(beat)} it held {size_text(beat['rss'])}, and {free} of {total} were free"
    )


def _moment(beat: dict[str, Any]) -> str:
    return f" ({time.strftime('%H:%M:%S', time.gmtime(beat['time']))} UTC)"
