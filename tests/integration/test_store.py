"""The store's two readers: the SQLite file's and the one through MLflow's client, which serves all other stores."""

import math

import numpy as np
import pytest
from mlflow.entities import Metric

from benchmarks.bulk_store import bulk
from core.errors import RunNotFoundError, StoreError
from core.runs import run_folder
from core.tracking import store
from core.tracking.store.mlflow_reader import MlflowReader
from core.tracking.store.reader import reader
from core.tracking.store.sqlite_reader import SqliteReader

ODD = (1.0, math.inf, math.nan, -3.0, -math.inf, 2.0)


@pytest.fixture
def runs():
    """Runs of every kind, one of them with values that no SQL database keeps as they are, one deleted."""
    ids = bulk(30)
    store.client().log_batch(ids[0], [Metric("odd", value, 1000 + step, step) for step, value in enumerate(ODD)])
    store.client().delete_run(ids[1])
    return ids


def test_both_readers_tell_the_same(runs):
    ours, theirs = reader(), MlflowReader()
    assert isinstance(ours, SqliteReader)
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
