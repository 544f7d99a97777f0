"""What the doctor finds, each with a step that works."""

import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from core import resources
from core.doctor import apart, examination, home_checks, run_checks, store_checks
from core.errors import LabError, StoreError
from core.home import home
from core.jobs import detached, gpus, table
from core.jobs.process import boot_id
from core.settings import Settings, save

RUN = "a" * 32


@pytest.fixture(autouse=True)
def lab():
    return home().ensure().root


def row(state, **more):
    values = {"device": "auto", "attempt": 1} | more
    with table.transaction() as jobs:
        jobs.execute(
            f"INSERT INTO jobs (run_id, name, problem, problem_parameters, config_hash, engine, state, submitted, "
            f"queued, {', '.join(values)}) VALUES (?, 'x', 'poisson2d', '{{}}', '', 'local', ?, 1, 1, "
            f"{', '.join('?' * len(values))})",
            (RUN, state, *values.values()),
        )


def pasted(step):
    """A remedy as a person has it run: by a shell, which knows its patterns and quotes."""
    subprocess.run(["/bin/sh", "-c", step], check=True)


def test_a_sound_home_is_well():
    checks = (home_checks.home_finding, home_checks.disk, home_checks.local_disk, home_checks.settings_finding)
    for check in (*checks, home_checks.clock, home_checks.time_zone, run_checks.courier, run_checks.slots):
        assert check().ok, check()


def test_a_home_that_can_not_be_written(lab, monkeypatch):
    def refuse(dir):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(home_checks.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(home_checks.os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))
    found = home_checks.home_finding()
    assert not found.ok and "Read-only" in found.detail and "remount,rw" in found.remedy
    assert examination.examine()[-1] == found  # nothing else can be looked at


def test_a_disk_that_is_nearly_full(lab, monkeypatch):
    usage = SimpleNamespace(free=300 * 2**20, total=2**40)
    monkeypatch.setattr(home_checks.shutil, "disk_usage", lambda path: usage)
    found = home_checks.disk()
    assert not found.ok and "nearly full" in found.detail and "core clean" in found.remedy
    usage.free = 100 * 2**20
    assert "taken in only while 200 MB" in home_checks.disk().detail


def test_a_network_disk(lab, monkeypatch):
    mounted = [SimpleNamespace(mountpoint="/", fstype="ext4"), SimpleNamespace(mountpoint=str(lab), fstype="nfs4")]
    monkeypatch.setattr(resources.psutil, "disk_partitions", lambda all: mounted)
    found = home_checks.local_disk()
    assert not found.ok and "nfs4" in found.detail and "LAB_HOME" in found.remedy


def test_settings_that_do_not_validate_name_the_way_back(lab):
    save(Settings())
    assert home_checks.settings_finding().detail == "settings.yaml in force"
    (lab / "settings.yaml").write_text("slots: {cpu: many}\n")
    found = home_checks.settings_finding()
    assert not found.ok and "slots.cpu" in found.detail
    step = found.remedy.partition("`")[2].partition("`")[0]
    pasted(step)
    assert home_checks.settings_finding().ok


def test_files_from_the_future(lab):
    table.find()
    later = time.time() + 86_400
    os.utime(lab / "jobs.db", (later, later))
    found = home_checks.clock()
    assert not found.ok and "jobs.db by 24.0 h" in found.detail and "timedatectl" in found.remedy


def test_a_zone_that_python_does_not_know(monkeypatch):
    monkeypatch.setattr(home_checks, "available_timezones", set)
    found = home_checks.time_zone()
    assert not found.ok and "pip install tzdata" in found.remedy


def test_a_gpu_that_is_gone(lab):
    (lab / "slots" / "gpu7.lock").touch()
    (lab / "slots" / "gpu7:2.lock").touch()
    (lab / "slots" / "gpus.json").write_text(json.dumps({"boot": boot_id(), "gpus": {"gpu7": "GPU-a"}}))
    gpus.reading(fresh=True)
    found = run_checks.slots()
    assert not found.ok and "gpu7 was here and is gone" in found.detail
    step = found.remedy.rpartition("`")[0].rpartition("`")[2]
    pasted(step)
    gpus.reading(fresh=True)
    assert run_checks.slots().ok


def test_a_slice_of_a_gpu_and_a_gpu_that_was_cut_are_told_apart(lab, monkeypatch):
    for name in ("gpu0", "gpu0.1", "gpu0.9"):
        (lab / "slots" / f"{name}.lock").touch()
    monkeypatch.setattr(gpus, "_last", gpus.Reading({"gpu0.0": "MIG-a", "gpu0.1": "MIG-b"}))
    assert gpus.vanished() == ["gpu0.9"]


def test_a_waiting_run_that_no_slot_can_take():
    row("queued", device="cuda:5")
    found = run_checks.slots()
    assert not found.ok and "x for cuda:5" in found.detail and "device to auto" in found.remedy


def test_a_courier_that_does_not_stay(monkeypatch):
    row("running")
    monkeypatch.setattr(run_checks, "COURIER_S", 0.0)
    started = []
    monkeypatch.setattr(detached, "ensure_courier", lambda: started.append(1))
    found = run_checks.courier()
    assert started and not found.ok and "core.jobs.courier` runs one" in found.remedy


@pytest.mark.parametrize(("state", "step"), [(None, "--rebuild-jobs"), ("finished", "kill "), ("running", None)])
def test_a_process_that_trains_for_nobody(lab, state, step):
    if state:
        row(state)
    table.find()
    environment = os.environ | {"LAB_RUN_DIR": str(lab / "runs" / RUN), "LAB_ATTEMPT": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", "print('x', flush=True); input()"],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        process.stdout.readline()
        found = run_checks.stray_processes()
        process.stdin.close()
    assert found.ok == (step is None)
    assert step is None or (step in found.remedy and str(process.pid) in found.detail)


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("database is locked", "fuser -v"),
        ("file is not a database", "sets the file aside"),
    ],
)
def test_a_store_that_does_not_answer(said, step):
    assert step in store_checks._answering_again(StoreError(said))


def test_a_server_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@nowhere.invalid:5000")
    remedy = store_checks._answering_again(StoreError("it did not answer"))
    assert "Start the server of http://" in remedy and "secret" not in remedy


def test_a_check_that_fails_itself_is_a_finding_and_the_others_follow():
    def odd_finding():
        raise ValueError("odd")

    found = examination._checked(odd_finding)
    assert (found.what, found.ok) == ("odd", False) and "ValueError: odd" in found.detail and found.remedy


def test_the_command_prints_what_to_do_and_writes_it_as_json(tmp_path, command_line, monkeypatch):
    from core import doctor

    findings = [doctor.Finding("disk", False, "full", "free some"), doctor.Finding("python", True, "3.11")]
    monkeypatch.setattr(doctor, "examine", lambda server: findings)
    done = command_line("doctor", "--json", str(tmp_path / "out.json"))
    assert done.returncode == 1 and "      what to do: free some" in done.stdout
    written = json.loads((tmp_path / "out.json").read_text())["findings"]
    assert [doctor.Finding(**each) for each in written] == findings


def test_in_a_process_of_its_own_each_finding_is_told_as_it_comes(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "file" / "lab"))  # no home can be there, so the rest is not looked at
    counts = []
    found = apart.examined_apart(lambda so_far: counts.append(len(so_far)))
    assert [each.what for each in found] == ["python", "lab home"] and counts == [1, 2]
    assert not found[1].ok and found[1].remedy


def test_a_process_that_ends_before_it_has_looked_is_a_sentence(monkeypatch):
    monkeypatch.setattr(apart, "SOURCE", "/")  # where no such module is
    with pytest.raises(LabError, match="ended with exit code 1"):
        apart.examined_apart()
