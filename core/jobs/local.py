"""The local engine: one slot a GPU and one for the CPU, each with a detached worker, started when it is needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from core.errors import StoreError
from core.home import SOURCE, home
from core.jobs import table
from core.jobs.engine import Seen, Slot
from core.jobs.gpus import gpus
from core.jobs.job import Job
from core.jobs.process import alive, attempt_environment, signal_group
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
        environment = {key: value for key, value in os.environ.items() if key not in attempt_environment(Path(), 0)}
        try:
            with (home().slots / f"{slot}.log").open("ab") as output:
                # the shell is gone at once and its child belongs to init: no zombie stays with a dashboard, and no
                # end of the dashboard's session reaches the worker
                subprocess.run(
                    ["/bin/sh", "-c", '"$@" &', "sh", *self._worker, slot],
                    cwd=SOURCE,
                    env=environment | {"LAB_HOME": str(home().root)},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    check=True,
                )
        except (OSError, subprocess.CalledProcessError) as error:
            raise StoreError(f"No worker could be started for slot {slot}: {error}.") from error


def _signal(job: Job, number: signal.Signals) -> None:
    if job.engine == "local":
        signal_group(job.pid, number)
        return
    try:
        os.kill(job.pid, number)  # a run in its caller's own process: its group is the user's shell's
    except ProcessLookupError:
        return
