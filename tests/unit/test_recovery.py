"""A lost job table comes back from the runs' folders."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import RunConfig
from core.errors import StoreError
from core.jobs import database, death, recovery, table
from core.jobs.process import attempt_environment, attempts_alive, boot_id, started_at
from core.jobs.stored import Stored
from core.runs import run_folder

pytestmark = pytest.mark.sqlite_file

SOURCE = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def lab(lab_home, monkeypatch):
    """A lab home whose store knows nothing."""
    monkeypatch.setattr(recovery, "stored_runs", dict)
    monkeypatch.setattr("core.jobs.state.tell_store", lambda run_id: None)
    monkeypatch.setattr("core.jobs.control.tell_store", lambda run_id: None)
    return lab_home


def add(number, name="", **fields):
    """A run with a folder and a row."""
    run_id = f"{number:032x}"
    config = RunConfig(problem={"kind": "poisson2d"}, name=name)
    run_folder(run_id).create(config)
    table.insert(run_id, config, "local", **fields)
    return run_id


def all_rows():
    return sorted(table.find(limit=-1), key=lambda job: job.run_id)


def one_of_each():
    waits = add(1, "waits", priority=3)
    table.update(add(2), state="paused", reason="asked", attempt=2, ended=5.0, fresh=1)
    table.update(add(3), state="finished", attempt=1, ended=6.0, synced=1)
    table.update(add(4), state="running", attempt=1, pid=1, pid_started=0.5, boot=boot_id(), slot="cpu0")
    return waits


def lose(lab, how):
    path = lab / "jobs.db"
    data = path.read_bytes()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    if how == "deleted":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("this is no database")
    elif how == "half":
        path.write_bytes(data[: len(data) // 2])
    elif how == "noise":
        path.write_bytes(data[:100] + bytes(255 - byte for byte in data[100:]))


@pytest.mark.parametrize("how", ["deleted", "empty"])
def test_a_lost_table_comes_back_as_it_was(lab, how, capsys):
    one_of_each()
    before = all_rows()
    lose(lab, how)
    assert all_rows() == before
    assert "4 runs were found again" in capsys.readouterr().err
    assert [job.position for job in table.find(["queued"])] == [1]


@pytest.mark.parametrize("how", ["text", "half", "noise"])
def test_a_damaged_table_is_set_aside_when_asked_to(lab, how):
    one_of_each()
    before = all_rows()
    lose(lab, how)
    damaged = (lab / "jobs.db").read_bytes()
    with pytest.raises(StoreError, match=r"job table .* is damaged.*doctor --rebuild-jobs"):
        table.find()
    added, aside = database.rebuild()
    assert added == 4
    assert damaged in [place.read_bytes() for place in aside]
    assert all_rows() == before
    assert database.rebuild() == (0, [])


def test_a_row_that_is_gone_from_a_sound_table_is_added_again(lab):
    waits = one_of_each()
    with sqlite3.connect(lab / "jobs.db") as connection:
        connection.execute("DELETE FROM jobs WHERE run_id = ?", (waits,))
    assert database.without_row() == 1
    assert database.rebuild() == (1, [])
    assert table.get(waits).priority == 3


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"run_id": "x"}', "x" * 20_000_000])
def test_a_damaged_copy_of_a_row_is_pieced_together_like_that_of_an_older_run(lab, content):
    run_id = add(1, "mine")
    run_folder(run_id).write_exit(2, "stopped", "asked")
    folder = run_folder(run_id).path
    (folder / "job.json").write_text(content)
    os.utime(folder / "config.json", (0, 0))
    lose(lab, "deleted")
    job = table.get(run_id)
    assert (job.name, job.problem, job.state, job.reason, job.attempt) == ("mine", "poisson2d", "stopped", "asked", 2)


def older(number, word=None, stored="", heartbeat=False, config=True):
    """A run's folder as an older program left it."""
    run_id = f"{number:032x}"
    folder = run_folder(run_id)
    folder.create(RunConfig(problem={"kind": "poisson2d"}, name="old"))
    if word:
        folder.write_exit(1, word, "said")
    if heartbeat:
        folder.file("heartbeat").touch()
    if not config:
        folder.file("config.json").write_text("{")
    os.utime(folder.file("config.json"), (0, 0))  # not being taken in at this moment
    return run_id, Stored("old", "poisson2d", "c" * 64, stored, "the store's", 12.0) if stored else None


OLDER = [
    # last word, the store's state, heartbeat → state, reason
    (("finished", "finished", True), ("finished", "said")),
    (("finished", "queued", True), ("finished", "said")),  # the store was never told
    (("paused", "queued", True), ("queued", "")),  # resumed, and not begun
    ((None, "queued", False), ("queued", "the store's")),
    ((None, "stopped", False), ("stopped", "the store's")),
    ((None, "running", True), ("crashed", "Its process vanished without a word.")),
    ((None, "", True), ("crashed", "Its process vanished without a word.")),
    ((None, "", False), ("stopped", recovery.UNKNOWN)),
]


@pytest.mark.parametrize(("left", "state"), OLDER)
@pytest.mark.parametrize("config", [True, False])
def test_an_older_run_is_pieced_together(lab, monkeypatch, left, state, config):
    run_id, stored = older(1, *left, config=config)
    monkeypatch.setattr(recovery, "stored_runs", lambda: {run_id: stored} if stored else {})
    job = table.get(run_id)
    assert job.state == state[0]
    assert job.reason in (state[1], "the store's" if state[0] == "queued" else state[1])
    assert job.problem == ("poisson2d" if config or stored else "unknown")


def test_an_older_run_that_still_runs_is_recognised(lab):
    run_id, _ = older(1)
    environment = {"PATH": "/usr/bin"} | attempt_environment(run_folder(run_id).path, 3)
    child = subprocess.Popen(
        [sys.executable, "-c", "print(1, flush=True); input()"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        child.stdout.readline()
        assert attempts_alive()[str(run_folder(run_id).path)] == (3, child.pid, started_at(child.pid))
        job = table.get(run_id)
        assert (job.state, job.attempt, job.pid, job.active) == ("running", 3, child.pid, True)
    finally:
        child.kill()
        child.communicate()


def test_a_run_whose_process_was_prepared_before_is_recognised_by_its_heartbeat(lab):
    run_id, _ = older(1)
    run_folder(run_id).beat(death.heartbeat(2, run_folder(run_id).path))
    job = table.get(run_id)
    assert (job.state, job.attempt, job.pid) == ("running", 2, os.getpid())


def test_the_row_is_kept_with_each_change(lab):
    run_id = add(1)
    table.update(run_id, state="failed", reason="no space left")
    kept = json.loads((run_folder(run_id).path / "job.json").read_text())
    assert (kept["state"], kept["reason"]) == ("failed", "no space left")
