"""A slot's worker: holds the slot's lock, runs waiting jobs one after another, ends when there are none.

Started by `LocalEngine.ensure`, detached: `python -m core.jobs.worker SLOT`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO

from core.home import SOURCE
from core.jobs import events, table
from core.jobs.detached import ensure_courier
from core.jobs.engines.contract import Slot
from core.jobs.engines.local import LocalEngine
from core.jobs.job import Job
from core.jobs.prepared import Prepared, run_environment
from core.jobs.process import attempt_environment, boot_id, signal_group, started_at
from core.jobs.sampling import sampled
from core.jobs.sharing import gpu_is_full
from core.jobs.slot_lock import hold
from core.jobs.state import conclude, settle
from core.jobs.sync import tell_store
from core.plain_text import keep_secrets_out_of_tracebacks

POLL_S = 0.2
RUN = (sys.executable, "-m", "core", "work")


def work(name: str, command: Sequence[str], prepared: Prepared | None = None) -> None:
    """Run jobs until none waits that this slot can run, or until there is no such slot any more.

    Args:
        name: the slot.
        command: how a run's process is started, without its arguments (run id, attempt, perhaps `--fresh`).
        prepared: a process in which torch is imported, for the first of them.
    """
    events.this_process_is(f"worker {name}")
    while True:
        lock = hold(name)
        if lock is None:
            return
        with lock:
            while (found := _next(name)) is not None:
                run(*found, lock, command, prepared)
                if prepared is not None:
                    prepared.dismiss()
                    prepared = None
        # a job submitted between the last claim and the release found the slot busy: look once more
        slot = LocalEngine().slot(name)
        if slot is None or not table.waits_for(slot) or gpu_is_full(slot):
            return
        time.sleep(POLL_S)


def _next(name: str) -> tuple[Job, Slot] | None:
    """The next job and the slot as it is now: it may be surplus by a change of the settings, or its GPU be gone."""
    slot = LocalEngine().slot(name)
    if slot is None or gpu_is_full(slot):
        return None
    job = table.claim(slot)
    return None if job is None else (job, slot)


def run(job: Job, slot: Slot, lock: IO[str], command: Sequence[str], prepared: Prepared | None = None) -> None:
    """One attempt of a job, from its process's start to its end, and whatever it left behind."""
    ensure_courier()
    try:
        process = _start(job, slot, lock, command, prepared)
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


def _start(job: Job, slot: Slot, lock: IO[str], command: Sequence[str], prepared: Prepared | None) -> subprocess.Popen:
    folder = job.folder
    environment = run_environment(slot, folder.problem_source, attempt_environment(folder.path, job.attempt))
    arguments = [job.run_id, "--attempt", str(job.attempt), *(["--fresh"] if job.fresh else [])]
    with folder.open_log() as log:
        if prepared is not None and prepared.fits(environment) and prepared.begin(arguments, environment, log, lock):
            return prepared.process
        return subprocess.Popen(
            [*command, *arguments],
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
        ensure_courier()
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
    """Work in the slot named on the command line; `command` is how a run's process is started."""
    keep_secrets_out_of_tracebacks()
    name = sys.argv[1]
    if LocalEngine().slot(name) is None:
        raise SystemExit(f"There is no slot {name!r} on this machine.")
    work(name, command)


if __name__ == "__main__":
    main()
