"""Figures and config fields of the chosen runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.tracking import compare
from core.tracking.compare import METRIC, MISSING
from core.tracking.store import How, RunRecord
from pages.parts.compare.selection import Selection
from pages.parts.shared.metric_names import label


def config_view(records: Sequence[RunRecord], selection: Selection, how: How) -> None:
    """Figures and config fields of the chosen runs side by side, the baseline first."""
    records = sorted(records, key=lambda record: record.run_id != selection.baseline)
    everything = st.toggle("All fields", key="all", bind="query-params", help="Off: only fields that differ.")
    fields = compare.config_fields(records, only_differing=not everything)
    metrics = dict.fromkeys(name for record in records for name in record.metrics)
    values = {name: compare.metric_column(records, name, how) for name in metrics}
    names = _distinct([record.name for record in records])
    rows: dict[str, list[str]] = {
        label(METRIC + name): [_figure(column[k], column[0], k, selection) for k in range(len(records))]
        for name, column in values.items()
    }
    rows |= {path: [_value(value) for value in row] for path, row in fields.items()}
    data = {"": list(rows)} | {name: [row[k] for row in rows.values()] for k, name in enumerate(names)}
    st.dataframe(
        data,
        hide_index=True,
        height=min(38 + 35 * len(rows), 640),
        column_config={"": st.column_config.TextColumn("", pinned=True, width="medium")},
    )
    if not fields:
        st.caption("Their configs are the same.")
    st.caption(
        f"{len(metrics)} metrics, then {len(fields)} config fields"
        + ("" if everything else " that differ")
        + (
            "; × is the ratio to the baseline, the first column."
            if selection.baseline
            else "; pin a baseline for ratios."
        )
    )


def _figure(value: float, baseline: float, column: int, selection: Selection) -> str:
    if np.isnan(value):
        return ""
    text = f"{value:.6g}"
    if column == 0 or selection.baseline is None or np.isnan(baseline):
        return text
    against = compare.delta(value, baseline)
    return f"{text}  (×{against.ratio:.3g})" if not np.isnan(against.ratio) else f"{text}  ({against.difference:+.3g})"


def _value(value: object) -> str:
    if value is MISSING:
        return ""
    return (
        {None: "none", True: "true", False: "false"}.get(value)
        if value is None or isinstance(value, bool)
        else str(value)
    )


def _distinct(names: list[str]) -> list[str]:
    """Names as columns need them: the second run of a name gets a number."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result
