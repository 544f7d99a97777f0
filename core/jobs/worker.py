"""A slot's worker: holds the slot's lock, runs waiting jobs one after another, ends when there are none.

Started by `LocalEngine.ensure`, detached: `python -m core.jobs.worker SLOT`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO

from core.home import SOURCE, home
from core.jobs import table
from core.jobs.engine import Slot
from core.jobs.job import Job
from core.jobs.local import LocalEngine
from core.jobs.process import attempt_environment, boot_id, signal_group, started_at
from core.jobs.sampling import sampled
from core.jobs.slot_lock import hold
from core.jobs.state import conclude, settle
from core.jobs.sync import tell_store
from core.plain_text import keep_secrets_out_of_tracebacks
from core.problem_source import with_kept_source

POLL_S = 0.2
RUN = (sys.executable, "-m", "core", "work")


def work(slot: Slot, command: Sequence[str]) -> None:
    """Run jobs until none waits that this slot can run."""
    while True:
        lock = hold(slot.name)
        if lock is None:
            return
        with lock:
            while job := table.claim(slot):
                run(job, slot, lock, command)
        # a job submitted between the last claim and the release found the slot busy: look once more
        if not table.waits_for(slot):
            return
        time.sleep(POLL_S)


def run(job: Job, slot: Slot, lock: IO[str], command: Sequence[str]) -> None:
    """One attempt of a job, from its process's start to its end, and whatever it left behind."""
    try:
        process = _start(job, slot, lock, command)
    except OSError as error:
        conclude(job.run_id, job.attempt, "failed", f"Its process could not be started: {error}.")
        tell_store(job.run_id)
        return
    table.update(
        job.run_id,
        only_if={"attempt": job.attempt},
        pid=process.pid,
        pid_started=started_at(process.pid),
        boot=boot_id(),
    )
    with sampled(job, process.pid, slot.visible):
        _watch(process, job)
    settle(job, process.returncode)


def _start(job: Job, slot: Slot, lock: IO[str], command: Sequence[str]) -> subprocess.Popen:
    folder = job.folder
    environment = os.environ | attempt_environment(folder.path, job.attempt)
    environment |= {"LAB_HOME": str(home().root), "PYTHONUNBUFFERED": "1", "CUDA_VISIBLE_DEVICES": slot.visible}
    environment = with_kept_source(folder.problem_source, environment)
    with folder.open_log() as log:
        return subprocess.Popen(
            [*command, job.run_id, "--attempt", str(job.attempt), *(["--fresh"] if job.fresh else [])],
            cwd=SOURCE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )


def _watch(process: subprocess.Popen, job: Job) -> None:
    """Wait for a run's process; climb the ladder when it was asked to stop, or has said its last word and lingers."""
    engine = LocalEngine()
    said_at = None
    while process.poll() is None:
        now = table.get(job.run_id)
        if now.active and now.attempt == job.attempt:
            if now.wanted:
                engine.stop(job.run_id, now.grace)
        elif said_at is None:
            said_at = time.monotonic()
        elif time.monotonic() - said_at > now.grace:
            signal_group(process.pid, signal.SIGKILL)
        time.sleep(POLL_S)


def main(command: Sequence[str] = RUN) -> None:
    """Work in the slot named on the command line.

    Args:
        command: how a run's process is started, without its arguments (run id, attempt, perhaps `--fresh`).
    """
    keep_secrets_out_of_tracebacks()
    name = sys.argv[1]
    slot = next((slot for slot in LocalEngine().capacity() if slot.name == name), None)
    if slot is None:
        raise SystemExit(f"There is no slot {name!r} on this machine.")
    work(slot, command)


if __name__ == "__main__":
    main()
