"""The store's two readers: the SQLite file's and the one through MLflow's client, which serves all other stores."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from mlflow.entities import Metric, Param

from benchmarks.bulk_store import bulk
from core.errors import RunNotFoundError, StoreError
from core.home import home
from core.names import mlflow_keys, mlflow_tags
from core.runs import run_folder
from core.tracking import store
from core.tracking.store.mlflow_reader import MlflowReader
from core.tracking.store.postgres_reader import PostgresReader
from core.tracking.store.reader import reader
from core.tracking.store.sqlite_reader import SqliteReader
from tests.unit.test_names import HOSTILE, SETS

ODD = (1.0, math.inf, math.nan, -3.0, -math.inf, 2.0)


@pytest.fixture(params=["sqlite", "postgres"])
def runs(request):
    """Runs of every kind in either database, one with values that none keeps as they are, one deleted."""
    if request.param == "postgres":
        request.getfixturevalue("database")
    ids = bulk(30)
    store.client().log_batch(ids[0], [Metric("odd", value, 1000 + step, step) for step, value in enumerate(ODD)])
    store.client().delete_run(ids[1])
    return ids


def test_both_readers_tell_the_same(runs):
    ours, theirs = reader(), MlflowReader()
    assert isinstance(ours, PostgresReader if home().database else SqliteReader)
    assert ours.metric_names() == theirs.metric_names()
    assert sorted(ours.heads()) == sorted(theirs.heads())
    assert len(ours.heads()) == 29
    for metric in ("odd", "max_residual", "train_loss", "nothing"):
        for how in ("last", "min", "max", "at-checkpoint"):
            found = ours.values(metric, how)
            found.pop(runs[1], None)  # deleted
            np.testing.assert_equal(found, theirs.values(metric, how), f"{metric}, {how}")
    for run_id in runs[:3]:
        np.testing.assert_equal(
            [(*row[:3], float(row[3]) if not row[4] else 0.0, bool(row[4])) for row in ours.history(run_id)],
            [(*row[:3], float(row[3]) if not row[4] else 0.0, bool(row[4])) for row in theirs.history(run_id)],
        )


def test_a_store_that_is_no_file_here_is_read_by_mlflow(runs, monkeypatch):
    expected = store.runs(), store.heads(), store.metric_names(), store.metric_history(runs[0])
    monkeypatch.setattr("core.tracking.store.records.reader", MlflowReader)
    monkeypatch.setattr("core.tracking.store.metrics.reader", MlflowReader)
    np.testing.assert_equal([vars(record) for record in store.runs()], [vars(record) for record in expected[0]])
    assert sorted(store.heads(), key=str) == sorted(expected[1], key=str)
    assert store.metric_names() == expected[2]
    np.testing.assert_equal(store.metric_history(runs[0]), expected[3])


@settings(deadline=None, max_examples=6)
@given(SETS)
@example(list(HOSTILE))
def test_metrics_of_any_name_come_back_under_it(given_names):
    """Through the database, whose keys are another program's."""
    lab = store.client()
    experiment = lab.get_experiment_by_name(store.EXPERIMENT).experiment_id
    keys = mlflow_keys(given_names)
    run_id = lab.create_run(experiment, tags=mlflow_tags(keys)).info.run_id
    numbers = {name: float(k) for k, name in enumerate(given_names)}
    lab.log_batch(
        run_id,
        [Metric(keys[name], value + 10 * step, step, step) for name, value in numbers.items() for step in (0, 1)],
        [Param(key, name) for name, key in keys.items()],
    )
    record = store.get_run(run_id)
    assert record.metrics == {name: value + 10 for name, value in numbers.items()}
    assert record.params == {name: name for name in given_names}
    assert next(found for found in store.runs() if found.run_id == run_id) == record
    curves = store.metric_history(run_id)
    for name, value in numbers.items():
        assert list(curves[name][2]) == [value, value + 10]
        for how, step in (("last", 1), ("max", 1), ("min", 0)):
            assert store.values(name, how)[run_id] == (value + 10 * step, step)
    assert set(given_names) <= set(store.metric_names())
    for name in given_names[:3]:
        assert MlflowReader().values(name, "max")[run_id] == reader().values(name, "max")[run_id]
    assert {*MlflowReader().name_tags()} == {*reader().name_tags()}


def test_a_run_that_is_not_there_and_a_store_that_fails_are_told_apart(runs, monkeypatch):
    gone = "0" * 32
    for ask in (
        lambda: store.get_run(gone),
        lambda: store.set_tag(gone, "a", "b"),
        lambda: store.set_state(gone, "failed"),
        lambda: MlflowReader().history(gone),
        lambda: store.artifact(run_folder(gone), "config.json"),
    ):
        with pytest.raises(RunNotFoundError):
            ask()
    from mlflow.exceptions import MlflowException

    def refuse(*_, **__):
        raise MlflowException("disk I/O error\nand a page of SQL")

    monkeypatch.setattr(store.client(), "search_runs", refuse)
    with pytest.raises(StoreError, match=r"did not answer: disk I/O error$"):
        MlflowReader().runs(10)
