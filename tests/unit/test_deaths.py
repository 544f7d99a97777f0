"""How an attempt ended: deaths without a word explained, last words on a full disk, signals, heartbeats."""

import errno
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from core import resources
from core.cli.training import train_here
from core.config import RunConfig
from core.errors import StoreError, TrainingError
from core.jobs import database, death, recovery, table
from core.jobs.control import RunControl
from core.jobs.process import boot_id, started_at
from core.jobs.state import outcome, reconcile, settle
from core.runs import run_folder

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


def begun(number=1, **beat):
    """A running job whose process has died, and what it said at its last heartbeat."""
    run_id = add(number)
    table.update(run_id, state="running", attempt=1, pid=2**22 - 1, pid_started=1.0, boot=boot_id())
    data = {
        "attempt": 1,
        "pid": 2**22 - 1,
        "pid_started": 1.0,
        "time": 1.6e9,
        "rss": 20 * 2**30,
        "memory_free": 8 * 2**30,
        "memory_total": 21 * 2**30,
        "disk_free": 2**33,
        "memory_kills": {},
    }
    run_folder(run_id).beat(data | beat)
    return table.get(run_id)


def reason_of(job, returncode):
    return outcome(job, None, boot_id(), returncode, death.evidence(job, returncode))[1]


def test_a_process_that_the_kernel_killed_for_memory_is_called_that(tmp_path, monkeypatch):
    events = tmp_path / "memory.events"
    events.write_text("low 0\noom 4\noom_kill 3\n")
    job = begun(memory_kills={str(events): 3}, memory_free=2**20)
    assert "may have killed it for want of memory" in reason_of(job, -signal.SIGKILL)
    events.write_text("low 0\noom 5\noom_kill 4\n")
    for code in (-signal.SIGKILL, None):
        reason = reason_of(job, code)
        assert "The kernel killed it for want of memory: at its last sign of life" in reason
        assert "it held 20.0 GB, and 1.0 MB of 21.0 GB were free" in reason
        assert " UTC)" in reason
    assert reason_of(job, -signal.SIGSEGV) == "Its process was ended by SIGSEGV."
    settle(job, -signal.SIGKILL)
    assert "want of memory" in table.get(job.run_id).reason
    monkeypatch.setattr(resources, "kernel_killed", lambda pid, since: pid == 2**22 - 1)
    assert "The kernel killed it" in reason_of(begun(2), None)


def test_a_full_disk_is_called_that_and_an_ordinary_death_is_not_explained_away():
    assert "The disk was full: 3.0 MB were free" in reason_of(begun(1, disk_free=3 * 2**20), 1)
    assert reason_of(begun(2), -signal.SIGKILL) == "Its process was ended by SIGKILL."
    assert reason_of(begun(3), None) == "Its process vanished without a word."
    assert reason_of(begun(4, attempt=7, disk_free=0), None) == "Its process vanished without a word."
    damaged = begun(5, disk_free=0)
    damaged.folder.file("heartbeat").write_text("{")
    assert reason_of(damaged, None) == "Its process vanished without a word."


class Gone:
    """An engine that sees no process."""

    def poll(self, run_id):
        return "gone"


def test_who_looks_next_finds_the_reason():
    job = begun(1, disk_free=0)
    reconcile({"local": Gone()})
    assert "The disk was full" in table.get(job.run_id).reason


def test_a_run_says_what_it_has_left_of_memory_and_disk(lab):
    run_id = add(1)
    table.update(run_id, state="running", attempt=1)
    folder = run_folder(run_id)
    with RunControl(folder, 1) as control:
        while folder.heartbeat() is None:
            pass
        control.finish("finished")
    beat = folder.heartbeat()
    assert beat["pid_started"] == started_at(beat["pid"])
    assert 0 < beat["rss"] < beat["memory_total"]
    assert 0 < beat["memory_free"] <= beat["memory_total"]
    assert beat["disk_free"] > 0
    assert folder.file("heartbeat").stat().st_size == 1024


def running(number=1):
    run_id = add(number)
    table.update(run_id, state="running", attempt=1)
    return run_folder(run_id)


def refuse(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def no_table(*_, **__):
    raise StoreError("The job table can't be used: its disk is full.")


def test_a_disk_that_fills_up_keeps_no_run_from_saying_so(monkeypatch, capsys):
    folder = running()
    with pytest.raises(TrainingError), RunControl(folder, 1):
        monkeypatch.setattr("core.runs.folder.write_whole", refuse)
        monkeypatch.setattr("core.jobs.control.conclude", no_table)
        raise TrainingError("The disk did not take it. " + "\u20ac" * 480)
    assert "its disk is full" in capsys.readouterr().err
    assert folder.exit(1)["reason"].startswith("The disk did not take it. \u20ac")
    assert table.get(folder.run_id).active
    reconcile({"local": Gone()})
    job = table.get(folder.run_id)
    assert (job.state, job.reason[:24]) == ("failed", "The disk did not take it")
    assert not folder.file("exit.room").exists()


def test_the_room_for_a_last_word_is_given_back():
    folder = running()
    with RunControl(folder, 1) as control:
        assert folder.file("exit.room").stat().st_size == 4096
        control.trained("finished")
        control.finish("finished", "x" * 9000)
    assert folder.exit(1)["reason"] == "x" * 9000
    assert not folder.file("exit.room").exists()


def test_a_table_on_a_full_disk_is_called_that(lab, monkeypatch):
    add(1)
    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: raise_io_error())
    with pytest.raises(StoreError, match=r"can't be used: disk I/O error\.$"):
        table.find()
    monkeypatch.setattr(database, "disk_free", lambda path: 4096)
    with pytest.raises(StoreError, match=r"its disk is full, 0\.0 MB are free\. Free some space\.$"):
        table.find()


def raise_io_error():
    raise sqlite3.OperationalError("disk I/O error")


@pytest.fixture
def inherited():
    """What a process inherits for a signal, however these tests were started themselves; undone afterwards."""
    before = {}

    def inherit(number, action):
        before[number] = signal.signal(number, action)

    yield inherit
    for number, action in before.items():
        signal.signal(number, action)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_is_gone_stops_a_run_as_a_signal_does(number, inherited):
    inherited(number, signal.SIG_DFL)
    with RunControl(running(), 1) as control:
        assert control.wanted() is None
        os.kill(os.getpid(), number)
        assert control.wanted() == "stop"
        control.finish("stopped")
    assert signal.getsignal(number) == signal.SIG_DFL


def test_a_run_in_a_shells_background_can_be_interrupted(inherited):
    inherited(signal.SIGINT, signal.SIG_IGN)  # as shells without job control start it
    with RunControl(running(), 1) as control:
        os.kill(os.getpid(), signal.SIGINT)
        assert control.wanted() == "stop"
        control.finish("stopped")


def test_nohup_is_obeyed(inherited):
    inherited(signal.SIGHUP, signal.SIG_IGN)
    with RunControl(running(), 1) as control:
        os.kill(os.getpid(), signal.SIGHUP)
        assert control.wanted() is None
        control.finish("finished")
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_ctrl_c_before_training_begins_is_a_stop(monkeypatch):
    def interrupted(folder, attempt):
        raise KeyboardInterrupt

    folder = running()
    monkeypatch.setattr("core.jobs.begin_here", lambda config, tags: folder.run_id)
    monkeypatch.setattr("core.execution.execute.execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_here(RunConfig(problem={"kind": "poisson2d"}), None)
    job = table.get(folder.run_id)
    assert (job.state, job.reason) == ("stopped", "Interrupted before it began.")


GROUPS = [
    ({"memory.max": "1000000\n", "memory.current": "900000\n", "memory.stat": "inactive_file 50000\n"}, 150_000),
    ({"memory.max": "max\n", "memory.current": "900000\n"}, None),
    (
        {
            "memory.limit_in_bytes": "1000000",
            "memory.usage_in_bytes": "990000",
            "memory.stat": "total_inactive_file 0\ninactive_file 7",
        },
        10_000,
    ),
]


@pytest.mark.parametrize(("files", "free"), GROUPS)
def test_memory_is_counted_as_the_control_group_has_it(tmp_path, monkeypatch, files, free):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\noom_kill 2\n")
    monkeypatch.setattr(resources, "_groups", lambda: iter([tmp_path]))
    found = resources.memory()
    assert (found.free, found.total) == (free, 1_000_000) if free else found.total > 1_000_000
    before = resources.memory_kills()
    assert before == {str(tmp_path / "memory.oom_control"): 2}
    assert not resources.more_kills(before)
    (tmp_path / "memory.oom_control").write_text("oom_kill 3\n")
    assert resources.more_kills(before)
