"""Figures and config fields of the chosen runs side by side."""

from __future__ import annotations

import json
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
    rows = {METRIC + name: figure_texts(records, name, how, selection) for name in metrics}
    rows |= {PARAM + path: value_texts(row) for path, row in fields.items()}
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


def figure_texts(records: Sequence[RunRecord], name: str, how: How, selection: Selection) -> list[str]:
    """A metric's row, λ with the digits that are supported; empty for runs that have none, which is not NaN."""
    values = compare.metric_column(records, name, how)
    texts = []
    for k, (run, value) in enumerate(zip(records, values, strict=True)):
        if np.isnan(value):
            texts.append("NaN" if how == "last" and name in run.metrics else "")
        elif name == LAMBDA:
            texts.append(lambda_of(run, value))
        else:
            texts.append(_figure(value, values[0], k, selection))
    return texts


def _figure(value: float, baseline: float, column: int, selection: Selection) -> str:
    text = f"{value:.6g}"
    if column == 0 or selection.baseline is None or np.isnan(baseline):
        return text
    against = compare.delta(value, baseline)
    return f"{text}  (×{against.ratio:.3g})" if not np.isnan(against.ratio) else f"{text}  ({against.difference:+.3g})"


def value_texts(values: Sequence[object]) -> list[str]:
    """A config field's row: texts are in quotation marks where another value would look the same."""
    texts = [_value(value) for value in values]
    looks = [text.strip() for text in texts]
    return [
        json.dumps(value, ensure_ascii=False)
        if isinstance(value, str)
        and any(look == looks[k] and not compare.same(value, other) for look, other in zip(looks, values, strict=True))
        else texts[k]
        for k, value in enumerate(values)
    ]


def _value(value: object) -> str:
    if value is MISSING:
        return ""
    words = {None: "none", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
