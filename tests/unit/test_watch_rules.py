"""Rules on a run's curve: what they find in a history, and what is none of their business."""

import itertools
import math

import numpy as np
import pytest

from core.config import RunConfig
from core.problems.burgers_profile import BurgersProfile
from core.rules import DiskLow, Diverged, Drifting, Failed, MemoryLow, Stalled
from core.runs import RunFolder
from core.runs.history import MAIN, WARMUP, HistoryWriter
from core.watchers import machine, watched_run
from core.watchers.rules_in_force import key_of, rules_in_force
from core.watchers.watched_run import Attempt, WatchedRun

CONFIG = RunConfig(problem={"kind": "poisson2d"}, device="cpu").model_dump(mode="json", by_alias=True)


def changed(**stage):
    """The config with one stage changed."""
    return CONFIG | {"stages": [CONFIG["stages"][0] | stage]}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / ("a" * 32)
    path.mkdir()
    return RunFolder(path)


class Lab:
    """A run's history that grows, and rules that look at it."""

    def __init__(self, folder, *rules, config=CONFIG, number=1, problem=None, fired=(), on_cpu=True, started=None):
        attempt = Attempt(folder, number, None, started, on_cpu, problem)
        self.watched = WatchedRun(
            attempt, config, {key_of(rule): rule for rule in rules}, frozenset(map(key_of, fired))
        )
        self.folder = folder
        self.writer = HistoryWriter(folder.history, ("pde",))
        self.iteration = itertools.count(self.writer.rows + 1)
        self.wall = 0.0

    def add(self, *losses, stage=0, phase=MAIN, every_s=1.0, lams=None):
        for k, loss in enumerate(losses):
            self.wall += every_s
            extra = {} if lams is None else {"lambda": lams[k]}
            iteration = next(self.iteration)
            self.writer.append(iteration=iteration, stage=stage, phase=phase, wall_time_s=self.wall, loss=loss, **extra)
        self.writer.flush()
        return self

    def said(self, last=False):
        return [finding.why for finding in self.watched.look(last)]


def test_a_loss_far_above_its_best_is_said_with_its_figures(folder):
    lab = Lab(folder, Diverged())
    assert lab.add(100.0, 27.0, 30.0, 26_000.0).said() == []
    assert lab.add(3.24e4, 5.0).said() == ["the loss 3.2e4 is 1,200 times its best 2.7e1 at iteration 5"]


@pytest.mark.parametrize("value, word", [(math.nan, "NaN"), (math.inf, "infinite"), (-math.inf, "infinite")])
@pytest.mark.parametrize("before", [[], [1.0], [0.0], [-1.0, -2.0]])
def test_a_loss_that_is_not_finite_is_said_wherever_it_stands(folder, value, word, before):
    lab = Lab(folder, Diverged(factor=1e300)).add(*before, value)
    assert lab.said() == [f"the loss became {word} at iteration {len(before) + 1}"]


def test_a_spike_is_not_missed_however_many_rows_are_read_at_once(folder):
    losses = np.full(20_000, 1.0)
    losses[12_345] = 2e3
    assert Lab(folder, Diverged()).add(*losses).said() == [
        "the loss 2.0e3 is 2,000 times its best 1.0e0 at iteration 12,346"
    ]


@pytest.mark.parametrize(
    "losses",
    [
        [],
        [5.0],
        [0.0, 0.0],
        [0.0, 1e-30],
        [1e-32, 1e-29, 1e-31],
        [-5.0, 3.0, -6.0],
        [1e-300, 1e-29],
        [1e300, 1e302],
        [1e-3, 0.9],
        list(np.geomspace(1e8, 1e-8, 50)),
    ],
)
def test_what_is_no_divergence(folder, losses):
    assert Lab(folder, Diverged()).add(*losses).said() == []


@pytest.mark.parametrize("losses", [[0.0, 1e-3], [-5.0, 6e3], [1e-30, 1.0], [1e-300, 1e300]])
def test_losses_without_multiples_diverge_too(folder, losses):
    assert "far above its best" in Lab(folder, Diverged()).add(*losses).said()[0]


def test_a_new_stage_and_a_new_phase_have_a_scale_of_their_own(folder):
    lab = Lab(folder, Diverged(), Stalled(minutes=1.0))
    lab.add(1.0, 1e-9, phase=WARMUP).add(1.0, 1e-20).add(1e-3, 0.5, stage=1, phase=WARMUP).add(1e3, stage=1)
    assert lab.said() == []
    assert len(lab.add(1e7, stage=1).said()) == 1


def test_points_that_are_drawn_anew_have_a_scale_of_their_own(folder):
    config = changed(collocation={"points": 50, "resample_every": 3})
    lab = Lab(folder, Diverged(), config=config)
    assert lab.add(1e-9, 1e-9, 1e-20, 1.0, 1.0, 1e-20, 5.0).said() == []  # drawn after 3 and 6 iterations
    assert len(lab.add(1e4).said()) == 1


def test_each_lambda_of_a_funnel_has_a_scale_of_its_own(folder):
    config = CONFIG | {"lambda": {"mode": "funnel"}}
    lab = Lab(folder, Diverged(), config=config)
    assert lab.add(1.0, 1e-12, 1.0, 1e-12, lams=[0.5, 0.5, 0.6, 0.6]).said() == []
    assert len(lab.add(1.0, lams=[0.6]).said()) == 1
    other = Lab(RunFolder(folder.path), Diverged())
    assert len(other.said()) == 1  # without a funnel the same curve has diverged


def test_what_reduced_precision_mends_itself_is_no_divergence(folder):
    config = changed(warmup={"iterations": 100, "precision": "amp-bf16"})
    lab = Lab(folder, Diverged(), config=config).add(1.0, *[math.nan] * 20, phase=WARMUP)
    assert lab.said() == []
    assert lab.add(0.9, phase=WARMUP).said() == []
    assert lab.add(*[math.inf] * 40, phase=WARMUP).said() == ["the loss became infinite at iteration 23"]


def test_in_reduced_precision_the_last_rows_count_once_nothing_follows(folder, monkeypatch):
    config = changed(warmup={"iterations": 100, "precision": "amp-bf16"})
    lab = Lab(folder, Diverged(), config=config).add(1.0, math.nan, phase=WARMUP)
    assert lab.said() == []
    assert lab.said(last=True) == ["the loss became NaN at iteration 2"]
    monkeypatch.setattr(watched_run, "QUIET_S", -1.0)
    assert lab.said() == ["the loss became NaN at iteration 2"]


@pytest.mark.parametrize("chunks", [1, 3, 100])
def test_reading_in_parts_or_at_once_finds_the_same(folder, chunks):
    rng = np.random.default_rng(1)
    losses = np.exp(rng.normal(size=300).cumsum() * 0.8)
    lab, said = Lab(folder, Diverged(factor=50)), []
    for part in np.array_split(losses, chunks):
        said = said or lab.add(*part).said()
    best = np.minimum.accumulate(losses)
    first = int(np.argmax(losses > 50 * best)) + 1
    assert said[0].endswith(f"at iteration {first:,}")


def test_a_resumed_run_is_held_against_its_cut_history_and_its_own_rows(folder):
    lab = Lab(folder, Diverged()).add(1.0, 0.5, 1e-8, math.nan)
    assert len(lab.said()) == 1
    lab.writer.truncate(2)
    again = Lab(folder, Diverged(), number=2)
    again.writer = lab.writer
    assert again.said() == []
    assert again.add(300.0).said() == []  # 1e-8 was cut off
    assert len(again.add(600.0).said()) == 1


def test_rows_of_an_earlier_attempt_are_a_measure_and_no_finding(folder):
    lab = Lab(folder, Diverged()).add(1.0, math.nan, 2e3, 1.0)
    lab.writer.truncate(4)
    again = Lab(folder, Diverged(), number=2)
    again.writer = lab.writer
    assert again.add(1.0).said() == []
    assert len(again.add(2e3).said()) == 1


def test_who_resumes_a_run_that_had_diverged_is_not_told_the_same_at_once(folder):
    lab = Lab(folder, Diverged()).add(1e-6, 1.0)
    lab.writer.truncate(2)
    again = Lab(folder, Diverged(), number=2, fired=[Diverged()])
    again.writer = lab.writer
    assert again.add(1.0, 2.0).said() == []
    assert len(again.add(2e3).said()) == 1


def test_the_file_that_an_earlier_attempt_left_is_not_taken_for_this_ones(folder):
    lab = Lab(folder, Diverged())
    lab.writer.truncate(0)
    lab.add(1.0, math.nan)
    began = HistoryWriter(folder.history, ("pde",))._begun.time
    again = Lab(folder, Diverged(), number=2, started=began + 1)
    assert again.said() == []
    again.writer.truncate(1)
    again.add(math.nan)
    object.__setattr__(again.watched._attempt, "started", began)
    assert again.said() == ["the loss became NaN at iteration 3"]


def test_a_loss_that_falls_too_slowly_has_stalled(folder):
    lab = Lab(folder, Stalled(factor=2, minutes=1))
    assert lab.add(*[8.0] * 30).said() == []
    assert lab.add(5.0, *[9.0] * 29).said() == []  # 59 s since the first
    assert lab.add(4.9).said() == ["the best loss fell by no more than a factor of 1.63 in 1 min of training: "
                                   "it is 4.9e0 at iteration 61"]  # fmt: skip


def test_a_loss_that_falls_has_not_stalled_and_one_that_did_not_fall_says_so(folder):
    lab = Lab(folder, Stalled(factor=2, minutes=1))
    for k in range(6):
        assert lab.add(*[2.0**-k] * 50).said() == []
    assert "did not fall" in lab.add(*[1.0] * 100).said()[0]


@pytest.mark.parametrize("loss", [0.0, -1.0, math.nan])
def test_a_loss_that_has_no_factors_does_not_stall(folder, loss):
    assert Lab(folder, Stalled(minutes=0.1)).add(*[loss] * 50).said() == []


def test_minutes_are_those_of_training_over_a_pause(folder):
    lab = Lab(folder, Stalled(minutes=1)).add(*[1.0] * 40)
    lab.writer.truncate(40)
    again = Lab(folder, Stalled(minutes=1), number=2)
    again.writer, again.wall = lab.writer, lab.wall
    assert again.add(*[1.0] * 15).said() == []
    assert len(again.add(*[1.0] * 10).said()) == 1


def test_a_run_that_writes_nothing_has_stalled(folder, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(watched_run.time, "monotonic", lambda: now[0])
    folder.write_progress({"phase": "main", "stage": 0, "stages": 1, "done": 1, "of": 9, "unit": "iteration",
                           "fraction": 0.1, "eta_s": None})  # fmt: skip
    lab = Lab(folder, Stalled(minutes=2))
    lab.add(1.0)
    assert lab.said() == []
    now[0] += 119
    assert lab.said() == []
    now[0] += 2
    assert lab.said() == ["nothing was written for 2 min, in the phase main"]


def test_lambda_that_settles_at_another_order_drifts(folder):
    problem = BurgersProfile(order=1)  # λ = 1/4; order 0 has 1/2
    lab = Lab(folder, Drifting(), problem=problem)
    assert lab.add(*[1.0] * 4, lams=[0.3, 0.4, 0.48, 0.4999]).said() == []
    said = lab.add(*[1.0] * 2, lams=[0.4999, 0.50001]).said()
    assert said == ["λ is 0.50001 at iteration 6, near that of the known profile of order 0, 0.5"]


@pytest.mark.parametrize("lams", [[0.25] * 9, [0.3, 0.4999, 0.6, 0.4999, 0.3], [0.5] * 20, [math.nan] * 5])
def test_lambda_that_passes_by_or_is_held_there_does_not(folder, lams):
    assert Lab(folder, Drifting(), problem=BurgersProfile(order=1)).add(*[1.0] * len(lams), lams=lams).said() == []


def test_own_lambda_is_never_another_orders(folder):
    problem = BurgersProfile(order=4)
    lams = np.linspace(0.099, 0.1, 30)
    lab = Lab(folder, Drifting(tolerance=0.5), problem=problem)
    assert lab.add(*[1.0] * 30, lams=lams).said() == []


def test_memory_and_disk_near_their_end(folder, monkeypatch):
    monkeypatch.setattr(machine.resources, "disk_free", lambda path: 900 * 2**20)
    monkeypatch.setattr(machine.resources, "memory", lambda: machine.resources.Memory(2**30, 32 * 2**30))
    lab = Lab(folder, DiskLow(), MemoryLow(), DiskLow(free_mb=500), MemoryLow(free=0.01))
    assert lab.said() == [
        "900 MB are free on the disk of the lab home",
        "3.1% of the memory of the machine is free, 1.00 of 32.00 GB",
    ]


def test_memory_of_the_gpu(folder, monkeypatch):
    monkeypatch.setattr(machine.resources, "memory", lambda: machine.resources.Memory(2**30, 2**30))
    folder.machine.write_text("time,attempt,gpu_memory_used_mb,gpu_memory_total_mb\n1,1,100,8192\n2,1,8100,8192\n3,1,")
    assert "of its GPU is free, 0.09 of 8.00 GB" in Lab(folder, MemoryLow()).said()[0]
    assert Lab(folder, MemoryLow(), number=2, started=None).said() == []  # an earlier attempt's


@pytest.mark.parametrize("data", [b"", b"no history", b"\xff\xff\xff\xff" * 50])
def test_a_history_that_is_none_has_no_findings(folder, data):
    folder.history.write_bytes(data)
    attempt = Attempt(folder, 1, None, None, True, None)
    assert WatchedRun(attempt, CONFIG, {"x": Diverged()}, frozenset()).look() == []


def test_a_finding_stays_until_it_is_done_with(folder):
    lab = Lab(folder, Diverged(), Diverged(factor=10)).add(1.0, 50.0)
    assert len(lab.said()) == 1
    assert len(lab.add(1.0, math.nan).said()) == 2
    for finding in lab.watched.look():
        lab.watched.done(finding.key)
    assert lab.add(math.nan).said() == []


def test_rules_of_run_and_lab_are_asked_once():
    config = {"watch": [{"kind": "diverged", "stop": True, "tell": ["a"]}, {"kind": "failed", "tell": ["a"]}]}
    found = rules_in_force(config, [Diverged(tell=("b",)), Diverged(factor=7), Failed()])
    assert list(found.values()) == [Diverged(stop=True, tell=("a", "b")), Failed(), Diverged(factor=7)]
    assert rules_in_force(None, []) == {}
    with pytest.raises(ValueError, match="can't be used"):
        rules_in_force({"watch": [{"kind": "nonsense"}]}, [])
