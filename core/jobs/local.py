"""The local engine: one slot a GPU or one CPU slot, each a file lock held by a detached worker and by its run.

The lock is passed on to the run's process as an open file, so a slot can't be booked twice while either lives, and the
kernel frees it at any death. Needs a local disk and `fcntl`: Linux, macOS or WSL2.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from core.home import home
from core.jobs import table
from core.jobs.engine import Slot
from core.jobs.job import Job, exit_record, outcome
from core.jobs.process import alive, boot_id, signal_group

SOURCE = Path(__file__).parents[2]
GRACE_S = 30.0
CLAIM_S = 5.0
"""Seconds after which a claimed job without a process, in a slot that nobody holds, goes back into the queue."""


class LocalEngine:
    """Runs jobs on this machine."""

    def __init__(self):
        self._workers: list[subprocess.Popen] = []

    def capacity(self) -> list[Slot]:
        """One slot for each GPU of /dev, in CUDA's order, and one for the CPU."""
        found = gpus()
        if not found:
            return [Slot("cpu0", ("auto", "cpu"), busy("cpu0"))]
        slots = [Slot(f"gpu{index}", ("auto", "cuda"), busy(f"gpu{index}")) for index in found]
        return [*slots, Slot("cpu0", ("cpu",), busy("cpu0"))]

    def submit(self, run_id: str, attempt: int) -> None:
        """The table is the queue: all that is left is to have a worker look at it."""
        self.ensure()

    def logs(self, run_id: str, offset: int, limit: int) -> tuple[bytes, int]:
        """Bytes of log.txt from `offset` on."""
        path = home().run_dir(run_id) / "log.txt"
        if not path.exists():
            return b"", offset
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(limit)
        return data, offset + len(data)

    def ensure(self) -> None:
        """Reap workers that ended, settle jobs whose process is gone, start workers for free slots with work."""
        self._workers = [worker for worker in self._workers if worker.poll() is None]
        self.poll()
        for slot in self.capacity():
            if not slot.busy and table.waits_for(slot.name, slot.devices):
                self._start_worker(slot.name)

    def _start_worker(self, slot: str) -> None:
        log = home().slots / f"{slot}.log"
        with log.open("ab") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "core.jobs.worker", slot],
                cwd=SOURCE,
                env=os.environ | {"LAB_HOME": str(home().root)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        # kept only to be reaped: a worker outlives this process and belongs to init then
        self._workers.append(worker)

    def poll(self) -> None:
        """Settle every job that should have a process and has none, and tell the store what it does not know."""
        for job in table.unsettled():
            if not job.active:
                tell_store(job.run_id, job.state, job.reason)
            elif job.pid is None:
                if job.slot and not busy(job.slot) and time.time() - (job.started or 0) > CLAIM_S:
                    table.update(
                        job.run_id,
                        only_if={"state": job.state, "attempt": job.attempt, "pid": None},
                        state="queued",
                        slot=None,
                    )
            elif alive(job.pid, job.pid_started, job.boot):
                if job.wanted and self._orphaned(job):
                    self.stop(job.run_id, GRACE_S)
            elif self._orphaned(job):
                settle(job)

    def _orphaned(self, job: Job) -> bool:
        """No worker looks after it: the run was started in a terminal, or its slot's worker is gone."""
        worker = home().slots / f"{job.slot}.worker"
        if job.slot is None or not worker.exists():
            return True
        pid, started = worker.read_text().split()
        return not alive(int(pid), float(started), boot_id())

    def stop(self, run_id: str, grace_s: float) -> None:
        """The next rung of the ladder for a run that was asked to stop or pause."""
        job = table.get(run_id)
        if not job.active or not job.wanted or not alive(job.pid, job.pid_started, job.boot):
            return
        own_group = job.engine == "local"
        if job.terminated is None:
            table.update(run_id, only_if={"attempt": job.attempt}, terminated=time.time())
            if own_group:
                signal_group(job.pid, signal.SIGTERM)
            else:
                os.kill(job.pid, signal.SIGTERM)
        elif job.killed is None and time.time() - job.terminated > grace_s:
            table.update(run_id, only_if={"attempt": job.attempt}, killed=time.time())
            if own_group:
                signal_group(job.pid, signal.SIGKILL)
            else:
                os.kill(job.pid, signal.SIGKILL)


def settle(job: Job, returncode: int | None = None) -> None:
    """Write down how an attempt ended whose process is gone, and tell the store."""
    job = table.get(job.run_id)
    state, reason = outcome(job, exit_record(job.run_id, job.attempt), boot_id(), returncode)
    changed = table.update(
        job.run_id,
        only_if={"attempt": job.attempt, "state": ("running", "pausing", "stopping")},
        state=state,
        reason=reason,
        ended=time.time(),
        wanted=None,
        synced=0,
    )
    if changed:
        tell_store(job.run_id, state, reason)


def tell_store(run_id: str, state: str, reason: str) -> None:
    """Give the store a state decided here; on failure the job stays marked and the next look tries again."""
    from core.errors import StoreError
    from core.tracking import store

    try:
        store.set_state(run_id, state, reason)
    except StoreError as error:
        print(f"{run_id}: the store did not take state {state}: {error}", file=sys.stderr)
        return
    table.update(run_id, only_if={"state": state}, synced=1)


def gpus() -> list[int]:
    """Indices of the GPUs that runs may use."""
    present = sorted(int(p.name[6:]) for p in Path("/dev").glob("nvidia[0-9]*") if p.name[6:].isdigit())
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return present
    return [int(part) for part in allowed.split(",") if part.strip().isdigit() and int(part) in present]


def busy(slot: str) -> bool:
    """Whether a worker or a run holds the slot."""
    path = home().ensure().slots / f"{slot}.lock"
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
