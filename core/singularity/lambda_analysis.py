"""λ of runs as a table: over the last iterations of each, over runs alike, and against seed, width, points, tolerance.

All of it is read from runs that are there; nothing is trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.errors import LabError
from core.runs import RunFolder
from core.runs.curves import recorded
from core.singularity.certificate import LAMBDA_TAG, TAG, UNCERTAINTY_TAG
from core.singularity.digits import lambda_text
from core.singularity.found import CERTIFIED, LAMBDA, lambda_of
from core.singularity.laws import LAWS, PARAMETERS, published
from core.tracking.curves import run_curves
from core.tracking.spreadsheets import csv_of
from core.tracking.store import RunRecord
from core.tracking.written_numbers import number_of

WINDOW = 20
"""Iterations at the end of a run over which λ is looked at, unless others are asked for."""
KEPT = 5000
"""Ends of histories that are remembered: a few numbers each."""


@dataclass(frozen=True)
class Spread:
    """What many values amount to; NaN where there are none."""

    count: int
    mean: float
    spread: float
    """Standard deviation of the values; 0 of a single one."""
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """Mean, spread, least and greatest of the values that are finite."""
    found = np.array([value for value in values if math.isfinite(value)])
    if not found.size:
        return Spread(0, *[math.nan] * 4)
    unit = int(np.frexp(np.abs(found).max())[1])  # squares of 1e200 are beyond any float, those of its multiples not
    scaled = np.ldexp(found, -unit)
    centre = scaled[0]  # values agree in twelve digits, which a plain mean of their squares would lose
    off = scaled - centre
    mean, deviation = (math.ldexp(float(value), unit) for value in (centre + off.mean(), off.std()))
    return Spread(len(found), mean, deviation, float(found.min()), float(found.max()))


@dataclass(frozen=True)
class LambdaRow:
    """λ of one run."""

    run_id: str
    name: str
    kind: str
    """Of its problem."""
    state: str
    parameter: float | None
    """The order n, or a; None for a problem that has none."""
    value: float
    """Of its certificate; without one, of its last iteration."""
    text: str
    """With the digits that are supported."""
    holds: bool | None
    """What its certificate says; None without one."""
    window: Spread
    """Of λ over the iterations looked at."""
    begins: int
    ends: int
    """First and last of these iterations."""
    known: float | None
    """As published, or known exactly."""
    source: str
    law: float | None
    """What the law of its problem says, which is a start value and no result."""
    seed: float | None
    width: float | None
    """Neurons of the first hidden layer, or features of the last stage that has any."""
    points: float | None
    """Points of its last stage."""
    tolerance: float | None
    """Residual at which its last stage may stop."""

    @property
    def difference(self) -> float | None:
        """|λ − known|."""
        return None if self.known is None else abs(self.value - self.known)


AGAINST: dict[str, Callable[[LambdaRow], float | None]] = {
    "order or a": lambda row: row.parameter,
    "seed": lambda row: row.seed,
    "width": lambda row: row.width,
    "points": lambda row: row.points,
    "tolerance": lambda row: row.tolerance,
}
"""What λ may be looked at against → where a row has it."""


def lambda_rows(records: Sequence[RunRecord], last: int = WINDOW) -> list[LambdaRow]:
    """λ of the runs that have one, in their order; those without are left out.

    Args:
        records: of the store.
        last: iterations at the end of each run that are looked at.

    Raises LabError for a window without iterations.
    """
    if last < 1:
        raise LabError(f"A window of {last} iterations holds no λ; ask for one or more.")
    return [row for record in records if (row := _row(record, last)) is not None]


def over_runs(rows: Sequence[LambdaRow]) -> dict[tuple[str, float | None], Spread]:
    """λ over the runs of each problem and order, by (kind, order or a)."""
    groups: dict[tuple[str, float | None], list[float]] = {}
    for row in rows:
        groups.setdefault((row.kind, row.parameter), []).append(row.value)
    return {key: spread(values) for key, values in groups.items()}


def lambda_csv(rows: Sequence[LambdaRow]) -> bytes:
    """The table as CSV, every number in full, nothing in a cell that a spreadsheet would run."""
    import pandas as pd

    columns: dict[str, list] = {
        "name": [row.name for row in rows],
        "problem": [row.kind for row in rows],
        "state": [row.state for row in rows],
        "order_or_a": [row.parameter for row in rows],
        "lambda": [row.value for row in rows],
        "lambda_text": [row.text for row in rows],
        "certificate": ["" if row.holds is None else "holds" if row.holds else "does not hold" for row in rows],
        "known": [row.known for row in rows],
        "source": [row.source for row in rows],
        "difference": [row.difference for row in rows],
        "law": [row.law for row in rows],
        "from_iteration": [row.begins for row in rows],
        "to_iteration": [row.ends for row in rows],
        "mean": [row.window.mean for row in rows],
        "spread": [row.window.spread for row in rows],
        "min": [row.window.low for row in rows],
        "max": [row.window.high for row in rows],
        "seed": [row.seed for row in rows],
        "width": [row.width for row in rows],
        "points": [row.points for row in rows],
        "tolerance": [row.tolerance for row in rows],
    }
    return csv_of(pd.DataFrame(columns, index=pd.Index([row.run_id for row in rows], name="run_id")))


def _row(record: RunRecord, last: int) -> LambdaRow | None:
    if LAMBDA not in record.metrics and LAMBDA_TAG not in record.tags:
        return None
    end = _end(record, last)
    claimed = number_of(record.tags.get(LAMBDA_TAG))
    value = claimed if claimed is not None else end.value
    if value is None:
        value = record.metrics.get(LAMBDA, math.nan)
    if not math.isfinite(value):
        return None
    parameter = (
        number_of(record.params.get(f"problem.{PARAMETERS[record.problem]}")) if record.problem in PARAMETERS else None
    )
    known, source, law = _known(record.problem, parameter)
    stages = _stages(record)
    return LambdaRow(
        run_id=record.run_id,
        name=record.name,
        kind=record.problem,
        state=record.state,
        parameter=parameter,
        value=value,
        text=_text(record, value, claimed),
        holds=record.tags[TAG] == "holds" if TAG in record.tags else None,
        window=end.window,
        begins=end.begins,
        ends=end.ends,
        known=known,
        source=source,
        law=law,
        seed=number_of(record.params.get("seed")),
        width=_width(record, stages),
        points=_last(record, stages, "collocation.points"),
        tolerance=_last(record, stages, "target_residual"),
    )


@dataclass(frozen=True)
class _End:
    """λ over the last iterations of a run."""

    window: Spread
    begins: int = 0
    ends: int = 0
    value: float | None = None
    """At the last iteration that has one."""


def _end(record: RunRecord, last: int) -> _End:
    """λ at a run's end, without iterations at which it is no number; nothing where the curves can't be had."""
    folder = record.folder
    try:
        status = folder.history.stat()
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
    except OSError:  # it is the store that has them
        stamp = (record.state, record.ended, record.metrics.get(LAMBDA))
    try:
        return _read_end(folder, last, stamp)
    except LabError:  # Watch says why; its certificate's λ is there all the same
        return _End(spread(()))


@lru_cache(maxsize=KEPT)
def _read_end(folder: RunFolder, last: int, stamp: tuple) -> _End:
    """The same, read once for each `stamp`, which is another where the history is: a page asks at each rerun."""
    curves = run_curves(folder)
    curves.update()
    step, lam = recorded(curves, LAMBDA)
    finite = np.isfinite(lam)
    step, lam = step[finite], lam[finite]
    if not len(step):
        return _End(spread(()))
    inside = step > step[-1] - last
    return _End(spread(lam[inside]), int(step[inside][0]), int(step[-1]), float(lam[-1]))


def _text(record: RunRecord, value: float, claimed: float | None) -> str:
    uncertainty = number_of(record.tags.get(UNCERTAINTY_TAG))
    if claimed is not None and uncertainty is not None:
        return lambda_text(claimed, uncertainty)
    return lambda_text(value, None) if record.problem in CERTIFIED else lambda_of(record, value)


def _known(kind: str, parameter: float | None) -> tuple[float | None, str, float | None]:
    """λ as published and by whom, and what the law says; the newest source wins, which has more digits."""
    if kind not in PARAMETERS or parameter is None:
        return None, "", None
    known, source = None, ""
    for paper, points in published(kind).items():
        if parameter in (values := dict(points)):
            known, source = values[parameter], paper
    law = LAWS.get(kind)
    return known, source, None if law is None else law.value(parameter)


def _stages(record: RunRecord) -> list[int]:
    """Numbers of the stages that a run's params tell of, from 0."""
    found = {key.split(".")[1] for key in record.params if key.startswith("stages.") and key.count(".") >= 2}
    return sorted(int(number) for number in found if number.isdecimal() and len(number) < 4)


def _last(record: RunRecord, stages: list[int], field: str) -> float | None:
    return number_of(record.params.get(f"stages.{stages[-1]}.{field}")) if stages else None


def _width(record: RunRecord, stages: list[int]) -> float | None:
    for k in reversed(stages):
        if (features := number_of(record.params.get(f"stages.{k}.fourier.features"))) is not None:
            return features
    hidden = record.params.get("network.hidden", "").strip("[]() ").partition(",")[0]
    return number_of(hidden)
