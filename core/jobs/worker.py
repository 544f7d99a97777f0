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

from core import exchange
from core.errors import LabError, StoreError, sentence
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
SETTLE_S = 900.0
"""Seconds that a worker waits for a job table that can't be used when its run has ended."""
INPUTS_S = 300.0
"""Seconds that a database may be gone before a run that needs its files from there is given up."""
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
    if not _has_inputs(job):
        return
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
    if process.returncode and exchange.wanted():  # it had no time to push what it left
        exchange.insist(exchange.Push(job.folder, job.attempt).step, INPUTS_S)
    _settle(job, process.returncode)


def _settle(job: Job, returncode: int | None) -> None:
    """Settle an ended attempt; a table that is gone for a while is waited for, since nobody else saw how it ended."""
    end = time.monotonic() + SETTLE_S
    while True:
        try:
            settle(job, returncode)
            return
        except StoreError as error:
            if time.monotonic() >= end:
                raise
            print(error, file=sys.stderr, flush=True)
            time.sleep(2.0)


def _has_inputs(job: Job) -> bool:
    """Have what a run needs on this machine where it was launched on another; False where that ended it."""
    end = time.monotonic() + INPUTS_S
    while True:
        try:
            exchange.fetch_inputs(job.folder, job.config_hash)
            return True
        except (LabError, OSError) as error:
            if isinstance(error, StoreError) and time.monotonic() < end:
                print(error, file=sys.stderr, flush=True)
                time.sleep(1.0)
                continue
            why = f"It could not begin on this machine: {sentence(error)}"
        break
    conclude(job.run_id, job.attempt, "failed", why)
    tell_store(job.run_id)
    return False


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
        try:
            now = table.get(job.run_id)
        except StoreError as error:  # the table may be there again in a minute; the run goes on meanwhile
            print(error, file=sys.stderr, flush=True)
            time.sleep(2.0)
            continue
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
