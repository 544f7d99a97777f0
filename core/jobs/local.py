"""The local engine: one slot a GPU and one for the CPU, each with a detached worker, started when it is needed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence

from core.jobs import table
from core.jobs.detached import start
from core.jobs.engine import Seen, Slot
from core.jobs.gpus import gpus
from core.jobs.job import Job
from core.jobs.process import alive, signal_group
from core.jobs.slot_lock import busy
from core.runs.states import ACTIVE

WORKER = (sys.executable, "-m", "core.jobs.worker")


class LocalEngine:
    """Runs jobs on this machine.

    Args:
        worker: how a slot's worker is started, without the slot's name.
    """

    def __init__(self, worker: Sequence[str] = WORKER):
        self._worker = tuple(worker)

    def capacity(self) -> list[Slot]:
        """One slot for each GPU and one for the CPU, which takes `auto` only on a machine without a GPU."""
        slots = [Slot(name, ("auto", "cuda"), busy(name), visible) for name, visible in gpus().items()]
        return [*slots, Slot("cpu0", ("cpu",) if slots else ("auto", "cpu"), busy("cpu0"))]

    def poll(self, run_id: str) -> Seen:
        """What became of the processes of an active job."""
        job = table.get(run_id)
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
        for slot in self.capacity():
            if not slot.busy and table.waits_for(slot):
                self._start_worker(slot.name)

    def _start_worker(self, slot: str) -> None:
        start([*self._worker, slot], slot)


def _signal(job: Job, number: signal.Signals) -> None:
    if job.engine == "local":
        signal_group(job.pid, number)
        return
    try:
        os.kill(job.pid, number)  # a run in its caller's own process: its group is the user's shell's
    except ProcessLookupError:
        return
