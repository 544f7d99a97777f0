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

if TYPE_CHECKING:
    import pandas as pd

ATTRIBUTES = ("state", "problem", "experiment", "started", "duration", "parent", "tags", "note", "id")
METRIC, PARAM = "metrics.", "params."


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
    """A run's value in an attribute or params column; numbers as numbers, None where it has none."""
    if column.startswith(PARAM):
        return typed(record.params.get(column.removeprefix(PARAM)))
    if column == "duration":
        return record.ended - record.started if record.ended and record.started else None
    if column == "tags":
        return ", ".join(people_tags(record.tags))
    if column == "note":
        return record.tags.get(NOTE, "")
    if column == "id":
        return record.run_id
    return getattr(record, column)


def typed(text: str | None) -> Any:
    """A param's text as the number it stands for, else as it is."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() and abs(value) < 2**53 and "." not in text and "e" not in text else value


def metric_column(records: Sequence[RunRecord], name: str, how: How) -> np.ndarray:
    """Values of a metric (n,), NaN for runs that have none: the last, lowest or highest, or that at the checkpoint."""
    if how == "last":
        return np.array([record.metrics.get(name, math.nan) for record in records], dtype=float)
    values = store.values(name, how)
    return np.array([values.get(record.run_id, (math.nan, 0))[0] for record in records], dtype=float)


def table(records: Sequence[RunRecord], columns: Sequence[str], how: How = "last") -> pd.DataFrame:
    """One row a run, indexed by run id, its name and the chosen columns."""
    import pandas as pd

    data: dict[str, Any] = {"name": [record.name for record in records]}
    for column in columns:
        if column.startswith(METRIC):
            data[column] = metric_column(records, column.removeprefix(METRIC), how)
        elif column == "started":
            data[column] = pd.to_datetime([record.started or None for record in records], unit="s")
        else:
            data[column] = _one_type([cell(record, column) for record in records])
    return pd.DataFrame(data, index=pd.Index([record.run_id for record in records], name="run_id"))


def _one_type(values: list[Any]) -> list[Any]:
    """A column is of numbers or of text: one that mixes them (an early run had a word there) becomes text."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, int | float) for value in present):
        return [math.nan if value is None else value for value in values]
    return ["" if value is None else str(value) for value in values]


def ordered(
    records: Sequence[RunRecord], column: str, descending: bool, how: How = "last", pinned: str | None = None
) -> list[RunRecord]:
    """Runs by a column; those without a finite value last, the newer first among equals, `pinned` before all."""
    if column.startswith(METRIC):
        values: list[Any] = list(metric_column(records, column.removeprefix(METRIC), how))
    else:
        values = _one_type([cell(record, column) for record in records])
    missing = [not math.isfinite(v) if isinstance(v, float | int) else v == "" for v in values]
    have = sorted((k for k in range(len(records)) if not missing[k]), key=lambda k: values[k], reverse=descending)
    result = [records[k] for k in have] + [record for record, gone in zip(records, missing, strict=True) if gone]
    return sorted(result, key=lambda record: record.run_id != pinned) if pinned else result


def flat_config(record: RunRecord) -> dict[str, Any]:
    """A run's config by field path with its types; for runs of other programs what their params say."""
    try:
        written = record.folder.config_data()
    except LabError:  # damaged, as Watch says
        written = None
    if written is None:
        return {name: typed(value) for name, value in record.params.items()}
    return flatten(written)


MISSING = object()
"""A field that a config does not have, which is not the same as an empty one."""


def config_fields(records: Sequence[RunRecord], only_differing: bool = True) -> dict[str, list[Any]]:
    """Field path → value in each run, `MISSING` where a config has no such field; names are left out."""
    configs = [flat_config(record) for record in records]
    paths = dict.fromkeys(path for config in configs for path in config if path not in ("name", "config_hash"))
    rows = {path: [config.get(path, MISSING) for config in configs] for path in paths}
    if not only_differing:
        return rows
    return {path: values for path, values in rows.items() if any(not same(values[0], value) for value in values[1:])}


def same(a: Any, b: Any) -> bool:
    """Equal, and of one type: 1 and True differ, 1 and 1.0 do not."""
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


def groups(records: Sequence[RunRecord], param: str) -> dict[str, list[RunRecord]]:
    """Runs by the value of a params or attribute column, numbers in order, at most by what they have."""
    found: dict[Any, list[RunRecord]] = {}
    for record in records:
        found.setdefault(cell(record, param), []).append(record)
    order = sorted(found, key=lambda value: (value is None, isinstance(value, str), value if value is not None else 0))
    return {"–" if value is None else str(value): found[value] for value in order}
