"""A run in this process: resumed without a seam, repeated bit by bit, ended with a reason, refused with one."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from core import jobs
from core.config import override
from core.errors import LabError, TrainingError
from core.execution.execute import execute, parent_solution
from core.execution.origin import record_provenance
from core.home import home
from core.presets import resolve
from core.runs import RunFolder, run_folder
from core.runs.history import HistoryWriter, read_history
from core.runs.machine_readings import MachineReadings
from core.tracking import store
from core.training import checkpoint as checkpoints
from core.training import step
from core.training import trainer as trainers
from core.training.cuda_graph import AdamStep
from core.training.measure import measure
from core.training.objective import Objective
from core.training.objective.weighing import Weighing
from core.training.points import adapted, collocation, on_cpu
from core.training.spectrum import residual_spectrum
from core.training.stage import StageTraining
from core.training.trainer import Trainer
from tests.training import curve, features_alone, overflowing, small, train, trained

ROOT = Path(__file__).parents[2]


def assert_same(first, second):
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


@pytest.mark.parametrize("preset", ["poisson2d", "burgers-profile"])
def test_two_runs_of_one_config_are_bit_identical(tmp_path, preset):
    config = small(preset=preset)
    train(config, tmp_path / "a")
    train(config, tmp_path / "b")
    assert_same(curve(tmp_path / "a"), curve(tmp_path / "b"))
    train(override(config, ["seed=1"]), tmp_path / "c")
    assert not np.array_equal(curve(tmp_path / "a")["loss"][:5], curve(tmp_path / "c")["loss"][:5])


@pytest.mark.parametrize("preset", ["poisson2d", "burgers-profile"])
@pytest.mark.parametrize("moment", [13, 40, 52, 65])
def test_resuming_continues_the_same_curve(tmp_path, preset, moment):
    config = small(preset=preset)
    train(config, tmp_path / "straight")
    seen = iter(range(10_000))
    outcome = train(config, tmp_path / "broken", wanted=lambda: "pause" if next(seen) == moment else None)
    assert outcome.wanted == "pause"
    # stage 1 has 65 iterations; where a search for σ follows, the run is asked between its tries too
    searching = moment >= 65 and config.stages[1].fourier.sigma == "search"
    assert len(curve(tmp_path / "broken")["loss"]) == (65 if searching else moment + 1)
    outcome = train(config, tmp_path / "broken", resume=True)
    assert outcome.wanted is None
    assert_same(curve(tmp_path / "straight"), curve(tmp_path / "broken"))


@pytest.mark.parametrize(
    "optimizer", ["adam", "soap", "gauss_newton", "woodbury", "rank_one_ema", "lbfgs", "ssbroyden"]
)
def test_resampling_is_resumed_too(tmp_path, optimizer):
    config = small("stages.0.collocation.resample_every=6", f"stages.0.optimizer={{kind: {optimizer}}}")
    train(config, tmp_path / "straight")
    seen = iter(range(10_000))
    train(config, tmp_path / "broken", wanted=lambda: "stop" if next(seen) == 50 else None)
    train(config, tmp_path / "broken", resume=True)
    assert_same(curve(tmp_path / "straight"), curve(tmp_path / "broken"))


def test_points_drawn_by_the_residual_are_resumed_too(tmp_path):
    config = small(
        "stages.0.collocation.resample_every=6",
        "stages.0.collocation.adaptive=0.5",
        "stages.1.collocation.adaptive=0.8",
    )
    train(config, tmp_path / "straight")
    for moment in (50, 66, 77):
        seen = iter(range(10_000))
        folder = tmp_path / f"broken{moment}"
        train(config, folder, wanted=lambda seen=seen, moment=moment: "stop" if next(seen) == moment else None)
        train(config, folder, resume=True)
        assert_same(curve(tmp_path / "straight"), curve(folder))
    train(small("stages.0.collocation.resample_every=6"), tmp_path / "plain")
    assert not np.array_equal(curve(tmp_path / "plain")["loss"], curve(tmp_path / "straight")["loss"])


def test_adaptive_points_gather_where_the_residual_is_large(tmp_path):
    config = small("stages.0.iterations=3", "stages.0.collocation.adaptive=0.9", "stages.0.collocation.points=2000")
    solution = train(config, tmp_path / "run").solution
    plain = collocation(config, config.stages[0], 0, 1)
    drawn = adapted(config, config.stages[0], 0, 1, solution)
    size = {
        name: np.abs(solution.evaluate(points["interior"])["residual_poisson"]).mean()
        for name, points in (("plain", plain), ("drawn", drawn))
    }
    assert drawn["interior"].shape == plain["interior"].shape
    # E|r|(1 + |r|/E|r|)/2 is larger than E|r| by half of the relative variance
    assert size["drawn"] > 1.1 * size["plain"]


def test_gradient_normalised_residuals_are_those_divided(tmp_path):
    def one_stage(*extra):
        config = small("stages.0.iterations=1", "stages.0.warmup.iterations=0", *extra)
        # a second stage's weights of 1e7 would drown the differences below in rounding
        return config.model_copy(update={"stages": config.stages[:1]})

    _, normalised = (
        train(one_stage(*extra), tmp_path / name) for name, extra in (("a", []), ("b", ["stages.0.gradient_scale=0.5"]))
    )
    first = [curve(tmp_path / name)["loss"][0] for name in "ab"]
    assert first[1] < first[0]
    steep = Objective(
        normalised.solution, {"interior": np.array([[0.3, 0.6], [0.5, 0.5]])}, weighing=Weighing(gradient_scale=0.5)
    )
    flat = Objective(normalised.solution, {"interior": np.array([[0.3, 0.6], [0.5, 0.5]])})
    h = 1e-6
    points = np.array([[0.3, 0.6], [0.3 + h, 0.6], [0.3 - h, 0.6], [0.3, 0.6 + h], [0.3, 0.6 - h]])
    u = normalised.solution.evaluate(points)["u"]
    gradient = np.hypot(u[1] - u[2], u[3] - u[4]) / (2 * h)
    ratio = flat.sizes()["interior"][0] / steep.sizes()["interior"][0]
    assert float(ratio) == pytest.approx(np.sqrt(1 + (gradient / 0.5) ** 2), rel=1e-6)


def until(condition, seconds=600.0):  # for what hangs, not for what is slow
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
    return value


def until_state(run_id, state):
    return until(lambda: (job := jobs.status(run_id)).state == state and job)


@pytest.fixture
def none_left():
    """Runs of the queue end with their test."""
    yield
    for job in jobs.queue():
        if not job.ended_for_good:
            jobs.stop(job.run_id, grace_s=0.0)
            until(lambda run_id=job.run_id: jobs.status(run_id).ended_for_good)


def test_killed_and_paused_in_the_queue_a_run_goes_on_with_the_same_curve(tmp_path, none_left):
    run_id = jobs.submit(small("stages.0.iterations=100000", "stages.0.patience=100000"))
    following = jobs.submit(small("stages.0.iterations=1", "stages.1.iterations=1"))
    folder = run_folder(run_id)

    def rows():
        return len(read_history(folder.history).columns.get("iteration", ()))

    until(lambda: rows() > 60)
    os.kill(jobs.status(run_id).pid, signal.SIGKILL)
    assert until_state(run_id, "crashed").reason == "Its process was ended by SIGKILL."
    assert store.get_run(run_id).state == "crashed"
    so_far = rows()
    jobs.resume(run_id)
    assert until_state(following, "finished").has_checkpoint
    assert store.get_run(following).state == "finished"
    assert json.loads((home().run_dir(following) / "exit.json").read_text())["state"] == "finished"

    until(lambda: rows() > so_far + 60)
    assert "resuming stage 1 at iteration" in jobs.tail(run_id, 20)
    jobs.pause(run_id)
    job = until_state(run_id, "paused")
    assert (job.attempt, job.killed) == (2, None)
    assert store.get_run(run_id).state == "paused"
    found = curve(folder.path)
    train(small(f"stages.0.iterations={len(found['loss']) - 40}", "stages.0.patience=100000"), tmp_path / "straight")
    straight = curve(tmp_path / "straight")
    assert_same(found, {name: values[: len(found["loss"])] for name, values in straight.items()})

    readings = MachineReadings(folder.machine)  # its worker sampled the machine meanwhile
    assert readings.update() and set(readings.column("attempt")) == {1, 2}
    assert (readings.column("run_memory_mb") > 10).all()
    assert (folder.machine.name, "") in folder.artifacts()


def ended(folder, *settings):
    config = small(*settings)
    return train(config.model_copy(update={"stages": config.stages[:1]}), folder).records[0].ended


def test_a_stage_that_is_enough_ends_the_run_and_a_resumed_one_too(tmp_path):
    few = ("stages.0.warmup.iterations=0", "stages.0.iterations=2", "stages.1.iterations=2")
    assert len(train(small(*few, "stages.0.enough=1e-30"), tmp_path / "hard").records) == 2
    trainer, said = trained(small(*few, "stages.0.enough=1e3"), tmp_path / "easy")
    assert said[-1] == "the residual of stage 1 is at most 1000: stage 2 is left out"
    outcome = train(trainer.run.config, tmp_path / "easy", resume=True)  # from its last checkpoint
    assert outcome.wanted is None and len(outcome.records) == len(trainer.run.records) == 1


def test_early_stopping_says_which(tmp_path):
    at_once = "stages.0.warmup.iterations=0"
    assert ended(tmp_path / "a", at_once, "stages.0.target_residual=0.5") == "target residual 0.5 reached"
    steps = ("stages.0.optimizer={kind: lbfgs}", at_once, "stages.0.iterations=500")
    stalled = ended(tmp_path / "b", *steps, "stages.0.patience=1")
    assert stalled == "stalled: less than 1 % gained in 1 iterations"
    least = ("network.hidden=[2]", "stages.0.iterations=2000", "stages.0.patience=2000", at_once)
    assert ended(tmp_path / "c", *least) == (
        "no damping decreases the loss any more: the limit of float64 for this network"
    )
    assert ended(tmp_path / "d") == "all iterations done"


def test_stage_two_scales_follow_the_residual(tmp_path):
    outcome = train(
        small("stages.1.fourier.features=120", "stages.1.collocation.points=600", "stages.1.fourier.sigma=measured"),
        tmp_path / "a",
    )
    first, second = outcome.records
    assert second.sigma == pytest.approx(2 * np.pi * second.dominant_frequency)
    assert second.epsilon < first.rms_residual * 1.5 / (2 * np.pi * second.dominant_frequency) ** 2
    assert second.max_residual < 0.1 * first.max_residual
    assert [network.basis is None for network in outcome.solution.networks] == [True, False]


def test_searched_sigma_beats_the_measured_one_and_leaves_no_trace(tmp_path):
    searched = train(features_alone("search"), tmp_path / "searched")
    measured = train(features_alone("measured"), tmp_path / "measured")
    errors = [measure(outcome.solution).relative_l2_error for outcome in (searched, measured)]
    assert errors[0] < 0.1 * errors[1]
    sigma = searched.records[0].sigma
    assert len(sigma) == 2
    given = train(features_alone(list(sigma)), tmp_path / "given")
    np.testing.assert_array_equal(curve(tmp_path / "given")["loss"], curve(tmp_path / "searched")["loss"])
    assert given.records[0].sigma == sigma


def test_a_search_for_sigma_is_seen_stopped_and_taken_up_again(tmp_path, monkeypatch):
    config, told = features_alone("search", features=150), []
    monkeypatch.setattr(
        RunFolder,
        "write_progress",
        lambda self, data, real=RunFolder.write_progress: told.append(data) or real(self, data),
    )
    whole = train(config, tmp_path / "whole")
    tries = [data["done"] for data in told if data["phase"] == "search for σ"]
    assert tries == list(range(len(tries)))
    assert len(tries) > 3
    seen = iter(range(10_000))
    stopped = train(config, tmp_path / "run", wanted=lambda: "stop" if next(seen) == 2 else None)
    assert (stopped.wanted, len(stopped.records), stopped.position.total) == ("stop", 0, 0)
    again = train(config, tmp_path / "run", resume=True)
    assert again.records[0].sigma == whole.records[0].sigma
    assert_same(curve(tmp_path / "whole"), curve(tmp_path / "run"))


def test_fourier_features_alone_reach_machine_precision(tmp_path):
    outcome = train(features_alone("search", features=300, points=1500), tmp_path / "run")
    assert measure(outcome.solution).relative_l2_error < 1e-11


def test_dominant_frequency_of_a_known_residual(tmp_path):
    outcome = train(small(), tmp_path / "a")

    class Known(torch.nn.Module):
        problem, layout, lam = outcome.solution.problem, outcome.solution.layout, None
        features_at = outcome.solution.features_at

        def evaluate(self, points):
            return {"residual_poisson": np.cos(2 * np.pi * 7 * points[:, 0]) * np.cos(2 * np.pi * 7 * points[:, 1])}

    # 7 cycles over the unit interval, which the network sees as [−1, 1]: 3.5 cycles per unit of its input
    assert residual_spectrum(Known()).dominant == pytest.approx(3.5, abs=0.13)


def test_a_next_stage_run_starts_from_its_parent(tmp_path):
    parent = jobs.begin_here(small())
    before = execute(run_folder(parent), 1).measures
    child_config = override(
        resolve("poisson2d"),
        [
            f"parent={parent}",
            "stages=[{fourier: {features: 150}, iterations: 4, optimizer: {kind: gauss_newton, damping: 1.0e-10}}]",
        ],
    )
    child = jobs.begin_here(child_config)
    after = execute(run_folder(child), 1).measures
    assert after.relative_l2_error < 0.3 * before.relative_l2_error
    assert store.get_run(child).parent == parent
    with pytest.raises(LabError, match="same problem"):
        execute(run_folder(jobs.begin_here(override(resolve("poisson3d"), [f"parent={parent}"]))), 1)


def test_a_run_starts_from_its_parent_s_best_checkpoint_and_says_so(tmp_path):
    parent, other = (run_folder(jobs.begin_here(small(*settings))) for settings in ((), ("seed=8",)))
    for folder in (parent, other):
        execute(folder, 1)
    shutil.copyfile(other.last, parent.checkpoints / "best.pt")  # so that best and last surely differ
    for named, used in (("null", parent), ("best", other)):
        config = small(f"parent={parent.run_id}", f"parent_checkpoint={named}")
        child = run_folder(jobs.begin_here(config))
        start = parent_solution(config).state_dict()
        wanted = checkpoints.load(used.last).solution.state_dict()
        assert all(torch.equal(start[name], wanted[name]) for name in wanted)
        facts = record_provenance(child, config)
        assert facts["parent.checkpoint"] == ("best" if named == "best" else "last")
        assert facts["parent.sha256"] == hashlib.sha256(used.last.read_bytes()).hexdigest()
    assert small(f"parent={parent.run_id}").hash != config.hash
    (parent.checkpoints / "best.pt").unlink()
    assert record_provenance(child, config)["parent.checkpoint"] == "last"  # all that is left of it


def test_a_diverging_run_fails_with_one_sentence(tmp_path, monkeypatch):
    config = small("stages.0.optimizer={kind: adam}", "stages.0.warmup.learning_rate=1")

    class Breaks(StageTraining):
        def begin(self):
            wanted = super().begin()
            with torch.no_grad():
                self.run.solution.networks[0].layers[0].weight.fill_(float("nan"))
            return wanted

    monkeypatch.setattr(trainers, "StageTraining", Breaks)
    history = HistoryWriter(tmp_path / "history.arrows", config.problem.row_names)
    trainer = Trainer(config, RunFolder(tmp_path), wanted=lambda: None, history=history, say=lambda line: None)
    with pytest.raises(TrainingError, match="NaN or infinite in stage 1"):
        trainer.train()
    history.close()


def test_looking_at_a_solution_on_the_cpu_leaves_it_on_its_device(tmp_path):
    trainer, _ = trained(small("stages.0.iterations=1", "stages.1.iterations=1"), tmp_path / "run")
    run = trainer.run
    assert on_cpu(run) is run.solution
    run.device = torch.device("cuda")
    assert on_cpu(run).networks[0].layers[0].weight is not run.solution.networks[0].layers[0].weight


def test_fp16_that_overflows_goes_on_in_float64_and_says_so(tmp_path):
    trainer, said = trained(overflowing(), tmp_path / "run")
    assert "the loss stopped being finite in amp-fp16; going on in float64" in said
    assert trainer.effective_config()["stages"][0]["precision"] == "float64"
    loss = curve(tmp_path / "run")["loss"]
    assert not np.isfinite(loss[:25]).any()
    assert np.isfinite(loss[25:]).all()


def as_on_a_gpu(monkeypatch):
    """First-order phases take the step that a GPU records, here kernel by kernel; returns how many were begun."""
    begun = []
    monkeypatch.setattr(step, "RECORDS_ON", "cpu")
    monkeypatch.setattr(AdamStep, "record", lambda self: begun.append(self))
    return begun


BY_ADAM = ("stages.0.optimizer={kind: adam}", "stages.0.iterations=130", "stages.0.warmup.iterations=130")


def by_adam(*settings, preset="poisson2d"):
    config = small(*BY_ADAM, *settings, preset=preset)
    return config.model_copy(update={"stages": config.stages[:1]})


RELEASED = ("lambda.mode=trainable", "lambda.release_after=40")


@pytest.mark.parametrize(
    ("preset", "settings", "recordings"),
    [
        ("poisson2d", (), 2),
        ("poisson2d", ("stages.0.collocation.resample_every=100",), 3),
        ("poisson2d", ("stages.0.collocation.resample_every=99",), 0),
        ("burgers-profile", RELEASED, 3),
    ],
)
def test_the_step_that_a_gpu_records_trains_alike_and_is_resumed(tmp_path, monkeypatch, preset, settings, recordings):
    config = by_adam(*settings, preset=preset)
    train(config, tmp_path / "singly")
    begun = as_on_a_gpu(monkeypatch)
    train(config, tmp_path / "recorded")
    assert len(begun) == recordings
    names = ("iteration", "loss", "max_residual", "rms_residual", "lambda")
    singly, recorded = (curve(tmp_path / name, names) for name in ("singly", "recorded"))
    for name, values in singly.items():
        np.testing.assert_allclose(recorded[name], values, rtol=1e-6, err_msg=name)
    seen = iter(range(10_000))
    assert train(config, tmp_path / "broken", lambda: "pause" if next(seen) == 200 else None).wanted == "pause"
    train(config, tmp_path / "broken", resume=True)
    assert_same(recorded, curve(tmp_path / "broken", names))


@pytest.mark.skipif(torch.cuda.is_available(), reason="here recording succeeds")
def test_a_step_that_can_not_be_recorded_is_said_once_and_trains_all_the_same(tmp_path, monkeypatch):
    config = by_adam("stages.0.collocation.resample_every=100")
    train(config, tmp_path / "plain")
    monkeypatch.setattr(step, "RECORDS_ON", "cpu")
    _, said = trained(config, tmp_path / "tried")
    assert len([line for line in said if "launched one by one, since recording them failed: torch.cuda" in line]) == 1
    assert_same(curve(tmp_path / "plain"), curve(tmp_path / "tried"))


TOO_LARGE = ("network.hidden=[4096, 4096]", "stages.0.collocation.points=100000", "stages.0.warmup.iterations=0")


def test_a_jacobian_too_large_is_refused_before_it_is_allocated(command_line):
    done = command_line("train", "poisson2d", *(part for setting in TOO_LARGE for part in ("--set", setting)))
    assert done.returncode == 1
    *log, last = done.stderr.strip().splitlines()
    assert re.fullmatch(
        r"error: A 100000 × \d+ Jacobian .* GiB .* What would fit: .* conjugate_gradient stores no Jacobian\.", last
    )
    assert any(line.startswith("Traceback") for line in log)
    (job,) = jobs.queue()
    assert job.state == store.get_run(job.run_id).state == "failed"
    assert job.reason == last.removeprefix("error: ")
    again = jobs.begin_here(small("stages.0.iterations=1", "stages.1.iterations=1"))
    execute(run_folder(again), 1)  # the store is whole
    assert sorted(job.state for job in jobs.queue()) == ["failed", "finished"]


def test_the_log_of_a_queued_run_tells_why_it_failed(none_left):
    run_id = jobs.submit(small(*TOO_LARGE))
    job, log = until_state(run_id, "failed"), jobs.logs(run_id, 0)[0].decode()
    assert "Traceback (most recent call last)" in log
    assert log.strip().splitlines()[-1] == f"error: {job.reason}"


@pytest.mark.parametrize("precision", ["float32", "tf32", "amp-fp16", "amp-bf16", "float64"])
def test_first_order_stages_in_every_precision(tmp_path, precision):
    config = small(
        "stages.0.optimizer={kind: adam, learning_rate: 0.003}",
        "stages.0.iterations=150",
        f"stages.0.precision={precision}",
    )
    outcome = train(config, tmp_path / precision)
    loss = curve(tmp_path / precision)["loss"]
    assert loss[150] < 0.5 * loss[0]
    assert next(outcome.solution.parameters()).dtype == torch.float64


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "no-such-preset"),
        ("train", "poisson2d-quick", "--set", "stages.0.iterations=-4"),
        ("train", "poisson2d-quick", "--set", "problem.radius=1"),
        ("train", "poisson2d-quick", "--set", "stages=[]"),
        ("train", "poisson2d-quick", "--set", "device=cuda:7"),
        ("train", "missing.yaml"),
        ("status", "f" * 32),
        ("stop", "f" * 32),
        ("export", "f" * 32, "-o", "x.vtu"),
        ("replay", "f" * 32),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line_and_exit_code_2(command_line, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command_line(*arguments)
    assert done.returncode == 2, done
    assert done.stderr.startswith("error: "), done
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not list(home().runs.glob("*"))


def test_exit_codes_are_the_process_s_too(tmp_path):
    bad_home = tmp_path / "file"
    bad_home.write_text("")
    for name, lab_home in (("no-such-preset", tmp_path / "lab"), ("poisson2d-quick", bad_home)):
        done = subprocess.run(
            [sys.executable, "-m", "core", "train", name],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=os.environ | {"LAB_HOME": str(lab_home)},
        )
        assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done


def test_interrupting_a_run_in_the_terminal_stops_it_with_a_checkpoint(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "train", "poisson2d", "--set", "stages.0.iterations=100000",
         "--set", "stages.0.patience=100000", "--json", str(tmp_path / "o.json")],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    run_id = process.stdout.readline().split()[1]
    until(lambda: (run_folder(run_id).progress() or {}).get("total_iterations", 0) >= 120)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads((tmp_path / "o.json").read_text())["state"] == "stopped"
    assert jobs.status(run_id).state == "stopped"
    assert jobs.status(run_id).has_checkpoint
