"""The thinned copy of a history in MLflow, for its own pages and for runs on other machines."""

from __future__ import annotations

import math
import sys
import time

import numpy as np

from core.names import mlflow_keys
from core.runs import RunFolder
from core.runs.curves import NOT_CURVES
from core.runs.outbox import Metric


class MetricsMirror:
    """Puts the last row of a flush into the run's outbox, without making the trainer wait."""

    INTERVAL = 1.0
    """Least seconds between two rows; more while many wait, so that a store that is gone for a day fills no disk."""
    MANY = 60

    def __init__(self, folder: RunFolder):
        self._outbox = folder.outbox
        self._due = 0.0
        self._failed = False

    def __call__(self, columns: dict[str, list[float]]) -> None:
        """Take a flushed batch of history."""
        if time.monotonic() < self._due:
            return
        now, step = int(time.time() * 1000), int(columns["iteration"][-1])
        skipped = ("iteration", "phase")
        keys = mlflow_keys(columns)
        metrics = [
            (keys[name], float(values[-1]), now, step)
            for name, values in columns.items()
            if name not in skipped and not math.isnan(values[-1])
        ]
        waiting = self._outbox.count()
        try:
            self._outbox.put(metrics=metrics, durable=False)
        except OSError as error:  # the history has every row; a mirror's is not worth a run
            if not self._failed:
                print(f"No copy of the metrics for MLflow is made: {error}", file=sys.stderr, flush=True)
            self._failed = True
        self._due = time.monotonic() + self.INTERVAL * max(1.0, waiting / self.MANY)


def extremes(columns: dict[str, np.ndarray], now: int) -> list[Metric]:
    """The lowest, highest and last finite value of every curve, at their iterations.

    The mirror in MLflow is thinned; with these three points MLflow's history has the extremes that the whole one has,
    and the value at the checkpoint.
    """
    points, keys = [], mlflow_keys(columns)
    for name, values in columns.items():
        finite = np.flatnonzero(np.isfinite(values))
        if name in NOT_CURVES or not len(finite):
            continue
        rows = {finite[values[finite].argmin()], finite[values[finite].argmax()], finite[-1]}
        for row in rows:
            moment = now - int(1000 * (columns["wall_time_s"][-1] - columns["wall_time_s"][row]))
            points.append((keys[name], float(values[row]), moment, int(columns["iteration"][row])))
    return points
