"""Slots: how many there are, what shares them, and what becomes of them when a GPU vanishes."""

import os
import time

import pytest

from core.config import RunConfig
from core.errors import LabError
from core.jobs import chosen_slots, gpus, sharing, submission, table, troubles, waits_because
from core.jobs.chosen_slots import ChosenSlots
from core.jobs.engines.contract import Slot
from core.jobs.engines.local import LocalEngine
from core.jobs.prepared import run_environment
from core.jobs.process import inside, outside
from core.jobs.sharing import no_room, threads_of
from core.jobs.slot_lock import busy, hold, hold_at_once
from core.settings import SETTLED_S, Slots

TWO_GPUS = "GPU 0: NVIDIA H200 (UUID: GPU-aaaa)\nGPU 1: NVIDIA H200 (UUID: GPU-bbbb)\n"


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch, lab_home):
    """A machine whose nvidia-smi says what the returned function is given; before that there is none."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "_last", None)
    monkeypatch.setattr(gpus, "EVERY_S", 1e9)
    lab_home.mkdir(exist_ok=True)

    def says(text: str, code: int = 0) -> None:
        smi = tmp_path / "bin" / "nvidia-smi"
        smi.parent.mkdir(exist_ok=True)
        smi.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\nexit {code}\n")
        smi.chmod(0o755)
        gpus.reading(fresh=True)

    return says


def choose(lab_home, **slots) -> None:
    file = lab_home / "settings.yaml"
    file.write_text(f"slots: {slots!r}\n".replace("'", ""))
    os.utime(file, (time.time() - SETTLED_S, time.time() - SETTLED_S))


def names() -> list[str]:
    return [slot.name for slot in LocalEngine().capacity()]


def add(number: int, *, device: str = "auto", **fields) -> str:
    run_id = f"{number:032x}"
    table.insert(run_id, RunConfig(problem={"kind": "poisson2d"}, device=device), "local", **fields)
    return run_id


def test_what_holds_without_a_settings_file_is_what_the_settings_say_by_default():
    assert ChosenSlots()._asdict() == Slots().model_dump()
    assert chosen_slots.chosen_slots() == ChosenSlots()


def test_the_settings_say_how_many_slots_there_are_and_may_change_while_runs_are_at_work(lab_home):
    assert names() == ["cpu0"]
    choose(lab_home, cpu=3)
    assert names() == ["cpu0", "cpu1", "cpu2"]
    lock = hold("cpu2")
    choose(lab_home, cpu=1)
    ending = LocalEngine().capacity()[-1]
    assert (ending.name, ending.busy, ending.serves("auto")) == ("cpu2", True, False)
    assert LocalEngine().slot("cpu2") is None
    lock.close()
    assert names() == ["cpu0"]
    choose(lab_home, cpu=0)
    assert names() == ["cpu0"], "the last valid settings hold"
    assert "slots.cpu" in troubles()[0]


def test_as_many_workers_are_started_as_runs_can_begin(lab_home, monkeypatch):
    choose(lab_home, cpu=4)
    started = []
    monkeypatch.setattr(LocalEngine, "_start_worker", lambda self, slot: started.append(slot))
    LocalEngine().ensure()
    add(1), add(2), add(3, held=1)
    lock = hold("cpu0")
    LocalEngine().ensure()
    lock.close()
    assert started == ["cpu1", "cpu2"]


THREADS = [
    (ChosenSlots(cpu=1), {}, 8),
    (ChosenSlots(cpu=3), {}, 2),
    (ChosenSlots(cpu=20), {}, 1),
    (ChosenSlots(cpu=4, threads=6), {"OMP_NUM_THREADS": "1"}, 6),
    (ChosenSlots(cpu=2), {"OMP_NUM_THREADS": "1"}, 1),
    (ChosenSlots(cpu=2), {"OMP_NUM_THREADS": "32"}, 4),
    (ChosenSlots(cpu=2), {"OMP_NUM_THREADS": "4,2"}, 4),
]


@pytest.mark.parametrize(("chosen", "environment", "threads"), THREADS)
def test_threads_are_divided_among_the_slots(monkeypatch, chosen, environment, threads):
    monkeypatch.setattr(sharing, "cores", lambda: 8)
    assert threads_of(Slot("cpu0", ("cpu",)), chosen, environment) == threads
    assert threads_of(Slot("gpu0", ("cuda",)), chosen, environment) is None


def test_what_is_set_for_a_run_is_no_more_outside_of_it(lab_home, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.delenv("LAB_PROBLEMS", raising=False)
    (lab_home / "problem.py").touch()
    choose(lab_home, cpu=1, threads=3)
    for slot, visible, threads in ((Slot("cpu0", ("cpu",)), "", "3"), (Slot("gpu0", ("cuda",), visible="X"), "X", "7")):
        environment = run_environment(slot, lab_home / "problem.py", {"LAB_RUN_DIR": "r", "LAB_ATTEMPT": "1"})
        assert (environment["CUDA_VISIBLE_DEVICES"], environment["OMP_NUM_THREADS"]) == (visible, threads)
        assert environment["LAB_PROBLEMS"] == str(lab_home / "problem.py")
        before = outside(environment)
        assert (before["OMP_NUM_THREADS"], before["CUDA_VISIBLE_DEVICES"]) == ("7", "0,1")
        assert not {"LAB_RUN_DIR", "LAB_ATTEMPT", "LAB_THREADS", "LAB_OUTSIDE", "LAB_PROBLEMS"} & before.keys()
    assert outside(inside({"A": "2"}, {"A": "1"})) == {"A": "1"}
    assert outside(os.environ) == dict(os.environ)


def test_several_runs_a_gpu_have_slots_of_their_own_an_empty_gpu_first(machine, lab_home):
    machine(TWO_GPUS)
    assert names() == ["gpu0", "gpu1", "cpu0"], "off by default"
    choose(lab_home, per_gpu=2)
    assert names() == ["gpu0", "gpu1", "gpu0:2", "gpu1:2", "cpu0"]
    second = next(slot for slot in LocalEngine().capacity() if slot.name == "gpu1:2")
    assert (second.visible, second.serves("cuda:1"), second.serves("cuda:0"), second.serves("auto")) == (
        "GPU-bbbb",
        True,
        False,
        True,
    )
    assert Slot("gpu1.1:3", ("cuda",)).gpu == "gpu1.1"


GB = 2**30


@pytest.mark.parametrize(
    ("ages", "free", "word"),
    [
        ([], None, ""),
        ([100], 5 * GB, ""),
        ([100], 4 * GB, ""),
        ([100], 3.9 * GB, "3.9 GB are free"),
        ([100], None, "NVML"),
        ([100, 5], 50 * GB, "just begun"),
    ],
)
def test_a_further_run_enters_a_gpu_while_memory_is_free_there(ages, free, word):
    mates = []
    for number, age in enumerate(ages, start=1):
        mates.append(table.get(add(number, state="running", slot="gpu0", started=1000.0 - age)))
    assert word in no_room(mates, free, 4.0, 1000.0)
    assert bool(no_room(mates, free, 4.0, 1000.0)) is bool(word)


def test_of_two_workers_that_saw_room_on_a_gpu_one_gets_in(machine, lab_home, monkeypatch):
    machine(TWO_GPUS)
    choose(lab_home, per_gpu=3)
    monkeypatch.setattr(gpus, "free_memory", lambda visible: 10 * GB)
    slots = {slot.name: slot for slot in LocalEngine().capacity()}
    for number in range(1, 5):
        add(number)
    first = table.claim(slots["gpu0"])
    assert table.claim(slots["gpu0:2"]) is None, "what the first takes is not known yet"
    assert table.claim(slots["gpu1:2"]).slot == "gpu1:2"
    table.update(first.run_id, started=time.time() - 2 * table.SETTLING_S)
    assert not sharing.gpu_is_full(slots["gpu0:2"])
    assert table.claim(slots["gpu0:2"]) is not None
    assert table.claim(slots["gpu0:3"]) is None
    monkeypatch.setattr(gpus, "free_memory", lambda visible: 1 * GB)
    assert "just begun" in sharing.gpu_is_full(slots["gpu0:3"])
    assert sharing.gpu_is_full(slots["cpu0"]) == ""


@pytest.mark.parametrize(
    ("says", "code", "left"),
    [
        (TWO_GPUS.splitlines(keepends=True)[0], 0, ["gpu0"]),
        ("Unable to determine the device handle for GPU0: GPU is lost.\n", 15, []),
        (TWO_GPUS.splitlines(keepends=True)[1].replace("GPU 1", "GPU 0"), 0, ["gpu1"]),
        ("", 9, []),
        ("No devices were found\n", 0, []),
    ],
)
def test_a_gpu_that_vanishes_is_said_and_its_runs_wait(machine, lab_home, says, code, left):
    machine(TWO_GPUS)
    waiting = [table.get(add(number, device=device)) for number, device in ((1, "cuda:0"), (2, "auto"), (3, "cuda"))]
    machine(says, code)
    assert [slot.name for slot in LocalEngine().capacity() if slot.gpu] == left
    assert LocalEngine().capacity()[-1].serves("auto") is False, "what was to go to a GPU does not go to the CPU"
    (line,) = troubles()
    assert "\n" not in line
    assert "vanished" in line
    for name in {"gpu0", "gpu1"} - set(left):
        assert name in line
    slots = LocalEngine().capacity()
    for job in waiting:
        served = any(slot.serves(job.device) for slot in slots)
        assert ("vanished" in waits_because(job, slots)) is not served
    if not left:
        with pytest.raises(LabError, match="vanished"):
            submission.check(RunConfig(problem={"kind": "poisson2d"}))
    with pytest.raises(LabError, match="has no such device"):
        submission.check(RunConfig(problem={"kind": "poisson2d"}, device="cuda:7"))
    machine(TWO_GPUS)
    assert troubles() == []
    assert names() == ["gpu0", "gpu1", "cpu0"]


def test_a_machine_that_was_started_without_a_gpu_has_not_lost_one(machine, lab_home, monkeypatch):
    machine(TWO_GPUS)
    monkeypatch.setattr(gpus, "boot_id", lambda: "another boot")
    machine("No devices were found\n")
    assert troubles() == []
    assert names() == ["cpu0"]


def test_a_gpu_that_was_cut_into_slices_has_not_vanished(machine, lab_home):
    machine(TWO_GPUS)
    machine(TWO_GPUS + "  MIG 3g.20gb     Device  0: (UUID: MIG-cccc)\n")
    assert troubles() == []
    assert names() == ["gpu0", "gpu1.0", "cpu0"]


def test_who_looks_at_a_lock_is_taken_for_no_holder(lab_home):
    with hold_at_once("courier") as lock:
        assert lock is not None and busy("courier")
        assert hold_at_once("courier") is None
    assert not busy("courier")
    with hold_at_once("courier") as again:
        assert again is not None
