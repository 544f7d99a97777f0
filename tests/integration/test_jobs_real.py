"""The queue with the real trainer: what is paused or killed goes on from its checkpoint and ends like any other."""

import json
import os
import signal
import time

import pytest

from core import jobs
from core.config import RunConfig
from core.runs import run_folder
from core.runs.machine_readings import MachineReadings
from core.tracking import store

ENDLESS = RunConfig(
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"optimizer": {"kind": "adam"}, "iterations": 10_000_000, "checkpoint_every": 20}],
    device="cpu",
)
SHORT = RunConfig(
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"iterations": 5, "collocation": {"points": 50}}],
    device="cpu",
)


@pytest.fixture(autouse=True)
def lab(lab_home, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield lab_home
    for job in jobs.queue():
        if job.active or job.state == "queued":
            jobs.stop(job.run_id, grace_s=0.0)
            until_state(job.run_id, "stopped", "finished")


def until_state(run_id: str, *states: str, seconds: float = 180.0):
    end = time.monotonic() + seconds
    while (job := jobs.status(run_id)).state not in states:
        assert time.monotonic() < end, f"still {job.state}: {jobs.tail(run_id, 20)}"
        time.sleep(0.1)
    return job


def until_trained(run_id: str, iterations: int, seconds: float = 180.0) -> int:
    """Wait for the run's progress to pass so many iterations, and return how far it is."""
    end = time.monotonic() + seconds
    while (done := (run_folder(run_id).progress() or {}).get("total_iterations", 0)) < iterations:
        assert not jobs.status(run_id).ended_for_good and time.monotonic() < end, jobs.tail(run_id, 20)
        time.sleep(0.1)
    return done


def test_a_killed_training_run_resumes_from_its_checkpoint_and_can_be_paused(lab):
    run_id, following = jobs.submit(ENDLESS), jobs.submit(SHORT)
    until_trained(run_id, 50)
    os.kill(jobs.status(run_id).pid, signal.SIGKILL)
    assert until_state(run_id, "crashed").reason == "Its process was ended by SIGKILL."
    assert store.get_run(run_id).state == "crashed"
    at = run_folder(run_id).progress()["total_iterations"]

    jobs.resume(run_id)
    assert until_state(following, "finished").has_checkpoint
    assert store.get_run(following).state == "finished"
    assert json.loads((lab / "runs" / following / "exit.json").read_text())["state"] == "finished"

    until_trained(run_id, at + 50)
    assert "resuming stage 1 at iteration" in jobs.tail(run_id, 20)
    jobs.pause(run_id)
    job = until_state(run_id, "paused")
    assert (job.attempt, job.killed) == (2, None)
    assert store.get_run(run_id).state == "paused"

    readings = MachineReadings(run_folder(run_id).machine)  # its worker sampled the machine meanwhile
    assert readings.update() and set(readings.column("attempt")) == {1, 2}
    assert (readings.column("run_memory_mb") > 10).all()
    assert (run_folder(run_id).machine.name, "") in run_folder(run_id).artifacts()
