"""What a process may still take, by machine, control group and ulimit, and whether the kernel killed for memory."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
KILLED = re.compile(r"Killed process (\d+)\b")
RECORD = 8192
"""Bytes of one record of the kernel's log at most."""


@dataclass(frozen=True)
class Memory:
    """Bytes of memory."""

    free: int
    """What can be taken yet, by the machine's count and by each limit of the control group."""
    total: int
    """All that the process may ever have."""


def memory() -> Memory:
    """The memory of this process's control group or ulimit, whose limit may be far below what the machine has."""
    machine = psutil.virtual_memory()
    free, total = machine.available, machine.total
    for folder in _groups():
        limit = _number(folder, "memory.max", "memory.limit_in_bytes")
        used = _number(folder, "memory.current", "memory.usage_in_bytes")
        if limit is not None and used is not None and limit < machine.total:
            cached = _counter(folder / "memory.stat", "total_inactive_file", "inactive_file") or 0
            free, total = min(free, max(0, limit - used + cached)), min(total, limit)
    if (limit := _address_space()) is not None:
        free, total = min(free, max(0, limit - psutil.Process().memory_info().vms)), min(total, limit)
    return Memory(free, total)


LEAST_FREE = 2**30
"""Bytes of memory, and `LEAST_PART` of all: what must be free for a process to be kept ready, which takes 0.3 GB."""
LEAST_PART = 0.1


def has_memory_to_wait() -> bool:
    """Whether there is memory for processes that only wait until they are needed."""
    found = memory()
    return found.free > max(LEAST_FREE, LEAST_PART * found.total)


def _address_space() -> int | None:
    """What `ulimit -v` lets a process have; None without a limit."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def cores() -> float:
    """How many cores' time this process may take: those of the machine, its affinity and its control group's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(float(allowed), _quota() or float(allowed))


def cpu_seconds() -> tuple[float, float]:
    """Seconds of CPU taken so far, and those that could have been: of the control group where it has a quota.

    Differences between two calls mean something, not the numbers themselves.
    """
    if (quota := _quota()) is not None and (used := _group_cpu()) is not None:
        return used, time.monotonic() * quota
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # guests' time is counted as user's already
    whole = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return whole - idle, whole


def _quota() -> float | None:
    """Cores' worth of time that the control group may take; None without such a limit."""
    found = []
    for folder in _groups("cpu"):
        limit = _words(folder / "cpu.max")
        if not limit:  # of version 1
            limit = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
        if len(limit) == 2 and all(word.isdigit() for word in limit) and int(limit[1]):
            found.append(int(limit[0]) / int(limit[1]))
    least = min(found, default=None)
    return least if least and least < (os.cpu_count() or 1) else None


def _group_cpu() -> float | None:
    """Seconds of CPU that the control group has taken."""
    for folder in _groups("cpu"):
        if (count := _counter(folder / "cpu.stat", "usage_usec")) is not None:
            return count / 1e6
        if (count := _number(folder, "cpuacct.usage")) is not None:
            return count / 1e9
    return None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def disk_free(path: Path) -> int:
    """Bytes that are free on the disk of a path. Raises OSError."""
    return shutil.disk_usage(path).free


def size_text(count: float) -> str:
    """Bytes as a person reads them: "12 kB", "3.4 GB"; a GB is 2³⁰ of them."""
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if unit == "GB" or count < 10 * size else f"{count / size:.0f} {unit}"
    return f"{count:.0f} bytes"


def memory_kills() -> dict[str, int]:
    """How often the kernel has killed for memory so far: file that says it → count, of this process's control group."""
    found = {}
    for folder in _groups():
        for name in ("memory.events", "memory.oom_control"):
            if (count := _counter(folder / name, "oom_kill")) is not None:
                found[str(folder / name)] = count
    return found


def more_kills(before: dict[str, int]) -> bool:
    """Whether the kernel has killed for memory since `memory_kills` said this."""
    return any((_counter(Path(path), "oom_kill") or 0) > count for path, count in before.items())


def kernel_killed(pid: int, since: float) -> bool:
    """Whether the kernel's log, where it may be read, says that it killed a process for memory.

    Args:
        pid: the process.
        since: seconds since boot; what was said before is about another process.
    """
    try:
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        while True:
            try:
                record = os.read(log, RECORD).decode("utf-8", "replace")
            except BrokenPipeError:
                continue  # the oldest were overwritten meanwhile
            except OSError:
                return False  # the end
            head, _, text = record.partition(";")
            moment = head.split(",")[2] if head.count(",") >= 2 else ""
            found = KILLED.search(text)
            if found and int(found[1]) == pid and moment.isdigit() and int(moment) / 1e6 >= since:
                return True
    finally:
        os.close(log)


def _groups(wanted: str = "memory") -> Iterator[Path]:
    """The folders of this process's control group for memory or `cpu` and of those above it, of either version."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if wanted in controllers.split(","):
            root = CGROUPS / wanted
        elif not controllers:
            root = CGROUPS
        else:
            continue
        inner = root / path.strip("/")
        for folder in (inner, *inner.parents):
            if folder.is_dir():  # inside a container the path may be that of the machine
                yield folder
            if folder == root:
                break


def _number(folder: Path, *names: str) -> int | None:
    for name in names:
        try:
            return int((folder / name).read_text())
        except (OSError, ValueError):
            continue  # of the other version, or `max`
    return None


def _counter(path: Path, *names: str) -> int | None:
    """The first of these counters in a file of lines `name count`."""
    try:
        counts = dict(line.split(maxsplit=1) for line in path.read_text().splitlines() if " " in line)
    except OSError:
        return None
    return next((int(counts[name]) for name in names if counts.get(name, "").strip().isdigit()), None)
