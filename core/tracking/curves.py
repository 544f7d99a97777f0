"""Curves of any run of the store: from its own history where that can be had, else from what MLflow was given."""

from __future__ import annotations

import numpy as np

from core.runs import RunFolder
from core.runs.curves import NOT_CURVES, Attempts, Curves, RunCurves, attempts
from core.runs.folder import HISTORY
from core.tracking import store


class StoredCurves:
    """Curves of a run that has no history file: what MLflow was given, thinned, each metric at its own steps."""

    source = "MLflow"

    def __init__(self, run_id: str):
        self._run_id = run_id
        self._series: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def update(self) -> bool:
        """Read the metrics again if the store changed."""
        series = store.metric_history(self._run_id)
        changed = series is not self._series
        self._series = series
        return changed

    def column(self, name: str) -> np.ndarray:
        """All values of a metric, (n,)."""
        return self._series[name][2] if name in self._series else np.empty(0)

    def points(self, name: str, axis: str = "iteration") -> tuple[np.ndarray, np.ndarray]:
        """Steps, or seconds since the run's first metric, in their order, and the values in force."""
        x, value, found = self._logged(name, axis)
        return _in_order(x, value, found.in_force & ~found.repeated)

    def superseded(self, name: str, axis: str = "iteration") -> list[tuple[np.ndarray, np.ndarray]]:
        """What was logged before a resume took the run back to an earlier step, (x, y) of each attempt."""
        x, value, found = self._logged(name, axis)
        gone = ~found.in_force & ~found.repeated
        return [_in_order(x, value, gone & (found.of == attempt)) for attempt in np.unique(found.of[gone])]

    def _logged(self, name: str, axis: str) -> tuple[np.ndarray, np.ndarray, Attempts]:
        """X and value, each (n,) in the order in which the metric was logged, and what of them holds."""
        step, seconds, value = self._series.get(name, (np.empty(0),) * 3)
        order = np.lexsort((step, seconds))
        step, seconds, value = step[order], seconds[order], value[order]
        return step if axis == "iteration" else seconds, value, attempts(step, value)

    @property
    def names(self) -> tuple[str, ...]:
        """Metrics there are."""
        return tuple(self._series)

    def curve_names(self) -> list[str]:
        """Metrics with more than one point."""
        return [name for name, (step, _, _) in self._series.items() if len(step) > 1 and name not in NOT_CURVES]

    def stage_starts(self, axis: str = "iteration") -> list[tuple[int, float]]:
        """None: runs of other programs have no stages."""
        return []

    def warnings(self, finished: bool) -> list[str]:
        """None: MLflow has what it was given."""
        return []


def _in_order(x: np.ndarray, y: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points that are kept, by x."""
    x, y = x[kept], y[kept]
    order = np.argsort(x, kind="stable")
    return x[order], y[order]


def run_curves(folder: RunFolder) -> Curves:
    """Curves of a run: its own history file first, then the artifact, then what MLflow was given, which is thinned.

    Raises RunNotFoundError for what is no run id of the store, where there is no history file.
    """
    if folder.history.exists():
        return RunCurves(folder.history)
    record = store.get_run(folder.run_id)
    if record.problem:  # one of ours, trained on another machine, or starting up
        if record.state not in store.ENDED:
            return RunCurves(folder.history) if folder.exists else StoredCurves(folder.run_id)
        artifact = store.fetch_artifact(folder, HISTORY)
        if artifact is not None:
            return RunCurves(artifact)
    return StoredCurves(folder.run_id)
