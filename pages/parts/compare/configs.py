"""Figures and config fields of the chosen runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.singularity.found import LAMBDA, lambda_of
from core.tracking import compare
from core.tracking.compare import METRIC, MISSING, PARAM
from core.tracking.store import How, RunRecord
from pages.parts.compare.selection import Selection
from pages.parts.shared.data_table import data_table
from pages.parts.shared.metric_names import labels
from pages.parts.shared.run_names import run_names
from pages.parts.shared.text import plain


def config_view(records: Sequence[RunRecord], selection: Selection, how: How) -> None:
    """Figures and config fields of the chosen runs side by side, the baseline first."""
    records = sorted(records, key=lambda record: record.run_id != selection.baseline)
    everything = st.toggle("All fields", key="all", bind="query-params", help="Off: only fields that differ.")
    fields = compare.config_fields(records, only_differing=not everything)
    metrics = dict.fromkeys(name for record in records for name in record.metrics)
    rows = {METRIC + name: _figures(records, name, how, selection) for name in metrics}
    rows |= {PARAM + path: [_value(value) for value in row] for path, row in fields.items()}
    names = run_names(records)
    columns = {names[record.run_id]: [row[k] for row in rows.values()] for k, record in enumerate(records)}
    data_table(
        {"": list(labels(rows).values())} | columns,
        hide_index=True,
        height=min(38 + 35 * len(rows), 640),
        column_config={"": st.column_config.TextColumn("", pinned=True, width="medium")},
    )
    if len(records) < 2:
        st.caption("Tick a second run to compare their configs.")
    elif not fields:
        st.caption("Their configs are the same." if compare.config_fields(records, False) else "They have no config.")
    if cut := [path for path, row in fields.items() if any(map(compare.is_cut, row))]:
        st.caption(f"MLflow may have cut {plain(', '.join(cut))}: how these texts went on is not known, nor compared.")
    st.caption(
        f"{len(metrics)} metrics, then {len(fields)} config fields"
        + ("" if everything else " that differ")
        + (
            "; × is the ratio to the baseline, the first column."
            if selection.baseline
            else "; pin a baseline for ratios."
        )
    )


def _figures(records: Sequence[RunRecord], name: str, how: How, selection: Selection) -> list[str]:
    """A metric's row, λ with the digits that are supported."""
    values = compare.metric_column(records, name, how)
    if name == LAMBDA:
        return ["" if np.isnan(value) else lambda_of(run, value) for run, value in zip(records, values, strict=True)]
    return [_figure(value, values[0], k, selection) for k, value in enumerate(values)]


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
    words = {None: "none", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
