"""What the machine and one tree of processes take: CPU since the last look, memory, disk."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

from core import resources

PROC = Path("/proc")
TREE_S = 5.0
"""A process's children are looked for so often: each look reads a file of every process of the machine."""
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Reading:
    """The machine at one moment. Memory and disk in bytes, CPU in percent of all cores; NaN for what is not known."""

    time: float
    """Unix time in seconds."""
    cpu: float
    memory_used: float
    memory_total: float
    """What the processes of the lab may have: of the machine, or of its control group."""
    disk_free: float
    run_cpu: float = math.nan
    run_memory: float = math.nan


class Meter:
    """Looks at the machine, and at a tree of processes where one is named.

    Args:
        disk: a path on the disk that matters.
        pid: the process at the root of the tree.
    """

    def __init__(self, disk: Path, pid: int | None = None):
        self._disk = disk
        self._tree = None if pid is None else Tree(pid)
        self._cpu = Share()
        self._run_cpu = Share()

    @property
    def alive(self) -> bool:
        """Whether the process at the root of the tree was there at the last look."""
        return self._tree is not None and self._tree.alive

    def read(self) -> Reading:
        """The machine now; CPU is that since the last call, NaN at the first one."""
        memory, cores = resources.memory(), resources.cores()
        try:
            disk_free = float(resources.disk_free(self._disk))
        except OSError:
            disk_free = math.nan
        busy, possible = resources.cpu_seconds()
        cpu = self._cpu.since(busy, possible)
        run_cpu = run_memory = math.nan
        if self._tree is not None:
            seconds, run_memory = self._tree.look()
            run_cpu = self._run_cpu.since(seconds, time.monotonic() * cores)
        used = float(memory.total - memory.free)
        return Reading(time.time(), cpu, used, float(memory.total), disk_free, run_cpu, run_memory)


class Share:
    """Percent of what was possible that was used since the last look."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None

    def since(self, used: float, possible: float) -> float:
        """Percent, between 0 and 100; NaN at first, and where nothing was possible.

        Args:
            used: seconds used so far; fewer than before where a process ended that nobody had waited for.
            possible: seconds that could have been used so far.
        """
        before, self._before = self._before, (used, possible)
        if before is None or math.isnan(used) or math.isnan(before[0]) or possible <= before[1]:
            return math.nan
        return min(100.0, max(0.0, 100 * (used - before[0]) / (possible - before[1])))


@dataclass(frozen=True)
class _Stat:
    parent: int
    seconds: float
    """Of CPU, with those of children that ended and were waited for."""
    started: int
    """Ticks since boot: another process with the same pid has others."""
    memory: int


class Tree:
    """A process and all that descend from it, whatever sessions they are in."""

    def __init__(self, pid: int):
        self._pid = pid
        root = _stat(pid)
        self._members: dict[int, int] = {} if root is None else {pid: root.started}
        self._looked = float("-inf")
        self.alive = root is not None

    def look(self) -> tuple[float, float]:
        """Seconds of CPU and bytes of memory of the tree; both NaN once its root is gone."""
        now = time.monotonic()
        if self.alive and now - self._looked >= TREE_S:
            self._looked = now
            self._members = self._descendants()
        found = {pid: stat for pid, started in self._members.items() if (stat := _same(pid, started)) is not None}
        self.alive = self._pid in found
        if not self.alive:
            return math.nan, math.nan
        return sum(stat.seconds for stat in found.values()), float(sum(stat.memory for stat in found.values()))

    def _descendants(self) -> dict[int, int]:
        """The starts, by pid, of the root, if it is still the same process, and of what descends from it."""
        root = _same(self._pid, self._members.get(self._pid, -1))
        if root is None:
            return {}
        children: dict[int, list[tuple[int, int]]] = {}
        for name in os.listdir(PROC):  # noqa: PTH208  # a Path for each of them is half of the cost
            if name.isdigit() and (stat := _stat(int(name))) is not None:
                children.setdefault(stat.parent, []).append((int(name), stat.started))
        found, left = {}, [(self._pid, root.started)]
        while left:
            pid, started = left.pop()
            if pid not in found:
                found[pid] = started
                left += children.get(pid, [])
        return found


def _same(pid: int, started: int) -> _Stat | None:
    stat = _stat(pid)
    return stat if stat is not None and stat.started == started else None


def _stat(pid: int) -> _Stat | None:
    """What proc(5) says of a process; None for none, and for one that ended and was not waited for."""
    try:
        with open(f"{PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123  # half of the cost, for every process there is
            fields = file.read().rpartition(b")")[2].split()
        if fields[0] == b"Z":
            return None
        seconds = sum(map(int, fields[11:15])) / TICKS
        return _Stat(int(fields[1]), seconds, int(fields[19]), int(fields[21]) * PAGE)
    except (OSError, IndexError, ValueError):
        return None
