"""One run in several real processes over gloo: the same numbers, one history, stopped, killed and resumed."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest

from core import jobs
from core.config import parse_config
from core.jobs import table
from core.jobs.chosen_slots import chosen_slots
from core.jobs.courier import COURIER
from core.jobs.process import attempt_environment, sweep
from core.jobs.slot_lock import hold
from core.runs import run_folder
from core.training.train import train
from tests.stand_in import SOURCE, until, until_state

RANKS = {"OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}


def test_all_sums_are_those_of_one_process_and_all_compute_at_the_same_parameters(tmp_path):
    out, meeting = tmp_path / "out", tmp_path / "meeting"
    command = [sys.executable, "-m", "tests.spread_cases", str(out), "poisson2d", "burgers_profile"]
    both = [
        subprocess.Popen(
            command,
            cwd=SOURCE,
            env={**os.environ, **RANKS, "LAB_RENDEZVOUS": str(meeting), "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [each.wait(timeout=300) for each in both] == [0, 0]
    first, other = (json.loads((tmp_path / f"out.{rank}").read_text()) for rank in range(2))
    apart = {(case, what): off for case, found in first["found"].items() for what, off in found.items()}
    assert {key: off for key, off in apart.items() if not off < (1e-12 if key[0] != "trained" else 1e-6)} == {}
    assert len(apart) > 48
    assert first["parameters"] == other["parameters"]


@pytest.fixture
def queue(lab_home, monkeypatch):
    """A lab with a real slot and no courier: `submit(processes)` queues a run that goes on until it is stopped."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    courier = hold(COURIER)
    begun = []

    def submit(processes, **changes):
        begun.append(jobs.submit(described(processes, **changes)))
        return begun[-1]

    yield submit
    for run_id in begun:
        job = table.get(run_id)
        if job.active:
            jobs.stop(run_id)
            until_state(run_id, "stopped", "finished", "failed", "crashed")
        sweep(job.folder.path, job.attempt)
    courier.close()


def described(processes, iterations=100_000):
    stage = {
        "optimizer": {"kind": "gauss_newton", "damping": 1e-2, "minimum_damping": 1e-3},
        "iterations": iterations,
        "patience": 100_000,
        "checkpoint_every": 3,
        "collocation": {"points": 301},
        "processes": processes,
    }
    return parse_config(
        {"problem": {"kind": "poisson2d"}, "network": {"hidden": [8, 8]}, "stages": [stage], "device": "cpu"}
    )


def ranks_of(run_id):
    """Rank → pid of a run's living processes."""
    job, found = table.get(run_id), {}
    mark = attempt_environment(job.folder.path, job.attempt).items()
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            if mark <= variables.items() and variables.get("RANK", "").isdigit():
                found[int(variables["RANK"])] = process.pid
        except psutil.Error:
            continue
    return found


def until_training(run_id, count=2, beyond=0):
    """Its ranks, once it has written a checkpoint of an iteration after `beyond`."""
    folder = run_folder(run_id)

    def iteration():
        columns = folder.history_columns() if folder.has_checkpoint else None
        return columns is not None and len(columns["iteration"]) > beyond

    until(iteration)
    found = ranks_of(run_id)
    assert sorted(found) == list(range(count))
    return found


def test_a_rank_or_the_launcher_that_is_killed_is_a_crash_that_leaves_nothing_behind(queue):
    run_id = queue(2)
    ranks = until_training(run_id)
    job = table.get(run_id)
    assert job.pid not in ranks.values()
    assert psutil.Process(ranks[0]).ppid() == job.pid
    os.kill(ranks[1], signal.SIGKILL)
    job = until_state(run_id, "crashed")
    assert f"Process 2 of the run's 2 (pid {ranks[1]}) is gone" in job.reason
    assert ranks_of(run_id) == {}

    rows = len(run_folder(run_id).history_columns()["iteration"])
    jobs.resume(run_id)
    ranks = until_training(run_id, beyond=rows)
    os.kill(table.get(run_id).pid, signal.SIGKILL)
    job = until_state(run_id, "crashed")
    assert "SIGKILL" in job.reason
    assert ranks_of(run_id) == {}
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() == "running" for pid in ranks.values())


def test_a_run_stops_by_a_signal_and_goes_on_with_another_number_of_processes(queue, lab_home):
    (lab_home / "settings.yaml").write_text("slots: {threads: 2}\n")
    until(lambda: chosen_slots().threads == 2)
    run_id = queue("all")
    until_training(run_id)
    os.kill(table.get(run_id).pid, signal.SIGTERM)
    job = until_state(run_id, "stopped")
    until(lambda: not ranks_of(run_id))
    assert job.folder.facts()["processes"] == "2"
    assert job.folder.facts()["threads"] == "1"
    rows = len(job.folder.history_columns()["iteration"])

    (lab_home / "settings.yaml").write_text("slots: {threads: 3}\n")
    until(lambda: chosen_slots().threads == 3)
    jobs.resume(run_id)
    until_training(run_id, count=3, beyond=rows + 3)
    jobs.stop(run_id)
    folder = until_state(run_id, "stopped").folder
    assert folder.facts()["processes"] == "2, then 3"
    history = folder.history_columns()
    assert history["iteration"].tolist() == list(range(1, len(history["iteration"]) + 1))
    alone = run_folder("0" * 32)
    train(described(None, iterations=6), alone, say=lambda line: None)
    losses = alone.history_columns()["loss"]
    np.testing.assert_allclose(history["loss"][:2], losses[:2], rtol=1e-11)
    np.testing.assert_allclose(history["loss"][:6], losses[:6], rtol=1e-9)  # rounding, which iterations carry on


@pytest.mark.proof
def test_a_command_that_trains_here_reports_what_the_first_process_found_and_a_rerun_repeats_it(
    lab_home, tmp_path, command_line, monkeypatch
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path, out = tmp_path / "two.json", tmp_path / "out.json"
    path.write_text(described(2, iterations=4).model_dump_json(by_alias=True))
    done = command_line("train", str(path), "--json", str(out))
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert (report["state"], report["iterations"]) == ("finished", 4)
    folder = run_folder(report["run_id"])
    assert folder.facts()["processes"] == "2"
    assert not {path.name for path in folder.path.iterdir()} & {"ranks.meet", "report.json"}

    until(lambda: jobs.status(report["run_id"]).synced)
    done = command_line("replay", report["run_id"], "--verify", "--json", str(out))
    assert done.returncode == 0, done.stderr
    verdict = json.loads(out.read_text())["verify"]
    assert verdict["outcome"] == "bit-identical"
    assert verdict["environment"]["processes"] == {"source": "2", "rerun": "2", "differs": False}
