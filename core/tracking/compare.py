"""Runs side by side: a table of chosen columns, the fields in which configs differ, groups."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.config import flatten
from core.errors import LabError
from core.tracking import store
from core.tracking.store import How, RunRecord
from core.tracking.tags import NOTE, people_tags
from core.tracking.written_numbers import numbers_of

if TYPE_CHECKING:
    import pandas as pd

ATTRIBUTES = ("state", "problem", "experiment", "started", "duration", "parent", "tags", "note", "id")
METRIC, PARAM = "metrics.", "params."
YEAR_10000 = 253_402_300_800
"""Unix time in seconds; a run that began later was logged in other units, and no calendar has its day."""


def column_names(records: Iterable[RunRecord]) -> list[str]:
    """Everything that can be a column: attributes, `metrics.…` by how common they are, `params.…` likewise."""
    metrics: dict[str, int] = {}
    params: dict[str, int] = {}
    for record in records:
        for name in record.metrics:
            metrics[name] = metrics.get(name, 0) + 1
        for name in record.params:
            params[name] = params.get(name, 0) + 1
    return [
        *ATTRIBUTES,
        *(METRIC + name for name in sorted(metrics, key=lambda name: (-metrics[name], name))),
        *(PARAM + name for name in sorted(params, key=lambda name: (-params[name], name))),
    ]


def cell(record: RunRecord, column: str) -> Any:
    """A run's value in an attribute or params column, None where it has none; params are the text that was logged."""
    if column.startswith(PARAM):
        return record.params.get(column.removeprefix(PARAM))
    if column == "duration":
        return record.ended - record.started if record.ended and record.started else None
    if column == "tags":
        return ", ".join(people_tags(record.tags))
    if column == "note":
        return record.tags.get(NOTE, "")
    if column == "id":
        return record.run_id
    return getattr(record, column)


def numbers(records: Sequence[RunRecord], column: str, how: How = "last") -> list[float] | None:
    """A column for an axis or for sorting, (n,) with NaN where a run has none; None where it is not of numbers."""
    if column.startswith(METRIC):
        return metric_column(records, column.removeprefix(METRIC), how).tolist()
    values = [cell(record, column) for record in records]
    if column.startswith(PARAM):
        return numbers_of(values)
    if column in ("started", "duration"):
        return [math.nan if value is None else value for value in values]
    return None


def metric_column(records: Sequence[RunRecord], name: str, how: How) -> np.ndarray:
    """Values of a metric (n,), NaN for runs that have none: the last, lowest or highest, or that at the checkpoint."""
    if how == "last":
        return np.array([record.metrics.get(name, math.nan) for record in records], dtype=float)
    values = store.values(name, how)
    return np.array([values.get(record.run_id, (math.nan, 0))[0] for record in records], dtype=float)


def table(records: Sequence[RunRecord], columns: Sequence[str], how: How = "last") -> pd.DataFrame:
    """One row a run, indexed by run id, its name and the chosen columns: metrics are numbers, params are text."""
    import pandas as pd

    ids = pd.Index([record.run_id for record in records], name="run_id")
    data: dict[str, Any] = {"name": [record.name for record in records]}
    for column in columns:
        if column == "started":
            known = [0 < record.started < YEAR_10000 for record in records]
            times = [round(1000 * run.started) if here else "NaT" for run, here in zip(records, known, strict=True)]
            data[column] = pd.to_datetime(np.array(times, dtype="datetime64[ms]"), utc=True)  # in ns they end in 2262
        elif column == "duration" or column.startswith(METRIC):
            data[column] = numbers(records, column, how)
        else:
            data[column] = pd.Series([cell(record, column) for record in records], index=ids, dtype=object)
    return pd.DataFrame(data, index=ids)


def ordered(
    records: Sequence[RunRecord], column: str, descending: bool, how: How = "last", pinned: str | None = None
) -> list[RunRecord]:
    """Runs by a column; those without a finite value last, the newer first among equals, `pinned` before all."""
    values = numbers(records, column, how)
    if values is None:
        values = [cell(record, column) or "" for record in records]
        missing = [not value for value in values]
    else:
        missing = [not math.isfinite(value) for value in values]
    have = sorted((k for k in range(len(records)) if not missing[k]), key=lambda k: values[k], reverse=descending)
    result = [records[k] for k in have] + [record for record, gone in zip(records, missing, strict=True) if gone]
    return sorted(result, key=lambda record: record.run_id != pinned) if pinned else result


def _written(record: RunRecord) -> dict[str, Any] | None:
    """A run's config as it was written; None for runs of other programs, and where it is damaged, as Watch says."""
    try:
        return record.folder.config_data()
    except LabError:
        return None


MISSING = object()
"""A field that a config does not have, which is not the same as an empty one."""


CUT_AT = (250, 500, 6000)
"""Characters after which versions of MLflow cut a param; what followed in the text is nowhere."""


def config_fields(records: Sequence[RunRecord], only_differing: bool = True) -> dict[str, list[Any]]:
    """Field path → value in each run, `MISSING` where a config has no such field; a run's own name is left out.

    Where a run has no config of its own, what was logged is compared, in all of them: text with text. Texts that MLflow
    cut are among the fields that differ, since nobody knows how they went on.
    """
    written = [_written(record) for record in records]
    logged = None in written
    configs = [
        record.params if data is None else _as_logged(flatten(data)) if logged else flatten(data)
        for record, data in zip(records, written, strict=True)
    ]
    for k, (record, data) in enumerate(zip(records, written, strict=True)):
        apart = "name" if data is not None else "config_hash" if record.config_hash else None
        configs[k] = {path: value for path, value in configs[k].items() if path != apart}
    paths = dict.fromkeys(path for config in configs for path in config)
    rows = {path: [config.get(path, MISSING) for config in configs] for path in paths}
    if not only_differing:
        return rows
    return {
        path: values
        for path, values in rows.items()
        if any(not same(values[0], value) or (logged and is_cut(value)) for value in values[1:])
    }


def _as_logged(config: dict[str, Any]) -> dict[str, str]:
    """A flat config as params of the store have it (`store.params_of`)."""
    return {path: str(value) for path, value in config.items() if value is not None}


def is_cut(value: Any) -> bool:
    """Whether a text is as long as MLflow lets a param be, so that there may have been more of it."""
    return isinstance(value, str) and len(value) in CUT_AT


def same(a: Any, b: Any) -> bool:
    """Equal, and of one type: 1 and True differ, as do 007 and 7 as they were logged; 1 and 1.0 do not."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


@dataclass(frozen=True)
class Delta:
    """A value against the baseline's."""

    difference: float
    ratio: float
    """NaN where the baseline is zero or the signs differ: no ratio says anything then."""


def delta(value: float, baseline: float) -> Delta:
    """How a value stands to the baseline's."""
    comparable = baseline != 0 and value * baseline > 0
    return Delta(value - baseline, value / baseline if comparable else math.nan)


def groups(records: Sequence[RunRecord], column: str) -> dict[str | None, list[RunRecord]]:
    """Runs by what stands in a params or attribute column, numbers in their order; None for those without it, last."""
    found: dict[str | None, list[RunRecord]] = {}
    for record in records:
        found.setdefault(cell(record, column), []).append(record)
    values = [value for value in found if value is not None]
    order = numbers_of(values) if column.startswith(PARAM) else None
    rank = dict(zip(values, order or values, strict=True))
    return {value: found[value] for value in sorted(values, key=rank.get)} | (
        {None: found[None]} if None in found else {}
    )
