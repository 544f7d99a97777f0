"""Stores that are locked, gone, stuck or broken: runs end as they were trained, and are delivered later."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.browser import free_port
from core import jobs
from core.config import RunConfig, override
from core.errors import LabError
from core.execution import execute as execution
from core.execution import results
from core.home import home
from core.jobs import actions, bin, retention, sync, table
from core.jobs.process import boot_id, sweep
from core.runs import run_folder
from core.tracking import store
from tests.mlflow_server import Server

SOURCE = Path(__file__).parents[2]
SHORT = RunConfig(
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"iterations": 5, "collocation": {"points": 50}}],
    device="cpu",
)
ENDLESS = override(SHORT, ["stages.0.optimizer={kind: adam}", "stages.0.iterations=10000000"])


@pytest.fixture(autouse=True)
def rested(monkeypatch):
    """No test waits for what another one's store refused."""
    monkeypatch.setattr(sync, "_refused_at", float("-inf"))
    monkeypatch.setattr(sync, "_refusals", 0)
    monkeypatch.setattr(sync, "RETRY_S", 0.5)
    monkeypatch.setattr(sync, "FILES_S", 0.0)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def until(condition, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)
    return value


def artifacts(run_id: str) -> set[str]:
    return {item.path for item in store.client().list_artifacts(run_id)}


def test_a_locked_database_ends_no_run_and_gets_everything_once_it_is_free(monkeypatch):
    monkeypatch.setattr(execution, "DELIVERY_S", dict.fromkeys(execution.DELIVERY_S, 0.5))
    monkeypatch.setattr(sync, "MOMENT_S", 0.5)
    run_id = jobs.begin_here(SHORT)
    until(lambda: jobs.status(run_id).synced)
    holder = sqlite3.connect(home().mlflow_db)
    holder.execute("BEGIN EXCLUSIVE")
    report = execution.execute(run_folder(run_id), 1)
    job = table.get(run_id)
    assert (report.state, job.state, job.reason, job.synced) == ("finished", "finished", "", False)
    assert run_folder(run_id).exit(1)["state"] == "finished"
    holder.rollback()
    until(lambda: jobs.status(run_id).synced)
    record = store.get_run(run_id)
    assert (record.state, record.status) == ("finished", "FINISHED")
    assert record.ended == pytest.approx(job.ended, abs=0.01)
    assert record.metrics["dense_max_residual"] == report.measures.max_residual
    assert {"max_residual", "wall_time_s"} <= record.metrics.keys()
    assert record.tags["lab.in_force"] == "matches"
    kept = {"config.json", "history.arrows", "summary.md", "residuals.png", "provenance.json", "checkpoints"}
    assert kept <= artifacts(run_id)
    assert run_folder(run_id).outbox.count() == 0


def test_files_that_are_not_taken_hold_up_neither_figures_nor_state(command_line):
    run_id = jobs.begin_here(SHORT)
    place = Path(store.get_run(run_id).artifact_uri.removeprefix("file://"))
    place.rename(place.with_name("away"))
    place.write_text("no folder")
    execution.execute(run_folder(run_id), 1)
    record, job = store.get_run(run_id), table.get(run_id)
    assert (record.state, job.state, job.synced) == ("finished", "finished", False)
    assert "dense_max_residual" in record.metrics
    assert "was not taken" in job.untold
    assert [each.run_id for each in jobs.untold()] == [run_id]
    done = command_line("doctor")
    assert f"FAIL  delivery               {run_id[:8]} is not yet in MLflow: " in done.stdout
    place.unlink()
    place.with_name("away").rename(place)
    assert "ok    delivery               MLflow has all" in command_line("doctor").stdout
    assert (table.get(run_id).synced, table.get(run_id).untold) == (True, "")
    assert {"history.arrows", "checkpoints"} <= artifacts(run_id)


def test_a_run_deleted_while_it_trains_is_finished_here_and_told_when_it_comes_back():
    run_id = jobs.begin_here(SHORT)
    store.client().delete_run(run_id)
    assert execution.execute(run_folder(run_id), 1).state == "finished"
    job = jobs.status(run_id)
    assert (job.state, job.untold) == ("finished", sync.DELETED)
    assert jobs.deliver() == {run_id: sync.DELETED}
    store.client().restore_run(run_id)
    assert jobs.deliver() == {}
    assert store.get_run(run_id).state == "finished"
    assert "checkpoints" in artifacts(run_id)


def test_what_the_store_refuses_for_good_is_set_aside_alone():
    run_id = store.create_run(SHORT)
    folder = run_folder(run_id)
    folder.create(SHORT)
    folder.outbox.put(metrics=[("good", 1.0, 1, 1), ("b@d\n", 2.0, 1, 1), ("fine", 3.0, 1, 1)], tags={"t" * 999: "x"})
    assert store.deliver(folder) == ""
    assert store.get_run(run_id).metrics == {"good": 1.0, "fine": 3.0}
    assert [line["refused"][0][:3] for line in folder.outbox.refused()] == ["b@d", "ttt"]
    assert folder.outbox.count() == 0


def test_what_can_not_be_made_of_a_trained_solution_is_said_and_ends_no_run(monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("the pen is dry\nand pages more")

    monkeypatch.setattr(results, "draw_residuals", refuse)
    run_id = jobs.begin_here(SHORT)
    report = execution.execute(run_folder(run_id), 1)
    reason = "The picture of the residuals could not be made: RuntimeError: the pen is dry"
    assert (table.get(run_id).state, table.get(run_id).reason) == ("finished", reason)
    assert report.as_dict()["missing"] == [reason]
    assert run_folder(run_id).summary.exists()
    monkeypatch.setattr(results, "measure", refuse)
    run_id = jobs.begin_here(SHORT)
    assert execution.execute(run_folder(run_id), 1).measures is None
    assert table.get(run_id).state == store.get_run(run_id).state == "finished"
    assert run_folder(run_id).has_checkpoint
    monkeypatch.setattr(execution, "conclude", refuse)
    run_id = jobs.begin_here(SHORT)
    with pytest.raises(RuntimeError):
        execution.execute(run_folder(run_id), 1)
    assert table.get(run_id).state == "finished"
    assert "its checkpoint kept" in table.get(run_id).reason


def test_a_store_that_is_not_there_takes_no_run_and_says_so_soon(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    begun = time.monotonic()
    for take_in in (jobs.submit, jobs.begin_here):
        with pytest.raises(LabError, match=r"can't be opened: nothing listens at its address$"):
            take_in(SHORT)
    assert time.monotonic() - begun < 15
    assert jobs.queue() == []


def dead_run() -> str:
    """A run of the store and the table whose processes are all gone."""
    run_id = store.create_run(SHORT)
    run_folder(run_id).create(SHORT)
    gone = {"pid": 2**22 + 1, "pid_started": 1.0, "boot": boot_id(), "slot": "cpu0"}
    table.insert(run_id, SHORT, "local", state="running", attempt=1, synced=0, **gone)
    store.set_state(run_id, "running")
    return run_id


@pytest.mark.parametrize("looks", [("status",), ("serve", "--port")])
def test_a_dead_run_is_told_to_the_store_by_any_command_though_nobody_opens_a_page(looks):
    run_id = dead_run()
    command = [sys.executable, "-m", "core", *looks, *([str(free_port())] if len(looks) > 1 else [])]
    process = subprocess.Popen(command, cwd=SOURCE, stdout=subprocess.DEVNULL)
    try:
        until(lambda: store.client().get_run(run_id).info.status == "FAILED", 60)
        assert store.get_run(run_id).state == "crashed"
        assert table.get(run_id).state == "crashed"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def server(tmp_path, monkeypatch):
    running = Server(f"sqlite:///{home().mlflow_db}", tmp_path / "destination")
    running.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", running.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield running
    for job in table.find():
        sweep(job.folder.path, job.attempt)
    for process in couriers():
        process.kill()
    running.kill()


def couriers() -> list[psutil.Process]:
    """Those of this test's lab."""
    found = []
    for process in psutil.process_iter():
        try:
            if "core.jobs.courier" in process.cmdline() and process.environ().get("LAB_HOME") == str(home().root):
                found.append(process)
        except psutil.Error:
            continue
    return found


def until_training(run_id: str) -> None:
    until(lambda: (run_folder(run_id).progress() or {}).get("total_iterations", 0) > 100, 120)


def test_a_server_that_hangs_or_dies_holds_up_no_stop_and_hears_of_all_runs_later(server):
    run_id = jobs.submit(ENDLESS)
    until_training(run_id)
    until(lambda: "max_residual" in store.client().get_run(run_id).data.metrics)  # the courier's work
    server.signal(signal.SIGSTOP)  # accepts, and never answers
    begun = time.monotonic()
    jobs.stop(run_id)
    job = until(lambda: (job := jobs.status(run_id)).state == "stopped" and job, 30)
    assert (job.killed, job.synced) == (None, False)
    assert time.monotonic() - begun < actions.GRACE_S
    assert run_folder(run_id).has_checkpoint
    until(lambda: "no answer in time" in table.get(run_id).untold)
    server.signal(signal.SIGCONT)
    until(lambda: store.client().get_run(run_id).info.status == "KILLED")
    until(lambda: {"checkpoints", "summary.md"} <= artifacts(run_id))

    command = [sys.executable, "-m", "core", "train", "poisson2d-quick", "--set", "stages.0.iterations=1000000"]
    command += ["--set", "stages.0.target_residual=1e-300", "--set", "stages.0.patience=1000000"]
    alone = subprocess.Popen(command, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    (own,) = until(lambda: [job.run_id for job in table.find(("running",))], 120)
    until_training(own)
    server.kill()
    begun = time.monotonic()
    alone.send_signal(signal.SIGINT)
    said, _ = alone.communicate(timeout=60)
    assert time.monotonic() - begun < actions.GRACE_S
    assert alone.returncode == 130, said
    assert "not yet in MLflow: " in said
    assert table.get(own).state == "stopped"

    server.start()
    until(lambda: store.client().get_run(own).info.status == "KILLED")
    jobs.resume(run_id)
    until(lambda: store.client().get_run(run_id).info.status == "RUNNING")
    job = table.get(run_id)
    for pid in (job.worker_pid, job.pid):
        os.kill(pid, signal.SIGKILL)
    until(lambda: store.client().get_run(run_id).info.status == "FAILED", 30)  # the courier looks, and nobody else
    assert store.get_run(run_id).state == "crashed"

    for process in couriers():  # one that has nothing left to do may be gone just before there is something
        process.kill()
        process.wait()
    server.signal(signal.SIGSTOP)
    for each in (run_id, own):
        bin.delete(each)
    assert jobs.queue() == []
    server.signal(signal.SIGCONT)
    until(lambda: store.get_run(run_id).deleted and store.get_run(own).deleted)
    until(lambda: table.get(run_id).synced and table.get(own).synced)
    bin.restore(own)
    until(lambda: not store.get_run(own).deleted)
    emptied = retention.delete_for_good([run_id])
    assert emptied.deleted == [run_id] and "mlflow gc --run-ids" in emptied.left[run_id]
    assert store.get_run(run_id).deleted and not run_folder(run_id).exists
    assert run_folder(own).has_checkpoint
