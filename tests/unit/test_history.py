"""The history file: written in batches, read with a cursor, mended after a crash; curves thinned honestly."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.runs.curves import RunCurves, attempts, bucket
from core.runs.history import HistoryWriter, read_history
from core.tracking.curves import StoredCurves


def rows(writer, first, last):
    for i in range(first, last):
        writer.append(iteration=i, stage=0, phase=1, loss=torch.tensor(1.0 / (i + 1)), max_residual=2.0 / (i + 1))


def test_readers_take_only_what_is_new(tmp_path):
    path = tmp_path / "history.arrows"
    assert read_history(path).columns == {}
    writer = HistoryWriter(path, ("poisson",))
    rows(writer, 0, 10)
    writer.flush()
    part = read_history(path)
    assert part.columns["iteration"].tolist() == list(range(10))
    assert part.columns["loss"][3] == 0.25
    assert np.isnan(part.columns["damping"]).all()
    assert read_history(path, part.cursor).columns == {}
    rows(writer, 10, 15)
    writer.close()
    later = read_history(path, part.cursor)
    assert later.columns["iteration"].tolist() == list(range(10, 15))
    assert not later.restarted


def test_numbers_and_tensors_of_any_dtype_keep_their_order(tmp_path):
    writer = HistoryWriter(tmp_path / "h.arrows", ())
    values = [0.1, torch.tensor(0.1), torch.tensor(0.1, dtype=torch.float64), torch.tensor(0.5), 7, torch.tensor(3)]
    for i, value in enumerate(values):
        writer.append(iteration=i, stage=0, phase=1, loss=value)
    writer.close()
    loss = read_history(tmp_path / "h.arrows").columns["loss"]
    assert loss.tolist() == [0.1, float(np.float32(0.1)), 0.1, 0.5, 7.0, 3.0]


def test_the_file_is_a_plain_arrow_stream(tmp_path):
    writer = HistoryWriter(tmp_path / "h.arrows", ())
    rows(writer, 0, 4)
    writer.flush()
    rows(writer, 4, 6)
    writer.close()
    with pa.ipc.open_stream(tmp_path / "h.arrows") as stream:
        assert stream.read_all().num_rows == 6


@pytest.mark.parametrize("cut", [1, 7, 64, 200])
def test_a_batch_cut_off_by_a_crash_is_ignored_and_overwritten(tmp_path, cut):
    path = tmp_path / "h.arrows"
    writer = HistoryWriter(path, ())
    rows(writer, 0, 5)
    writer.flush()
    whole = path.stat().st_size
    rows(writer, 5, 50)
    writer.close()
    data = path.read_bytes()
    path.write_bytes(data[: min(whole + cut, len(data) - 1)])
    cursor = read_history(path).cursor
    assert cursor.offset == whole
    again = HistoryWriter(path, ())
    assert again.rows == 5
    rows(again, 5, 8)
    again.close()
    assert read_history(path).columns["iteration"].tolist() == list(range(8))
    assert read_history(path, cursor).columns["iteration"].tolist() == [5, 6, 7]


def test_truncating_to_a_checkpoint_makes_readers_start_over(tmp_path):
    path = tmp_path / "h.arrows"
    writer = HistoryWriter(path, ("a",))
    rows(writer, 0, 30)
    writer.flush()
    curves = RunCurves(path)
    assert curves.update()
    assert len(curves.column("loss")) == 30
    writer.truncate(12)
    assert writer.rows == 12
    rows(writer, 12, 14)
    writer.close()
    assert curves.update()
    assert curves.column("iteration").tolist() == list(range(14))
    assert not curves.update()
    assert curves.stage_starts() == [(0, 0.0)]


@given(
    st.lists(st.one_of(st.floats(-5, 5), st.just(float("nan")), st.just(float("inf"))), min_size=1, max_size=400),
    st.booleans(),
)
def test_thinning_keeps_every_extreme(values, log):
    y = np.array(values)
    curve = bucket(np.arange(1, len(y) + 1), y, 40, log=log)
    shown = y[np.isfinite(y) & ((y > 0) if log else True)]
    assert curve.total == len(y)
    assert len(curve.not_finite) == (~np.isfinite(y)).sum()
    if len(shown):
        assert curve.y.min() == shown.min()
        assert curve.y.max() == shown.max()
        assert curve.y[-1] == shown[-1]
    assert curve.shown <= 44
    assert not log or curve.not_positive == (np.isfinite(y) & (y <= 0)).sum()
    assert (np.diff(curve.x) > 0).all()


def test_thinned_points_stay_where_they_are_while_the_curve_grows():
    rng = np.random.default_rng(0)
    x, y = np.arange(40_000.0), rng.random(40_000)
    before, after = bucket(x[:39_000], y[:39_000], 1000), bucket(x, y, 1000)
    early = before.x[before.x < 38_000]
    assert np.isin(early, after.x).all()


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(1e-9, 1e9)), min_size=1, max_size=400),
    st.integers(4, 60),
    st.booleans(),
)
def test_thinning_gives_at_most_as_many_points_as_asked_for_in_any_order(points, limit, log_x):
    x, y = (np.array(part) for part in zip(*points, strict=True))
    curve = bucket(x, y, limit, log=True, log_x=log_x)
    usable = x > 0 if log_x else np.ones(len(x), dtype=bool)
    assert curve.shown == len(curve.x) == min(curve.shown, limit)
    assert (np.diff(curve.x) >= 0).all()
    assert curve.not_positive == (~usable).sum()
    if usable.any():
        assert (curve.y.min(), curve.y.max()) == (y[usable].min(), y[usable].max())
        assert (curve.x[0], curve.x[-1]) == (x[usable].min(), x[usable].max())
        assert (usable.sum() > limit) or curve.shown == usable.sum()


def stored(rows):
    """Curves as MLflow has them, of one metric: (step, seconds, value) in any order."""
    curves = StoredCurves("0" * 32)
    curves._series = {"loss": tuple(np.array(column, dtype=float) for column in zip(*sorted(rows), strict=True))}
    return curves


def test_a_resumed_run_is_in_the_order_of_the_axis_shown_and_its_last_attempt_holds():
    first = [(k, k, 1.0 + k) for k in range(51)]
    second = [(k, 100 + k, 2.0 + k) for k in range(40, 61)]
    third = [(k, 300 + k, 3.0 + k) for k in range(55, 91)]
    curves = stored(first + second + third)
    for axis, start in (("iteration", 0), ("wall_time_s", 300)):
        x, y = curves.points("loss", axis)
        assert (np.diff(x) > 0).all()
        assert y.tolist() == [1.0 + k for k in range(40)] + [2.0 + k for k in range(40, 55)] + [
            3.0 + k for k in range(55, 91)
        ]
        assert x[-1] == start + 90
        gone = curves.superseded("loss", axis)
        assert [part[1].tolist() for part in gone] == [
            [1.0 + k for k in range(40, 51)],
            [2.0 + k for k in range(55, 61)],
        ]
        assert all((np.diff(part[0]) > 0).all() for part in gone)


def test_a_resumed_run_that_was_thinned_to_other_steps_is_two_segments():
    first = [(k, k, 1.0 + k) for k in range(0, 100, 10)]
    second = [(k, 500 + k, 200.0 + k) for k in range(55, 200, 10)]
    third = [(k, 900 + k, 400.0 + k) for k in range(22, 90, 10)]
    curves = stored(first + second + third)
    for axis in ("iteration", "wall_time_s"):
        x, y = curves.points("loss", axis)
        assert (np.diff(x) > 0).all()
        assert y.tolist() == [1.0, 11.0, 21.0] + [value for *_, value in third]
        gone = [part[1].tolist() for part in curves.superseded("loss", axis)]
        assert gone == [[value for k, _, value in rows if k >= 22] for rows in (first, second)]


def test_steps_of_several_threads_are_no_resume():
    rng = np.random.default_rng(0)
    step = np.argsort(np.arange(3000) + rng.uniform(0, 4, 3000))
    found = attempts(step.astype(float), rng.random(3000))
    assert found.in_force.all()


def test_positions_beyond_the_precision_of_their_buckets_are_thinned():
    x = 1e18 + 128.0 * np.arange(300)
    for log_x in (False, True):
        curve = bucket(x, np.arange(300.0), 20, log_x=log_x)
        assert len(curve.x) <= 20
        assert (curve.x[0], curve.x[-1], curve.y.max()) == (x[0], x[-1], 299)


def test_points_that_were_added_late_are_no_resume():
    rows = [(k, k, 100.0 - k) for k in range(0, 100, 5)]
    late = [(2, 60, 1e3), (3, 61, 1e4), (5, 62, 95.0)]  # two that had been left out, and one that had not
    curves = stored(rows + late)
    x, y = curves.points("loss")
    assert x.tolist() == sorted([k for k, *_ in rows] + [2, 3])
    assert len(y) == 22
    assert curves.superseded("loss") == []


def test_all_points_at_one_step_stay_and_nothing_is_nothing():
    curves = stored([(0, k, 1.0) for k in range(30)])
    assert len(curves.points("loss")[0]) == 30
    assert curves.points("loss", "wall_time_s")[0].tolist() == list(range(30))
    assert curves.superseded("loss") == curves.superseded("none") == []
    assert len(curves.points("none")[0]) == 0
