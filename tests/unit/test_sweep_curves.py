"""A trial's curve as pruning sees it: the least residual at places along its iterations, warm-ups left out."""

import math

from core.presets import presets
from core.runs.history import MAIN, WARMUP, HistoryWriter
from core.sweeps.runs import Curve, config_of_trial, iterations_of
from core.sweeps.sweep import plan


def write(path, rows):
    writer = HistoryWriter(path, ("poisson",))
    for k, (phase, residual) in enumerate(rows, start=1):
        writer.append(iteration=k, stage=0, phase=phase, max_residual=residual)
    writer.close()


def test_places_are_passed_by_iterations_without_warm_up_and_hold_the_least_so_far(tmp_path):
    path = tmp_path / "history.arrows"
    write(path, [(WARMUP, 9.0)] * 50 + [(MAIN, 4.0), (MAIN, 2.0)])
    curve = Curve(iterations=4, steps=4)
    curve.read(path)
    assert curve.passed == {1: 4.0, 2: 2.0} and (curve.at, curve.best) == (2, 2.0)
    write(path, [(MAIN, 3.0), (MAIN, math.nan)])
    curve.read(path)
    assert curve.passed == {1: 4.0, 2: 2.0, 3: 2.0, 4: 2.0}


def test_a_run_that_needed_fewer_iterations_has_passed_all_places_once_it_is_finished(tmp_path):
    path = tmp_path / "history.arrows"
    write(path, [(WARMUP, 9.0), (MAIN, 1.0)])
    curve = Curve(iterations=2, steps=20)
    curve.read(path)
    assert set(curve.passed) == set(range(1, 11))
    curve.finish()
    assert curve.passed == dict.fromkeys(range(1, 21), 1.0)


def test_a_resumed_run_whose_history_was_cut_begins_its_curve_anew(tmp_path):
    path = tmp_path / "history.arrows"
    write(path, [(MAIN, 4.0), (MAIN, 1e-9)])
    curve = Curve(iterations=2, steps=2)
    curve.read(path)
    writer = HistoryWriter(path, ("poisson",))
    writer.truncate(1)
    writer.append(iteration=2, stage=0, phase=MAIN, max_residual=3.0)
    writer.close()
    curve.read(path)
    assert curve.passed == {1: 4.0, 2: 3.0}


def test_a_trial_is_named_by_the_sweep_its_number_and_what_it_tries():
    config = presets()["poisson2d-quick"].config
    sweep = plan(config, {"network.hidden.0": "4..40", "stages.0.optimizer.damping": "1e-8..1 log"}, name="width")
    made = config_of_trial(config, sweep, 6, {"network.hidden.0": "7", "stages.0.optimizer.damping": "1.23456789e-05"})
    assert made.name == "width 7 hidden.0=7 damping=1.235e-05"
    assert made.network.hidden[0] == 7 and made.stages[0].optimizer.damping == 1.23456789e-05
    assert iterations_of(made) == config.stages[0].iterations
