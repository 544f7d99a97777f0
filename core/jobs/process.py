"""Whether a process is still the one that was started."""

from __future__ import annotations

import os
import signal
from functools import cache
from pathlib import Path

import psutil


@cache
def boot_id() -> str:
    """Identity of this boot of the machine; a pid means nothing across boots."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else str(psutil.boot_time())


def started_at(pid: int) -> float:
    """Unix time at which a process was created."""
    return psutil.Process(pid).create_time()


def alive(pid: int | None, started: float | None, boot: str | None) -> bool:
    """Whether the process of this pid, start time and boot still runs; zombies are dead."""
    if pid is None or boot != boot_id():
        return False
    try:
        process = psutil.Process(pid)
        same = started is None or abs(process.create_time() - started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the process group that a run leads; nothing happens if it is gone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def leftovers(run_dir: Path) -> list[psutil.Process]:
    """Processes that carry this run directory in their environment, in whatever session they hide.

    torchrun puts its ranks into sessions of their own: killing its group leaves them, and the GPU, behind.
    """
    mark = f"LAB_RUN_DIR={run_dir}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(psutil.Process(int(entry.name)))
        except (OSError, psutil.NoSuchProcess):
            continue  # it ended while we looked, or is another user's
    return found
