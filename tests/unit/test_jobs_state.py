"""What is decided about jobs without a process: outcomes, whole files, the table, GPUs."""

import resource
import signal
import sqlite3
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from core import files
from core.config import RunConfig
from core.errors import RunNotFoundError, StoreError
from core.jobs import database, gpus, table
from core.jobs.engines.contract import Slot
from core.jobs.process import alive, boot_id, started_at
from core.jobs.state import outcome
from core.runs import run_folder

SOURCE = Path(__file__).parents[2]
CPU = Slot("cpu0", ("auto", "cpu"))


@pytest.fixture(autouse=True)
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    return tmp_path / "lab"


def add(number: int, *, device: str = "auto", **fields) -> str:
    run_id = f"{number:032x}"
    table.insert(run_id, RunConfig(problem={"kind": "poisson2d"}, device=device), "local", **fields)
    return run_id


SAID = {"state": "finished", "reason": "", "attempt": 1}
OUTCOMES = [
    # what the row says, what the run said, return code, state, a word of the reason
    ({}, SAID, 0, "finished", ""),
    ({"wanted": "stop", "killed": 5.0}, SAID, -signal.SIGKILL, "finished", ""),
    ({}, SAID | {"state": "failed", "reason": "NaN"}, 1, "failed", "NaN"),
    ({}, None, -signal.SIGKILL, "crashed", "SIGKILL"),
    ({}, None, -signal.SIGSEGV, "crashed", "SIGSEGV"),
    ({}, None, -40, "crashed", "signal 40"),
    ({}, None, 3, "crashed", "exit code 3"),
    ({}, None, 0, "crashed", "exit code 0"),
    ({}, None, None, "crashed", "vanished"),
    ({"boot": "another"}, None, None, "crashed", "restarted"),
    ({"wanted": "stop"}, None, -signal.SIGTERM, "stopped", "before it could"),
    ({"wanted": "stop", "killed": 5.0}, None, -signal.SIGKILL, "stopped", "was killed"),
    ({"wanted": "pause", "killed": 5.0}, None, None, "paused", "was killed"),
    ({"wanted": "stop", "boot": "another"}, None, None, "stopped", "restarted"),
    ({"wanted": "stop"}, None, -signal.SIGSEGV, "crashed", "SIGSEGV"),
]


@pytest.mark.parametrize(("row", "said", "returncode", "state", "word"), OUTCOMES)
def test_outcome_of_an_attempt_whose_process_is_gone(row, said, returncode, state, word):
    run_id = add(1, state="running", attempt=1, **({"boot": "this"} | row))
    decided, reason = outcome(table.get(run_id), said, "this", returncode)
    assert decided == state
    assert word in reason


def test_a_full_disk_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "exit.json"
    files.write_whole(path, "old")
    program = (
        "import resource, sys; from pathlib import Path; from core.files import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_whole(Path(sys.argv[1]), 'x' * 5000)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=SOURCE, capture_output=True, text=True)
    assert "File too large" in done.stderr
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["exit.json"]


@pytest.mark.sqlite_file
def test_a_change_that_does_not_fit_on_the_disk_is_undone_and_said():
    run_id = add(1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StoreError, match="job table"):
            table.update(run_id, state="running", reason="x" * 300_000)
        assert table.get(run_id).state == "queued"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert table.update(run_id, state="running")


def test_last_word_counts_for_its_attempt_alone(lab):
    run_id = add(1)
    (lab / "runs" / run_id).mkdir(parents=True)
    assert run_folder(run_id).exit(1) is None
    run_folder(run_id).write_exit(1, "paused", "asked")
    assert run_folder(run_id).exit(1) == {"state": "paused", "reason": "asked", "attempt": 1}
    assert run_folder(run_id).exit(2) is None


@pytest.mark.parametrize("content", [b"", b'{"iteration": 1', b"[]", b"\xff"])
def test_damaged_progress_is_no_progress(lab, content):
    folder = lab / "runs" / f"{1:032x}"
    folder.mkdir(parents=True)
    (folder / "progress.json").write_bytes(content)
    assert run_folder(folder.name).progress() is None


def test_queue_order_is_priority_then_arrival():
    first, second, urgent = add(1), add(2), add(3, priority=1)
    assert [job.run_id for job in table.find(("queued",))] == [urgent, first, second]
    assert [job.position for job in table.find(("queued",))] == [1, 2, 3]
    assert [(job.run_id, job.position) for job in table.find()] == [(urgent, 1), (second, 3), (first, 2)]
    assert table.claim(CPU).run_id == urgent
    assert table.get(first).position == 1
    assert table.get(urgent).position == 0
    assert [job.run_id for job in table.find(("running",))] == [urgent]


DEVICES = [
    ("auto", Slot("gpu1", ("auto", "cuda")), True),
    ("cuda", Slot("gpu1", ("auto", "cuda")), True),
    ("cuda:1", Slot("gpu1", ("auto", "cuda")), True),
    ("cuda:0", Slot("gpu1", ("auto", "cuda")), False),
    ("cpu", Slot("gpu1", ("auto", "cuda")), False),
    ("auto", CPU, True),
    ("cuda", CPU, False),
    ("auto", Slot("cpu0", ("cpu",)), False),
]


@pytest.mark.parametrize(("device", "slot", "fits"), DEVICES)
def test_a_slot_takes_only_runs_that_fit_its_device(device, slot, fits):
    add(1, device=device)
    assert table.waits_for(slot) is fits
    assert (table.claim(slot) is not None) is fits


CLAIMER = """
import sys
from core.config import RunConfig
from core.jobs import database, table
from core.jobs.engines.contract import Slot

number = int(sys.argv[1])
print("ready", flush=True)
input()
for index in range(10):
    table.insert(f"{number * 10 + index:032x}", RunConfig(problem={"kind": "poisson2d"}), "local")
while job := table.claim(Slot(f"gpu{number}", ("auto", "cuda"))):
    print(job.run_id)
"""


def test_four_slots_in_a_new_home_never_claim_the_same_job():
    pipe = subprocess.PIPE
    claimers = [
        subprocess.Popen([sys.executable, "-c", CLAIMER, str(n)], cwd=SOURCE, stdin=pipe, stdout=pipe, text=True)
        for n in range(4)
    ]
    assert [claimer.stdout.readline() for claimer in claimers] == ["ready\n"] * 4
    for claimer in claimers:
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    claimed = [run_id for claimer in claimers for run_id in claimer.communicate(timeout=120)[0].split()]
    assert [claimer.returncode for claimer in claimers] == [0] * 4
    assert sorted(claimed) == sorted(job.run_id for job in table.find(["running"]))
    assert len(claimed) == len(table.find()) == 40
    assert {job.attempt for job in table.find()} == {1}


def test_a_resumed_run_waits_for_its_former_process():
    add(1, pid=psutil.Process().pid, pid_started=started_at(psutil.Process().pid), boot=boot_id())
    assert table.claim(CPU) is None
    assert table.waits_for(CPU)


def test_update_only_if_nothing_changed():
    run_id = add(1)
    assert not table.update(run_id, only_if={"attempt": 7}, state="failed")
    assert not table.update(run_id, only_if={"state": ("running", "paused")}, state="failed")
    assert table.update(run_id, only_if={"state": ("queued",), "pid": None}, state="failed")
    with pytest.raises(RunNotFoundError):
        table.get("f" * 32)


def test_an_older_table_gets_the_columns_it_lacks(lab):
    lab.mkdir()
    kept = [f"{name} {kind}" for name, kind in database.COLUMNS.items() if name not in ("grace", "worker_pid")]
    with sqlite3.connect(lab / "jobs.db") as old:
        old.execute(f"CREATE TABLE jobs ({', '.join(kept)})")
    assert table.get(add(1)).grace == 30.0


@pytest.mark.sqlite_file
def test_a_newer_table_and_a_network_disk_are_refused_with_a_reason(lab, monkeypatch):
    add(1)
    with sqlite3.connect(lab / "jobs.db") as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer version"):
        table.find()
    mount = namedtuple("Mount", "mountpoint fstype")
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [mount("/", "ext4"), mount(str(lab), "nfs4")])
    with pytest.raises(StoreError, match=r"network disk \(nfs4\)"):
        table.find()


def test_a_pid_is_only_the_process_with_its_start_and_boot():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        started = started_at(child.pid)
        assert alive(child.pid, started, boot_id())
        assert not alive(child.pid, started - 1, boot_id())
        assert not alive(child.pid, started, "another boot")
    finally:
        child.kill()
    psutil.Process(child.pid)  # not reaped yet: a zombie, which is dead
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not alive(child.pid, started, boot_id())
    child.wait()
    assert not alive(child.pid, started, boot_id())


LISTING = """\
GPU 0: NVIDIA H200 (UUID: GPU-aaaa)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
  MIG 3g.20gb     Device  0: (UUID: MIG-cccc)
  MIG 3g.20gb     Device  1: (UUID: MIG-dddd)
"""
VISIBLE = [
    (None, {"gpu0": "GPU-aaaa", "gpu1.0": "MIG-cccc", "gpu1.1": "MIG-dddd"}),
    ("", {}),
    ("0", {"gpu0": "GPU-aaaa"}),
    ("1", {"gpu1.0": "MIG-cccc", "gpu1.1": "MIG-dddd"}),
    ("GPU-aaaa,MIG-dddd", {"gpu0": "GPU-aaaa", "gpu1.1": "MIG-dddd"}),
    ("7", {}),
]


@pytest.mark.parametrize(("allowed", "found"), VISIBLE)
def test_gpus_as_nvidia_smi_lists_them(tmp_path, monkeypatch, allowed, found):
    smi = tmp_path / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTING}END\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    if allowed is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    monkeypatch.setattr(gpus, "_last", None)
    assert gpus.gpus() == found


def test_importing_jobs_loads_no_heavy_package():
    program = "import sys, core.jobs, core.jobs.control, core.jobs.worker; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=SOURCE, capture_output=True, text=True, check=True)
    assert not {"torch", "mlflow", "numpy", "pydantic", "sqlalchemy", "streamlit"} & set(loaded.stdout.split())
