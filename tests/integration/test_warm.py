"""A prepared process becomes a run: the same history bit by bit, and everything that holds for a run's process."""

import os
import signal
import sys
import time

import numpy as np
import psutil
import pytest

from core import jobs
from core.config import RunConfig
from core.home import home
from core.jobs import hand_over, table, warm
from core.jobs.detached import start
from core.jobs.process import started_at
from core.jobs.slot_lock import busy
from core.runs import run_folder
from core.tracking.verify import NOT_COMPARED

CONFIG = RunConfig(
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"warmup": {"iterations": 30}, "iterations": 4, "collocation": {"points": 60}}],
    device="cpu",
    seed=3,
)
LONG = RunConfig(
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"optimizer": {"kind": "adam"}, "iterations": 10_000_000, "checkpoint_every": 20}],
    device="cpu",
    retry={"most": 1, "delay_s": 0},
)


@pytest.fixture(autouse=True)
def lab(lab_home, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(hand_over, "ANSWER_S", 30.0)  # nobody waits for it here
    yield lab_home
    for job in jobs.queue():
        if job.active or job.state == "queued":
            jobs.stop(job.run_id, grace_s=0.0)
            until(lambda run_id=job.run_id: jobs.status(run_id).ended_for_good)


def until(condition, seconds: float = 120.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)
    return value


def ready(server: int | None = None) -> psutil.Process:
    """A worker that waits, for this process."""
    server = server or os.getpid()
    home().ensure()
    start([sys.executable, "-m", "core.jobs.warm", str(server), str(started_at(server))], "warm")
    socket = home().slots / "warm.sock"
    until(socket.exists)
    assert socket.stat().st_mode & 0o777 == 0o600
    mine = ("core.jobs.warm", str(home().root))
    for process in psutil.process_iter(["cmdline", "environ"]):
        words, variables = process.info["cmdline"] or [], process.info["environ"] or {}
        if mine == (" ".join(words[1:3]).removeprefix("-m "), variables.get("LAB_HOME")):
            return process
    raise AssertionError("no worker waits")


def is_prepared(run_id: str) -> bool:
    return "core.cli.standby" in psutil.Process(until(lambda: table.get(run_id).pid)).cmdline()


def test_a_prepared_process_trains_as_a_new_one_does_and_is_ended_like_one(lab):
    worker = ready()
    warm_run = jobs.submit(CONFIG)
    job = until(lambda: (job := table.get(warm_run)).pid and job)
    assert is_prepared(warm_run)
    assert job.worker_pid == worker.pid
    assert psutil.Process(job.pid).ppid() == worker.pid
    assert os.getsid(job.pid) == job.pid
    assert busy("cpu0") and not busy("warm")
    cold_run = jobs.submit(CONFIG)  # the next in the same worker
    for run_id in (warm_run, cold_run):
        assert until(lambda run_id=run_id: (job := jobs.status(run_id)).ended_for_good and job).state == "finished"
    one, other = (run_folder(run_id) for run_id in (warm_run, cold_run))
    columns = one.history_columns()
    for name in columns.keys() - set(NOT_COMPARED):
        assert np.array_equal(columns[name], other.history_columns()[name], equal_nan=True), name
    facts, others = (folder.file("provenance.json").read_text() for folder in (one, other))
    assert facts == others
    assert jobs.tail(warm_run, 5).count("finished") == jobs.tail(cold_run, 5).count("finished") == 1
    until(lambda: not worker.is_running())


def test_a_prepared_run_that_is_killed_is_seen_and_its_lock_is_its_own(lab):
    ready()
    run_id = jobs.submit(LONG)
    assert is_prepared(run_id)
    until(lambda: (run_folder(run_id).progress() or {}).get("total_iterations", 0) > 30)
    job = table.get(run_id)
    os.kill(job.worker_pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(job.worker_pid))
    assert busy("cpu0"), "the run holds the slot"
    os.kill(job.pid, signal.SIGKILL)
    again = until(lambda: (now := jobs.status(run_id)).attempt == 2 and now.pid and now)
    assert again.retries == 1
    until(lambda: "resuming stage 1" in jobs.tail(run_id, 30))


def test_what_differs_from_a_new_process_is_not_taken(lab, monkeypatch):
    worker = ready()
    monkeypatch.setenv("LAB_PROBLEMS", str(lab))
    assert not hand_over.hand_over("cpu0"), "another environment"
    assert worker.is_running()
    monkeypatch.delenv("LAB_PROBLEMS")
    (lab / "settings.yaml").write_text("slots: {threads: 2}\n")
    run_id = jobs.submit(CONFIG)
    assert not is_prepared(run_id), "its threads are others"
    assert table.get(run_id).worker_pid == worker.pid
    until(lambda: jobs.status(run_id).ended_for_good)


def test_it_ends_with_its_server_with_the_program_and_when_it_is_not_wanted(lab, monkeypatch):
    server = psutil.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    worker = ready(server.pid)
    server.kill()
    server.wait()
    until(lambda: not worker.is_running())
    worker = ready()
    (lab / "settings.yaml").write_text("slots: {warm: false}\n")
    until(lambda: not worker.is_running())
    assert not hand_over.hand_over("cpu0")
    mark = warm.source_mark()
    monkeypatch.setenv("LAB_PROBLEMS", str(lab))
    named = warm.source_mark()
    (lab / "mine.py").touch()
    assert len({mark, named, warm.source_mark()}) == 3
