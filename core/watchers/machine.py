"""Rules on the machine that a run is on: what is left of memory and disk."""

from __future__ import annotations

import math

from core import resources
from core.rules import DiskLow, MemoryLow, Rule
from core.runs import RunFolder
from core.runs.machine_file import newest_reading


def machine_finding(rule: Rule, folder: RunFolder, attempt: int) -> str | None:
    """What a rule finds of the machine now, in one sentence; None where all is well. Raises OSError."""
    if isinstance(rule, DiskLow):
        free = resources.disk_free(folder.path) / 2**20
        return f"{free:,.0f} MB are free on the disk of the lab home" if free < rule.free_mb else None
    if isinstance(rule, MemoryLow):
        for what, free, total in _memories(folder, attempt):
            if total > 0 and free < rule.free * total:
                figures = f"{free / 2**30:,.2f} of {total / 2**30:,.2f} GB"
                return f"{free / total:.1%} of the memory {what} is free, {figures}"
    return None


def _memories(folder: RunFolder, attempt: int) -> list[tuple[str, float, float]]:
    """(whose, bytes that are free, bytes) of each memory that the run may run out of."""
    here = resources.memory()
    found = [("of the machine", float(here.free), float(here.total))]
    beat = folder.heartbeat()
    if beat is not None and beat["attempt"] == attempt:
        found.append(("that the run may take", beat["memory_free"], beat["memory_total"]))
    reading = newest_reading(folder.machine)
    if reading.get("attempt") == attempt:
        total = reading.get("gpu_memory_total_mb", math.nan) * 2**20
        found.append(("of its GPU", total - reading.get("gpu_memory_used_mb", math.nan) * 2**20, total))
    return found
