"""The local engine: slots on the GPUs and the CPU, each with a detached worker, started when it is needed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from core import exchange
from core.jobs import gpus, table
from core.jobs.chosen_slots import chosen_slots
from core.jobs.detached import start
from core.jobs.engines.contract import Seen, Slot
from core.jobs.hand_over import hand_over
from core.jobs.job import Job
from core.jobs.process import alive, signal_group
from core.jobs.sharing import gpu_is_full
from core.jobs.slot_lock import busy, lock_names
from core.runs.states import ACTIVE

UNHEARD_S = 600.0
"""Seconds without a sign of life after which a run on another machine is given up: it may have lost its network."""
WORKER = (sys.executable, "-m", "core.jobs.worker")


class LocalEngine:
    """Runs jobs on this machine.

    Args:
        worker: how a slot's worker is started, without the slot's name.
    """

    def __init__(self, worker: Sequence[str] = WORKER):
        self._worker = tuple(worker)

    def capacity(self) -> list[Slot]:
        """As many slots as the settings say for each GPU and for the CPU, which takes `auto` where there is no GPU.

        Busy ones that are surplus by now, or whose GPU is gone, come last: their run may end in them, and none begins.
        """
        slots = self._slots(gpus.reading())
        wanted = {slot.name for slot in slots}
        ending = [Slot(name, (), True) for name in lock_names() if name not in wanted and busy(name)]
        return [replace(slot, busy=busy(slot.name)) for slot in slots] + ending

    def slot(self, name: str) -> Slot | None:
        """One slot as it is just now; None where there is none of that name (any more)."""
        found = gpus.reading(fresh=name.startswith("gpu"))
        return next((slot for slot in self._slots(found) if slot.name == name), None)

    def _slots(self, found: gpus.Reading) -> list[Slot]:
        chosen = chosen_slots()
        ends = ["", *(f":{number}" for number in range(2, chosen.per_gpu + 1))]
        listed = found.visible.items()
        # by ends first: a run goes to an empty GPU before it shares one
        on_gpus = [Slot(name + end, ("auto", "cuda"), visible=visible) for end in ends for name, visible in listed]
        kinds = ("cpu",) if on_gpus or found.missing else ("auto", "cpu")
        return on_gpus + [Slot(f"cpu{number}", kinds) for number in range(chosen.cpu)]

    def poll(self, run_id: str) -> Seen:
        """What became of the processes of an active job."""
        job = table.get(run_id)
        if job.elsewhere:
            heard = exchange.heard_of(run_id) if exchange.wanted() else _heartbeat_age(job)
            return "alive" if (time.time() - (job.started or 0.0) if heard is None else heard) < UNHEARD_S else "gone"
        if alive(job.pid, job.pid_started, job.boot) or alive(job.worker_pid, job.worker_started, job.boot):
            return "alive"  # a living worker saw how its run ended, and is about to say so
        if job.pid is None:
            # the worker died between claiming and noting the pid, which a child that has begun notes itself; that one
            # holds the slot
            return "alive" if busy(job.slot) else "unstarted"
        return "gone"

    def stop(self, run_id: str, grace_s: float) -> None:
        """The next rung of the ladder for a run that was asked to stop or pause.

        Whoever writes a rung's time down sends its signal: worker and dashboards may all call this, once each is sent.
        """
        job = table.get(run_id)
        if job.elsewhere:
            return  # its own machine's worker does so
        if not (job.active and job.wanted and alive(job.pid, job.pid_started, job.boot)):
            return
        if job.terminated is None:
            rung, number = "terminated", signal.SIGTERM
        elif job.killed is None and time.time() - job.terminated >= grace_s:
            rung, number = "killed", signal.SIGKILL
        else:
            return
        still = {"attempt": job.attempt, "state": ACTIVE, "terminated": job.terminated, "killed": job.killed}
        if table.update(run_id, only_if=still, **{rung: time.time()}):
            _signal(job, number)

    def ensure(self) -> None:
        """Start workers for free slots with work. Raises StoreError when none can be started."""
        ready = table.ready_devices()
        for slot in self.capacity() if ready else []:
            device = next((device for device in ready if slot.serves(device)), None)
            if device is not None and not slot.busy and not gpu_is_full(slot):
                ready.remove(device)
                self._start_worker(slot.name)

    def _start_worker(self, slot: str) -> None:
        """Start a slot's worker, unless one waits that takes it; it does what `WORKER` does, and no other's work."""
        if self._worker != WORKER or not hand_over(slot):
            start([*self._worker, slot], slot)


def _heartbeat_age(job: Job) -> float | None:
    """Seconds since the last heartbeat of a run whose folder is on a shared disk; None without one."""
    beat = job.folder.heartbeat()
    return None if beat is None or beat["attempt"] != job.attempt else time.time() - beat["time"]


def _signal(job: Job, number: signal.Signals) -> None:
    if job.engine == "local":
        signal_group(job.pid, number)
        return
    try:
        os.kill(job.pid, number)  # a run in its caller's own process: its group is the user's shell's
    except ProcessLookupError:
        return
