"""Metrics as the store has them: one value a run to rank by, and whole curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.names import mlflow_names
from core.tracking.store.reader import Reader, reader
from core.tracking.store.sqlite_reader import How, number

if TYPE_CHECKING:
    import numpy as np


def values(metric: str, how: How) -> dict[str, tuple[float, int]]:
    """(value, step) of a metric by run; infinities and NaN only where `how` is last.

    Args:
        metric: its name.
        how: the last value, the lowest or highest of the whole history, or that at the checkpoint which a next stage
            starts from.
    """
    store = reader()
    return store.remembered(("values", metric, how), lambda: store.values(metric, how))


def metric_names() -> list[str]:
    """Every metric that some run has, the commonest first."""
    store = reader()
    return store.remembered("metrics", lambda: _names(store))


def _names(store: Reader) -> list[str]:
    names = _table(store)
    return list(dict.fromkeys(names.get(key, key) for key in store.metric_names()))


def metric_history(run_id: str) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Every metric of a run as MLflow has it: steps, seconds since the first metric, values; each (n,).

    The same object is returned as long as nothing changed where the store is an SQLite file.
    """
    store = reader()
    return store.remembered(("history", run_id), lambda: _series(store.history(run_id), _table(store)))


def _table(store: Reader) -> dict[str, str]:
    """Key → name of the metrics that MLflow has under another key."""
    return mlflow_names(store.name_tags())


def _series(
    rows: list[tuple[str, int, int, float, bool]], names: dict[str, str]
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    import numpy as np

    grouped: dict[str, list[tuple[int, int, float]]] = {}
    for key, step, moment, value, is_nan in rows:
        grouped.setdefault(names.get(key, key), []).append((step, moment, number(value, is_nan)))
    begun = min((row[2] for row in rows), default=0)
    arrays = {key: np.array(points, dtype=float).T for key, points in grouped.items()}
    return {key: (step, (moment - begun) / 1000, value) for key, (step, moment, value) in arrays.items()}
