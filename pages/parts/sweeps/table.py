"""The trials of a sweep as a table, the best first; a click opens a trial's run on Watch."""

from __future__ import annotations

import streamlit as st

from core.sweeps import Seen
from core.sweeps.axis import titles
from core.sweeps.folder import Trial
from core.sweeps.runs import brief
from pages.parts.shared.data_table import data_table
from pages.parts.shared.metric_names import LABELS

MOST_COMPARED = 5
"""Best trials that Compare lays over each other."""
HEIGHT = 460
"""Of the table at most, in pixels."""


def ranked(seen: Seen) -> list[Trial]:
    """The trials, the least figure first, then those without one by their number."""
    return sorted(seen.known.trials, key=lambda trial: (trial.value is None, trial.value or 0.0, trial.number))


def best_runs(seen: Seen) -> list[str]:
    """Beginnings of the ids of the best trials' runs, as Compare's address has them, each with its colour."""
    best = [trial for trial in ranked(seen) if trial.value is not None and trial.run_id][:MOST_COMPARED]
    return [f"{trial.run_id[:12]}.{slot}" for slot, trial in enumerate(best)]


def values_in_words(seen: Seen, trial: Trial) -> str:
    """What a trial tried."""
    called = titles([axis.path for axis in seen.sweep.axes])
    return ", ".join(f"{called.get(path, path)} {brief(value)}" for path, value in trial.values.items())


def trial_table(seen: Seen) -> None:
    """The table; a click on a row opens the trial's run."""
    called = titles([axis.path for axis in seen.sweep.axes])
    trials = ranked(seen)
    if not trials:
        return
    metric = LABELS.get(f"metrics.{seen.sweep.metric}", seen.sweep.metric)
    rows = [
        {
            "trial": trial.number + 1,
            "state": trial.state,
            metric: trial.value,
            "least residual": trial.best_residual,
            "done": trial.share,
            **{called[path]: brief(trial.values.get(path, "")) for path in called},
            "why": trial.reason,
        }
        for trial in trials
    ]
    there = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    rows = [{name: row[name] for name in there} for row in rows]
    st.session_state["sweeps.runs"] = [trial.run_id for trial in trials]
    number = st.column_config.NumberColumn
    picked = data_table(
        rows,
        hide_index=True,
        key=f"sweeps.table.{seen.sweep_id}",
        on_select="rerun",
        selection_mode="single-row",
        height=min(40 + 35 * len(rows), HEIGHT),
        column_config={
            metric: number(format="%.3e"),
            "least residual": number(format="%.2e", help="Of the largest residuals at the points so far."),
            "done": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
        },
    )
    if rows_picked := picked["selection"]["rows"]:
        run_id = st.session_state["sweeps.runs"][rows_picked[0]]
        if run_id:
            st.switch_page("pages/watch_runs.py", query_params={"run": run_id})
