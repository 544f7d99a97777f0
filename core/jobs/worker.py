"""A slot's worker: holds the slot's lock, runs waiting jobs one after another, ends when there are none.

Started by `LocalEngine.ensure`, detached: `python -m core.jobs.worker SLOT`.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from typing import IO

from core.home import home
from core.jobs import table
from core.jobs.engine import Slot
from core.jobs.job import Job
from core.jobs.local import GRACE_S, SOURCE, LocalEngine, settle
from core.jobs.process import boot_id, leftovers, started_at

POLL_S = 0.1


def hold(slot: str) -> IO[str] | None:
    """The slot's lock, or None when another holds it. Tries for a second, since `busy` takes it for a moment."""
    lock = (home().slots / f"{slot}.lock").open("a")
    for _ in range(20):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            time.sleep(0.05)
    lock.close()
    return None


def work(slot: Slot) -> None:
    """Run jobs until none waits that this slot can run."""
    while True:
        lock = hold(slot.name)
        if lock is None:
            return
        mark = home().slots / f"{slot.name}.worker"
        mark.write_text(f"{os.getpid()} {started_at(os.getpid())}")
        try:
            while job := table.claim(slot.name, slot.devices):
                run(job, slot, lock)
        finally:
            mark.unlink(missing_ok=True)
            lock.close()
        # a job submitted between the last claim and the release found the slot busy: look once more
        if not table.waits_for(slot.name, slot.devices):
            return


def run(job: Job, slot: Slot, lock: IO[str]) -> None:
    """One attempt of a job, from its process's start to its end, and whatever it left behind."""
    folder = home().run_dir(job.run_id)
    environment = os.environ | {"LAB_HOME": str(home().root), "LAB_RUN_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
    if slot.name.startswith("gpu"):
        environment["CUDA_VISIBLE_DEVICES"] = slot.name.removeprefix("gpu")
    arguments = [*command(), job.run_id, "--attempt", str(job.attempt), *(["--fresh"] if job.fresh else [])]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            arguments,
            cwd=SOURCE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
    table.update(
        job.run_id,
        only_if={"attempt": job.attempt},
        pid=process.pid,
        pid_started=started_at(process.pid),
        boot=boot_id(),
    )
    engine = LocalEngine()
    while process.poll() is None:
        if table.get(job.run_id).wanted:
            engine.stop(job.run_id, grace())
        time.sleep(POLL_S)
    for process_left in leftovers(folder):
        process_left.kill()
    settle(job, process.returncode)


def command() -> list[str]:
    """How a run's process is started, without its arguments."""
    return [sys.executable, "-m", "core", "work"]


def grace() -> float:
    """Seconds between SIGTERM and SIGKILL, `LAB_STOP_GRACE_S` or 30."""
    return float(os.environ.get("LAB_STOP_GRACE_S", GRACE_S))


def main() -> None:
    """Work in the slot named on the command line."""
    name = sys.argv[1]
    slot = next((slot for slot in LocalEngine().capacity() if slot.name == name), None)
    if slot is None:
        raise SystemExit(f"There is no slot {name!r} on this machine.")
    work(slot)


if __name__ == "__main__":
    main()
