"""What several runs share: the memory of one GPU, and the threads of the CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

import psutil

from core.jobs import gpus, table
from core.jobs.chosen_slots import ChosenSlots, chosen_slots
from core.jobs.engines.contract import Slot
from core.jobs.job import Job
from core.runs.states import ACTIVE

THREADS = "LAB_THREADS"
"""Variable of a run's process: how many threads its slot has."""


def gpu_is_full(slot: Slot) -> str:
    """Why no run may enter this slot now, since others are at work on its GPU; empty where one may."""
    if not slot.gpu:
        return ""
    others = (job for job in table.find(ACTIVE) if job.slot != slot.name and not job.elsewhere)
    mates = [job for job in others if on_gpu(job, slot.gpu)]
    return no_room(mates, gpus.free_memory(slot.visible), chosen_slots().gpu_memory_gb, time.time()) if mates else ""


def on_gpu(job: Job, gpu: str) -> bool:
    """Whether a run's slot is one of a GPU's."""
    return (job.slot or "").partition(":")[0] == gpu


def no_room(mates: Sequence[Job], free: int | None, needed_gb: float, now: float) -> str:
    """Why a further run can't enter a GPU, in one sentence; empty where it can.

    Args:
        mates: the runs at work on it.
        free: bytes that are free on it, None where nobody knows.
        needed_gb: what must be free.
        now: Unix time in seconds.
    """
    if not mates:
        return ""
    if free is None:
        return "Another run is on the GPU, and NVML does not say how much of its memory is free."
    if any(now - (job.started or now) < table.SETTLING_S for job in mates):
        return "Another run has just begun on the GPU; how much memory it takes is seen in a minute."
    if free < needed_gb * 2**30:
        return f"{free / 2**30:.1f} GB are free on the GPU, and a further run enters it at {needed_gb:g} GB."
    return ""


def threads_of(slot: Slot, chosen: ChosenSlots, environment: Mapping[str, str]) -> int | None:
    """Threads of a run in this slot; None on a GPU, where torch decides.

    What the settings say, else the cores divided among the CPU's slots, and no more than OMP_NUM_THREADS says.
    """
    if slot.gpu:
        return None
    if chosen.threads:
        return chosen.threads
    share = max(1, cores() // chosen.cpu)
    own = environment.get("OMP_NUM_THREADS", "")
    return min(share, int(own)) if own.isdigit() and int(own) else share


def thread_variables(threads: int | None) -> dict[str, str]:
    """The variables of a run's process that say how many threads it takes, before anything is imported."""
    names = (THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {} if threads is None else dict.fromkeys(names, str(threads))


def cores() -> int:
    """Processor cores that this process may use; two threads of one core compute hardly more than one."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, psutil.cpu_count(logical=False) or usable)
