"""A lab whose runs are in PostgreSQL and whose artifacts are in S3, both behind MLflow's server, from end to end.

It trains there, an SQLite home is moved there, all of it is saved and made again elsewhere. The bucket's key is the
server's alone.
"""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from core import jobs, postgres
from core.config import RunConfig, override
from core.execution.execute import execute
from core.home import home
from core.jobs import actions, processes, table
from core.runs import run_folder
from core.tracking import store
from core.tracking.store.postgres_reader import PostgresReader
from core.tracking.store.reader import reader
from tests.mlflow_server import Server
from tests.s3 import BUCKET, Bucket

CONFIG = RunConfig(
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"iterations": 30, "collocation": {"points": 50}}],
    device="cpu",
)
KILLED_AT_A_FILE = """
import os, signal
from core.moving import artifacts, migration
give, sent = artifacts._give, {}
def give_and_end(door, path, name, known, target):
    give(door, path, name, known, target)
    sent[target] = sent.get(target, 0) + 1
    len(sent) == 2 and sent[target] == 3 and os.kill(os.getpid(), signal.SIGKILL)
artifacts._give = give_and_end
migration.migrate()
"""
"""A move that ends when the third file of its second run was sent, and is not noted yet."""


@pytest.fixture
def bucket(tmp_path):
    running = Bucket(tmp_path / "s3")
    running.folder.mkdir()
    running.start()
    running.make()
    yield running
    running.stop()


@pytest.fixture
def served(bucket, postgres_server):
    """Begins an MLflow server in front of a database of the lab's; each is ended afterwards."""
    started = []

    def serve(uri):
        server = Server(home().tracking_uri_of(uri), f"s3://{BUCKET}/runs", bucket.environment)
        server.begin()
        started.append(server)
        return server

    yield serve
    for server in started:
        server.kill()
    postgres.close_all()


def trained_here(seed):
    """A run of the SQLite home."""
    run_id = jobs.begin_here(override(CONFIG, [f"seed={seed}", f"name=old {seed}"]))
    execute(run_folder(run_id), 1)
    assert table.get(run_id).synced
    return run_id


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.2)
    return value


def trained_by_a_worker():
    """A run that was launched."""
    run_id = jobs.submit(override(CONFIG, ["name=there"]))

    def ended():
        actions.refresh()
        job = table.get(run_id)
        return job.ended_for_good and job.synced and job

    job = until(ended)
    assert (job.state, job.reason) == ("finished", "")
    until(lambda: not [each for each in processes.of_home() if each.what in ("courier", "worker", "run")])
    return run_id


def told(run_id):
    """All that the store says of a run, but for where its artifacts are and which number its experiment has there."""
    record = vars(store.get_run(run_id)) | {"experiment_id": "", "artifact_uri": ""}
    return record, store.metric_history(run_id)


def artifacts(run_id, folder):
    """Every artifact of a run as MLflow gives it, by its path."""
    folder.mkdir()
    store.client().download_artifacts(run_id, "", str(folder))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_files(folder):
    """Each file with its content and time of change."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_lab_trains_there_is_moved_there_saved_and_made_again(
    bucket, served, postgres_server, fresh_database, command_line, monkeypatch, tmp_path
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    uri = postgres_server.create()
    server = served(uri)  # while runs are trained
    old = [trained_here(1), trained_here(2)]
    before = {run_id: told(run_id) for run_id in old}
    files = {run_id: artifacts(run_id, tmp_path / f"old-{run_id}") for run_id in old}
    assert all({"config.json", "summary.md", "checkpoints/last.pt"} <= found.keys() for found in files.values())
    at_home = in_files(home().artifacts)

    # a lab trains there, with no key of the bucket
    server.wait()
    monkeypatch.setenv("LAB_DATABASE", uri)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    assert "AWS_SECRET_ACCESS_KEY" not in os.environ
    new = trained_by_a_worker()
    assert isinstance(reader(), PostgresReader)
    assert len(store.metric_history(new)["max_residual"][0]) > 1
    files[new] = artifacts(new, tmp_path / "new")
    assert files[new]["checkpoints/last.pt"] == run_folder(new).last.read_bytes()
    location = store.get_run(new).artifact_uri
    assert location.startswith("mlflow-artifacts:/")
    assert bucket.content(f"runs/{location.removeprefix('mlflow-artifacts:/')}/summary.md") == files[new]["summary.md"]
    before[new] = told(new)

    # a key that is refused, a database that is gone, a move that is killed: a line each, and nothing is lost
    bucket.stop()
    bucket.start("another-secret")
    said = command_line("store", "migrate")
    assert (said.returncode, said.stdout) == (2, "")
    why = r"its server (broke off, and its log says why|answers with error 500)\. What was moved stays; `store migrate`"
    assert re.search(why, said.stderr)
    assert len(said.stderr.strip().splitlines()) == 1
    bucket.stop()
    bucket.start()
    ended = subprocess.run([sys.executable, "-c", KILLED_AT_A_FILE], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store.known_ids() == {old[0], new}
    postgres_server.stop(signal.SIGQUIT)
    try:
        said = command_line("store", "migrate")
    finally:
        postgres_server.start()
    postgres.close_all()  # this process has a rest from a server that was not there; a new one has none
    assert (said.returncode, said.stdout) == (2, "")
    assert "nothing listens at its address" in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1
    said = command_line("store", "migrate")
    assert said.returncode == 0, said.stderr
    assert "1 runs moved and 1 there already, 2 jobs" in said.stdout
    assert f"{len(files[old[1]]) - 2} artifacts sent, 0 runs refused" in said.stdout
    said = command_line("store", "migrate")
    assert "0 runs moved and 2 there already, 0 jobs and 0 events moved, 0 artifacts sent" in said.stdout

    def check(folder):
        assert store.known_ids() == {*old, new}
        for run_id, expected in before.items():
            np.testing.assert_equal(told(run_id), expected)
            assert artifacts(run_id, folder / run_id) == files[run_id]
            assert table.get(run_id).state == "finished"
            assert store.get_run(run_id).artifact_uri.startswith("mlflow-artifacts:/")

    (tmp_path / "moved").mkdir()
    check(tmp_path / "moved")
    assert in_files(home().artifacts) == at_home

    # saved, and made again: another home, another database, another server, the same bucket
    said = command_line("store", "backup", str(tmp_path / "lab.tar"))
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("3 runs and ")
    assert "artifacts of 3 runs are on a server or in a bucket" in said.stderr
    again = postgres_server.create(fresh_database)
    monkeypatch.setenv("LAB_DATABASE", again)
    said = command_line("store", "migrate")
    assert said.returncode == 2
    assert "its runs are not in LAB_DATABASE" in said.stderr
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "again"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    said = command_line("store", "restore", str(tmp_path / "lab.tar"))
    assert said.returncode == 0, said.stderr
    assert "artifacts of 3 runs were not in it" in said.stderr
    server = served(again)
    server.wait()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    (tmp_path / "restored").mkdir()
    check(tmp_path / "restored")
    assert run_folder(new).last.read_bytes() == files[new]["checkpoints/last.pt"]
