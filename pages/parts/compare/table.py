"""The table of Compare: one row a run, ticks and colours from the selection."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import streamlit as st

from core.singularity.found import LAMBDA, lambda_of
from core.tracking import compare
from core.tracking.compare import METRIC, PARAM, ordered, table
from pages.parts.compare.search import Shown
from pages.parts.compare.selection import Selection, dot, from_text, keep
from pages.parts.shared.data_table import data_table
from pages.parts.shared.times import viewer_zone

FORMATS = {"metrics.wall_time_s": "%.1f", "duration": "%.1f"}
RATIO = "÷ baseline"
LAMBDA_COLUMN = METRIC + LAMBDA
DIGITS = 145
"""Pixels that λ with all its digits needs: one that is cut off at the left reads as another number."""


def run_table(shown: Shown, selection: Selection) -> pd.DataFrame:
    """Draw the table; ticks go to the URL. Returns what it shows, for export."""
    records = ordered(shown.records, shown.sort, shown.descending, shown.how, selection.baseline)
    frame = table(records, shown.columns, shown.how)
    if selection.baseline in frame.index and shown.sort.startswith(METRIC):
        values = table(records, [shown.sort], shown.how)[shown.sort]
        frame.insert(1, RATIO, values / values.loc[selection.baseline])
    ids = list(frame.index)
    st.session_state["compare.ids"] = ids
    drawn = frame.copy()
    if LAMBDA_COLUMN in drawn:
        shown_digits = zip(records, frame[LAMBDA_COLUMN], strict=True)
        drawn[LAMBDA_COLUMN] = [None if np.isnan(value) else lambda_of(run, value) for run, value in shown_digits]
    if selection:
        drawn.insert(0, "", [dot(selection.color(run_id)) if run_id in selection.slots else "" for run_id in ids])
    cleared = st.session_state.get("compare.cleared", 0)  # a new table, since ticks can't be taken off from here
    key = f"compare.table.{hashlib.sha1(','.join(ids).encode()).hexdigest()[:16]}.{cleared}"
    st.session_state["compare.table"] = key
    data_table(
        drawn,
        key=key,
        on_select=_ticked,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [k for k, run_id in enumerate(ids) if run_id in selection.slots]}},
        hide_index=True,
        height=min(38 + 35 * len(drawn), 388),
        column_config=_formats(frame, shown),
        placeholder="",
    )
    return frame


def _formats(frame: pd.DataFrame, shown: Shown) -> dict:
    formats: dict = {
        "": st.column_config.ImageColumn("", width=34),
        "name": st.column_config.TextColumn("Run", width="medium"),
        RATIO: st.column_config.NumberColumn(RATIO, format="%.3g"),
    }
    for column in frame.columns[1:]:
        title = column if column == RATIO else shown.label(column)
        if column == "started":
            zone = viewer_zone().key
            formats[column] = st.column_config.DatetimeColumn(
                f"{title}, {zone}", format="D MMM, HH:mm", timezone=zone, help="In the time zone of your browser."
            )
        elif column == LAMBDA_COLUMN:
            formats[column] = st.column_config.TextColumn(
                title, alignment="right", width=DIGITS, help="As its certificate supports; ≈: digits not assessed."
            )
        elif column.startswith(PARAM):
            right = compare.numbers(shown.records, column) is not None
            formats[column] = st.column_config.TextColumn(title, alignment="right" if right else "left")
        elif column.startswith(METRIC) or column == "duration":
            formats[column] = st.column_config.NumberColumn(title, format=FORMATS.get(column, "%.2e"))
        elif column != RATIO:
            formats[column] = st.column_config.Column(title, width="small" if column in ("state", "problem") else None)
    return formats


def _ticked() -> None:
    """Ticks of the visitor, kept in the URL before the page is drawn again."""
    ids = st.session_state["compare.ids"]
    rows = st.session_state[st.session_state["compare.table"]]["selection"]["rows"]
    selection, _ = from_text(st.query_params.get("runs", ""), ids + list(st.session_state["compare.known"]))
    keep(selection.ticked(ids, rows))
