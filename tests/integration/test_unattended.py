"""Nobody looks: runs and workers are killed together, and the courier alone puts everything right."""

import os
import signal
import time

import psutil
import pytest

from core import jobs
from core.config import RunConfig
from core.jobs import events, table
from core.jobs.detached import COURIER
from core.jobs.slot_lock import busy
from core.runs import run_folder
from core.runs.states import ACTIVE
from core.tracking import store

SMALL = {"problem": {"kind": "poisson2d"}, "network": {"hidden": [8]}, "device": "cpu"}
LONG = SMALL | {"stages": [{"optimizer": {"kind": "adam"}, "iterations": 10_000_000, "checkpoint_every": 20}]}
SHORT = SMALL | {"stages": [{"iterations": 5, "collocation": {"points": 50}}]}


@pytest.fixture
def lab(lab_home, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (lab_home / "settings.yaml").write_text("slots: {cpu: 2, threads: 1}\n")
    yield lab_home
    for job in table.find((*ACTIVE, "queued")):
        jobs.stop(job.run_id, grace_s=0.0)
        until(lambda run_id=job.run_id: jobs.status(run_id).ended_for_good)


def until(condition, seconds: float = 180.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.2)
    return value


def trained(run_id: str) -> float:
    return (run_folder(run_id).progress() or {}).get("total_iterations", 0)


def in_mlflow(run_id: str) -> str:
    return store.client().get_run(run_id).info.status


def test_killed_runs_are_told_tried_again_and_followed_by_what_waits_while_nobody_looks(lab):
    again = jobs.submit(RunConfig(**LONG, retry={"most": 1, "delay_s": 1.0}))
    lost = jobs.submit(RunConfig(**LONG, seed=1))
    first = until(lambda: (job := table.get(again)).pid and job)
    until(lambda: busy(COURIER), 60.0)  # started with the run, by its worker
    waiting = jobs.submit(RunConfig(**SHORT))
    # from here on this process reads, and neither looks nor tells
    second = until(lambda: (job := table.get(lost)).pid and job)
    until(lambda: min(trained(again), trained(lost)) > 40)
    for job in (first, second):
        for pid in (job.worker_pid, job.pid):
            os.kill(pid, signal.SIGKILL)
    until(lambda: table.get(waiting).state == "finished" and table.get(again).attempt == 2)
    job = table.get(again)
    assert (job.state, job.retries, table.get(lost).state) == ("running", 1, "crashed")
    until(lambda: in_mlflow(lost) == "FAILED" and in_mlflow(waiting) == "FINISHED" and in_mlflow(again) == "RUNNING")
    until(lambda: "resuming stage 1 at iteration" in jobs.tail(again, 50))
    told = [(event.kind, event.who) for event in events.of_run(run_folder(again))]
    assert ("retry", "courier") in told
    assert psutil.Process(table.get(again).pid).environ()["OMP_NUM_THREADS"] == "1"
    assert '"threads": "1"' in run_folder(waiting).file("provenance.json").read_text()
