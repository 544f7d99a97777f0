"""A trial's run: submitted to the queue like any other, found again after a crash, its curve and its figure read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.config import RunConfig, override
from core.jobs import Job, submit, table
from core.jobs.batch import LONGEST_NAME
from core.jobs.sync import settle_announced, tell_store
from core.runs.history import MAIN
from core.runs.history_stream import HistoryCursor, read_history
from core.sweeps.axis import titles
from core.sweeps.sweep import CURVE, METRICS, Sweep
from core.tracking import store
from core.tracking.tags import SWEEP, TRIAL

WAIT_S = 3.0
"""Seconds for which the store is waited for at once."""


def config_of_trial(config: RunConfig, sweep: Sweep, number: int, values: Mapping[str, str]) -> RunConfig:
    """The config of a trial, named by the sweep and its values. Raises ConfigError where they don't go together."""
    called = titles(tuple(values))
    words = " ".join(f"{called[path]}={brief(value)}" for path, value in values.items())
    name = f"{sweep.name} {number + 1}"[:LONGEST_NAME]
    made = override(config, [f"{path}={value}" for path, value in values.items()])
    return RunConfig.model_validate(
        made.model_dump(mode="json", by_alias=True) | {"name": f"{name} {words}"[:LONGEST_NAME].strip()}
    )


def brief(value: str) -> str:
    """A value in few characters."""
    try:
        number = float(value)
    except ValueError:
        return value
    return value if len(value) <= 7 else f"{number:.4g}"


def submit_trial(sweep_id: str, sweep: Sweep, number: int, config: RunConfig) -> str:
    """Queue a trial's run under the sweep's; returns its id. Raises LabError."""
    return submit(
        config,
        parent=sweep_id,
        priority=sweep.priority,
        tags={SWEEP: sweep_id, TRIAL: mark(sweep_id, number)},
        batch=sweep.name,
        sweep=sweep_id,
        engine=sweep.engine,
        why=f"trial {number + 1} of the sweep {sweep.name}",
    )


def mark(sweep_id: str, number: int) -> str:
    """What says of a run which trial it is."""
    return f"{sweep_id}:{number}"


def find_run(sweep_id: str, number: int) -> str | None:
    """The run that a process that was killed had submitted for a trial; None where it had not come so far.

    One that was being made is ended first, as the courier would. What of it is in the store alone is taken out there,
    so that no trial has two runs. Raises StoreError.
    """
    settle_announced()
    found = store.ids_tagged(TRIAL, mark(sweep_id, number))
    jobs = table.these(found)
    if not jobs:
        for run_id in found:
            store.delete_run(run_id)
        return None
    return min(jobs, key=lambda job: job.submitted).run_id


@dataclass
class Curve:
    """The least of the largest residuals of a run at evenly spaced places along its iterations, without warm-ups.

    Curves that have not left their warm-up say nothing of each other, however long it is.
    """

    iterations: int
    """That the run has at most, without warm-ups."""
    steps: int
    """Places."""
    cursor: HistoryCursor | None = None
    best: float = math.inf
    at: int = 0
    """Iterations so far."""
    passed: dict[int, float] = field(default_factory=dict)
    """Place, from 1 → the least until there."""

    def read(self, history: Path) -> None:
        """Take in what a run's history has got."""
        if not history.exists():
            return
        part = read_history(history, self.cursor)
        if part.restarted:
            self.best, self.at, self.passed = math.inf, 0, {}
        self.cursor = part.cursor
        columns = part.columns
        if not columns or not len(columns["iteration"]):
            return
        residual = np.asarray(columns["max_residual"], dtype=float)
        for phase, value in zip(columns["phase"].tolist(), residual.tolist(), strict=True):
            self.at += phase == MAIN
            if math.isfinite(value):
                self.best = min(self.best, value)
            self._note_places()

    def _note_places(self) -> None:
        while (place := len(self.passed) + 1) <= self.steps and self.iterations * place <= self.at * self.steps:
            self.passed[place] = self.best

    def finish(self) -> None:
        """The run has ended: what it has reached holds for the places that it did not need."""
        self.at = max(self.at, self.iterations)
        self._note_places()


def iterations_of(config: RunConfig) -> int:
    """Iterations of all stages at most, without warm-ups."""
    return sum(stage.iterations for stage in config.stages)


def figure(job: Job, metric: str) -> tuple[float | None, str]:
    """(the figure of a finished run, empty) or (None, why it has none); (None, empty) while the store lacks it."""
    if metric in CURVE:
        values = job.folder.history_columns().get(metric, np.empty(0))
        values = values[np.isfinite(values)]
        return (float(values.min()), "") if len(values) else (None, f"Its curve has no {METRICS[metric]}.")
    waiting = [value for entry in job.folder.outbox.entries() for name, value, *_ in entry.metrics if name == metric]
    if not waiting and job.folder.outbox.count():
        tell_store(job.run_id, WAIT_S, leave=False)
        return None, ""
    value = waiting[-1] if waiting else store.get_run(job.run_id).metrics.get(metric)
    if value is None:
        return None, f"It has no {METRICS[metric]} ({metric})."
    return (float(value), "") if math.isfinite(value) else (None, f"Its {METRICS[metric]} is not finite.")
