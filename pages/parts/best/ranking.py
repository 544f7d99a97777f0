"""The ranking as a table; a click looks at one of its runs."""

import pandas as pd
import streamlit as st

from core.singularity.found import LAMBDA, lambda_of
from core.tracking import store
from core.tracking.best import Ranked
from pages.parts.shared.data_table import data_table
from pages.parts.shared.metric_names import LABELS
from pages.parts.shared.text import ago

SHOWN = 200
FORMAT = ".4e"
"""How values but λ are written: residuals and errors by their size."""


def ranking_table(ranked: list[Ranked], metric: str) -> None:
    """The ranking; a click looks at one of them."""
    title = LABELS.get(f"metrics.{metric}", metric)
    records = {record.run_id: record for record in store.runs()} if metric == LAMBDA else {}
    problems = {run.problem for run in ranked}
    if len(problems) > 1:
        st.caption(
            f":material/balance: {len(problems)} problems in one ranking: a value of one equation says little about "
            "that of another. Choose a problem above to rank its runs alone."
        )
    rows = {
        run.run_id: {
            "name": run.name,
            "problem": run.problem,
            "state": run.state,
            "value": lambda_of(records[run.run_id], run.value) if run.run_id in records else run.value,
            "iteration": run.step,
            "started": ago(run.started),
        }
        for run in ranked[:SHOWN]
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    st.session_state["best.ids"] = list(table.index)
    table.index = pd.RangeIndex(1, len(table) + 1)
    data_table(
        table,
        key="best.table",
        on_select=look_at_row,
        selection_mode="single-row",
        column_config={
            "value": st.column_config.TextColumn(title, alignment="right")
            if records
            else st.column_config.NumberColumn(title, format=f"%{FORMAT}")
        },
        height=min(38 + 35 * len(table), 318),
    )
    if len(ranked) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(ranked):,} eligible runs.")


def look_at_row() -> None:
    """The run whose row was clicked is looked at."""
    rows = st.session_state["best.table"]["selection"]["rows"]
    if rows:
        st.query_params["run"] = st.session_state["best.ids"][rows[0]]
