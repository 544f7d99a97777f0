"""The machine as it is seen: CPU and memory of a tree of processes, GPUs that come and go, sampling into a run."""

import math
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from core import resources
from core.jobs import processes, sampling, table
from core.jobs.sampling import Attendance, Sampler, TrainingClock
from core.machine import NO_GPU, Gpus, Meter, Recent, meter
from core.runs import run_folder
from core.runs.machine_file import open_readings
from core.runs.machine_readings import MachineReadings

RUN = "a" * 32


class NVMLError(Exception):
    pass


class NotSupportedError(NVMLError):
    pass


class FakeNvml:
    """One GPU, and a MIG slice of it, as the module `pynvml` tells of them."""

    NVMLError = NVMLError
    NVMLError_NotSupported = NotSupportedError
    NVMLError_NoPermission = type("NoPermission", (NVMLError,), {})
    NVML_TEMPERATURE_GPU = 0

    def __init__(self):
        self.lost = False
        self.handles = {"GPU-1": "whole", "MIG-1": "slice", 0: "whole"}

    def _handle(self, key):
        if self.lost or key not in self.handles:
            raise NVMLError("GPU is lost")
        return self.handles[key]

    nvmlDeviceGetHandleByUUID = nvmlDeviceGetHandleByIndex = _handle  # noqa: N815

    def nvmlShutdown(self):  # noqa: N802
        raise NVMLError("Uninitialized")

    def nvmlDeviceGetCount(self):  # noqa: N802
        return 1

    def nvmlDeviceIsMigDeviceHandle(self, handle):  # noqa: N802
        return handle == "slice"

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle):  # noqa: N802
        return "whole"

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return b"Fake 100"

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return SimpleNamespace(used=2 << 30, total=8 << 30)

    def nvmlDeviceGetUtilizationRates(self, handle):  # noqa: N802
        if handle == "slice":
            raise NotSupportedError("Not Supported")
        return SimpleNamespace(gpu=87)

    def nvmlDeviceGetTemperature(self, handle, kind):  # noqa: N802
        return 61

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        return 123_400


def test_a_gpu_by_uuid_by_index_and_a_slice_of_one():
    gpus = Gpus(FakeNvml)
    whole = gpus.read("GPU-1")
    assert (whole.name, whole.load, whole.memory_used, whole.temperature, whole.power) == (
        "Fake 100", 87, 2 << 30, 61, 123.4,
    )  # fmt: skip
    assert gpus.read("0") == whole == gpus.all()[0]
    part = gpus.read("MIG-1")
    assert math.isnan(part.load) and part.temperature == 61 and not gpus.trouble
    assert gpus.read("") is NO_GPU


def test_a_gpu_that_vanishes_has_no_readings_and_says_why_until_it_is_back(monkeypatch):
    lib = FakeNvml()
    gpus = Gpus(lambda: lib)
    assert gpus.read("GPU-1").load == 87
    lib.lost = True
    assert gpus.read("GPU-1") is NO_GPU
    assert gpus.trouble == "The GPU's driver says: GPU is lost."
    lib.lost = False
    assert gpus.read("GPU-1") is NO_GPU and gpus.trouble  # NVML is not opened anew at each reading
    now = time.monotonic() + 11
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert gpus.read("GPU-1").load == 87 and not gpus.trouble


def test_a_library_that_can_not_be_opened_is_a_sentence():
    def connect():
        raise NVMLError("Driver/library version mismatch")

    gpus = Gpus(connect)
    assert gpus.all() == [] and "version mismatch" in gpus.trouble


def test_a_tree_of_processes_counts_its_children_and_no_other_process_of_the_same_pid(monkeypatch):
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True) as parent:
        tree = meter.Tree(parent.pid)
        alone = meter._stat(parent.pid).memory
        end = time.monotonic() + 20
        while len(tree._descendants()) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        seconds, memory = tree.look()
        assert tree.alive and seconds >= 0 and memory > alone
        tree._members = {parent.pid: 1}  # the pid was given to another process, which started at another time
        seconds, memory = tree.look()
        assert not tree.alive and math.isnan(seconds) and math.isnan(memory)
        parent.stdin.close()


def test_shares_are_percent_and_never_negative():
    share = meter.Share()
    assert math.isnan(share.since(1, 10))
    assert share.since(2, 14) == 25
    assert share.since(1, 18) == 0  # a child ended that nobody waited for
    assert math.isnan(share.since(2, 18))


def test_a_control_groups_quota_is_what_there_is(tmp_path, monkeypatch):
    group = tmp_path / "lab"
    group.mkdir()
    (group / "cpu.max").write_text("50000 100000\n")
    (group / "cpu.stat").write_text("usage_usec 3000000\nuser_usec 1\n")
    monkeypatch.setattr(resources, "_groups", lambda wanted="memory": [group])
    assert resources.cores() == 0.5
    assert resources.cpu_seconds()[0] == 3.0
    (group / "cpu.max").write_text("max 100000\n")
    assert resources.cores() == len(os.sched_getaffinity(0))


class Clock:
    def __init__(self, monkeypatch):
        self.monotonic = 100.0
        self.unix = 1_000_000.0
        monkeypatch.setattr(sampling.time, "monotonic", lambda: self.monotonic)
        monkeypatch.setattr(sampling.time, "time", lambda: self.unix)

    def pass_(self, seconds):
        self.monotonic += seconds
        self.unix += seconds


def said(folder, wall, at, **more):
    folder.write_progress({"phase": None, "fraction": 0.1, "wall_time_s": wall, "time": at} | more)


@pytest.fixture
def folder(lab_home):
    table.find()  # a job table that is made later would ask the store about the folder
    found = run_folder(RUN)
    found.path.mkdir(parents=True)
    return found


def test_the_training_clock_goes_on_between_what_is_said_and_forgets_earlier_attempts(folder, monkeypatch):
    clock = Clock(monkeypatch)
    said(folder, 50.0, clock.unix - 60)  # an earlier attempt
    training = TrainingClock(folder, clock.unix - 2)
    assert math.isnan(training.now())
    clock.pass_(1)
    said(folder, 40.0, clock.unix - 0.25)  # it was resumed from a checkpoint
    assert training.now() == pytest.approx(40.25)
    clock.pass_(5)
    assert training.now() == pytest.approx(45.25)  # one long step
    clock.pass_(1)
    said(folder, 40.0, clock.unix, phase="certificate", stage=0, stages=1, done=0, of=1, unit="%", eta_s=None)
    assert training.now() == pytest.approx(46.25)  # after training it goes on
    clock.unix -= 86_400
    clock.monotonic += 1
    said(folder, 47.0, clock.unix)  # the clock was set back a day
    assert training.now() == pytest.approx(47.0)
    assert TrainingClock(folder, clock.unix - 3).now() == pytest.approx(47.0)  # another sampler takes over


def job_of(folder, **more):
    given = {"run_id": RUN, "attempt": 1, "folder": folder, "started": 0.0, "slot": None, "active": True, "pid": 1}
    given |= {"elsewhere": False}
    return SimpleNamespace(**given | more)


def sampled_once(sampler, folder, rows=1):
    """Start a sampler and wait for so many rows of its file."""
    sampler.start()
    readings, end = MachineReadings(folder.machine), time.monotonic() + 20
    while len(readings) < rows and time.monotonic() < end:
        readings.update()
        time.sleep(0.01)
    return readings


def test_a_sampler_writes_what_the_run_takes_and_one_event_for_a_gpu_that_is_gone(folder, monkeypatch, capsys):
    monkeypatch.setattr(sampling, "interval_s", lambda rows: 0.01)
    lib = FakeNvml()
    lib.lost = True
    sampler = Sampler(job_of(folder), os.getpid(), "GPU-1", Gpus(lambda: lib))
    readings = sampled_once(sampler, folder, rows=3)
    sampler.end()
    assert not sampler.is_alive()
    assert (readings.column("run_memory_mb") > 10).all()
    assert (readings.column("memory_total_mb") >= readings.column("memory_used_mb")).all()
    assert math.isnan(readings.column("gpu_percent")[0])
    assert capsys.readouterr().err.count("GPU is lost") == 1
    assert next(line for line in folder.event_lines() if "GPU is lost" in line).count('"kind": "machine"') == 1
    assert len(folder.event_lines()) == 1


def test_one_process_samples_for_a_run(folder, monkeypatch):
    monkeypatch.setattr(sampling, "interval_s", lambda rows: 0.01)
    held = open_readings(folder.machine)
    attendance = Attendance()
    job = job_of(folder, pid=os.getpid())
    attendance.look([job])
    attendance._samplers[RUN, 1].join(20)  # somebody else has the file
    assert len(folder.machine.read_text().splitlines()) == 1
    held.close()
    attendance.look([job])
    readings = MachineReadings(folder.machine)
    end = time.monotonic() + 20
    while not readings.update() and time.monotonic() < end:
        time.sleep(0.01)
    assert len(readings)
    attendance.look([])
    assert not attendance._samplers


def test_a_disk_that_takes_nothing_is_one_line_and_no_end(folder, monkeypatch, capsys):
    monkeypatch.setattr(sampling, "interval_s", lambda rows: 0.001)
    times, refuse = [], threading.Event()

    def full(path):
        times.append(1)
        if len(times) > 5:
            refuse.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sampling, "open_readings", full)
    sampler = Sampler(job_of(folder), os.getpid(), "")
    sampler.start()
    assert refuse.wait(20)
    sampler.end()
    assert capsys.readouterr().err.count("no space left") == 1


def test_the_last_minutes_are_sampled_while_somebody_looks(tmp_path, monkeypatch):
    from core.machine import recent

    monkeypatch.setattr(recent, "EVERY_S", 0.001)
    shared, end = Recent(tmp_path, Gpus(FakeNvml)), time.monotonic() + 20
    while len(shared.look()) < 3 and time.monotonic() < end:
        time.sleep(0.005)
    assert shared.look()[-1].gpus[0].name == "Fake 100"
    monkeypatch.setattr(recent, "UNSEEN_S", 0.0)
    while shared._sampling and time.monotonic() < end:
        time.sleep(0.005)
    assert not shared._sampling


def test_a_meter_knows_memory_disk_and_no_process(tmp_path):
    reading = Meter(tmp_path).read()
    assert 0 < reading.memory_used < reading.memory_total and reading.disk_free > 0
    assert math.isnan(reading.cpu) and math.isnan(reading.run_memory)
    assert math.isnan(Meter(tmp_path / "gone").read().disk_free)


def test_the_processes_of_this_home_are_told_by_what_they_do(lab_home):
    table.find()
    environment = os.environ | {"LAB_HOME": str(lab_home)}
    code = ["-c", "import sys; print('x', flush=True); input()"]
    words = [sys.executable, "-m", "core.jobs.worker", "cpu0"]
    assert processes._called("core", ["work", RUN, "--attempt", "1"]) == ("run", RUN)
    assert processes._called("core.jobs.worker", ["cpu0"]) == ("worker", "cpu0")
    assert processes._called("core.jobs.night_watch", []) == ("night watch", "")
    for home_of_it, seen in ((environment, True), (environment | {"LAB_HOME": "/elsewhere"}, False)):
        with subprocess.Popen(
            [*words[:1], *code, *words[1:]],
            env=home_of_it, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            process.stdout.readline()
            found = {each.pid: each for each in processes.of_home()}
            process.stdin.close()
        assert (process.pid in found) == seen
