"""The thinned copy of a history in MLflow, for its own pages and for runs on other machines."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from core.names import mlflow_keys
from core.runs.curves import NOT_CURVES
from core.tracking import store

if TYPE_CHECKING:
    from mlflow.entities import Metric


class MetricsMirror:
    """Copies a thinned history to MLflow without making the trainer wait: the last row of each flush."""

    INTERVAL = 1.0
    """Least seconds between two batches."""

    def __init__(self, run_id: str):
        self._client = store.client()
        self._run_id = run_id
        self._last = 0.0
        self._pending = None

    def __call__(self, columns: dict[str, list[float]]) -> None:
        """Take a flushed batch of history."""
        if time.monotonic() - self._last < self.INTERVAL:
            return
        self._last = time.monotonic()
        from mlflow.entities import Metric

        now, step = int(time.time() * 1000), int(columns["iteration"][-1])
        skipped = ("iteration", "phase")
        keys = mlflow_keys(columns)
        metrics = [
            Metric(keys[name], float(values[-1]), now, step)
            for name, values in columns.items()
            if name not in skipped and not math.isnan(values[-1])
        ]
        self._pending = self._client.log_batch(self._run_id, metrics=metrics, synchronous=False)

    def close(self) -> None:
        """Wait for what is on its way."""
        if self._pending is not None:
            self._pending.wait()


def extremes(columns: dict[str, np.ndarray], now: int) -> list[Metric]:
    """The lowest, highest and last finite value of every curve, at their iterations.

    The mirror in MLflow is thinned; with these three points MLflow's history has the extremes that the whole one has,
    and the value at the checkpoint.
    """
    from mlflow.entities import Metric

    points, keys = [], mlflow_keys(columns)
    for name, values in columns.items():
        finite = np.flatnonzero(np.isfinite(values))
        if name in NOT_CURVES or not len(finite):
            continue
        rows = {finite[values[finite].argmin()], finite[values[finite].argmax()], finite[-1]}
        for row in rows:
            moment = now - int(1000 * (columns["wall_time_s"][-1] - columns["wall_time_s"][row]))
            points.append(Metric(keys[name], float(values[row]), moment, int(columns["iteration"][row])))
    return points
