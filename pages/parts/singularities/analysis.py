"""λ of the runs of an equation as a table: over iterations, over runs, against seed, width, points, tolerance; CSV."""

from __future__ import annotations

import streamlit as st

from core.reports.lambda_section import against
from core.singularity.digits import reference_text
from core.singularity.lambda_analysis import AGAINST, WINDOW, LambdaRow, lambda_csv, lambda_rows, over_runs
from core.tracking import store
from pages.parts.shared.data_table import data_table
from pages.parts.shared.figures import line_figure
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.made_download import made_download
from pages.parts.shared.text import visible

KEY = "singularities.analysis"
MOST = 200
"""Newest runs that take part: each one's history is read."""


def analysis_view(kind: str) -> None:
    """Closed until somebody asks for it, since it reads the history of every run of the equation."""
    if not st.toggle("λ of all runs of this equation, as a table", key=f"{KEY}.open"):
        return
    last = st.number_input(
        "Iterations looked at", 1, 1_000_000, WINDOW, key=f"{KEY}.last", width=200,
        help="At the end of each run: mean, spread, least and greatest λ are over these.",
    )  # fmt: skip
    rows = lambda_rows([record for record in store.runs() if record.problem == kind][:MOST], int(last))
    if not rows:
        st.info("None of its runs has a λ yet.", icon=":material/info:")
        return
    data_table(_columns(rows), hide_index=True, height=min(38 + 35 * len(rows), 320))
    made_download("λ, CSV", lambda: lambda_csv(rows), "lambda.csv", "text/csv")
    left, right = st.columns(2, gap="large")
    with left:
        st.caption("Over runs of the same order, or the same a")
        data_table(_over_runs(rows), hide_index=True)
    with right:
        charts = {what: chart for what in AGAINST if (chart := against(rows, what)) is not None}
        if not charts:
            st.caption("All of these runs have the same order, seed, width, points and tolerance.")
            return
        chosen = st.segmented_control("Against", list(charts), default=next(iter(charts)), key=f"{KEY}.against")
        chart = charts[chosen if chosen in charts else next(iter(charts))]
        live_plotly(line_figure(chart), key=f"{KEY}.{chart.x_title}", height=300)


def _columns(rows: list[LambdaRow]) -> dict[str, list]:
    return {
        "run": [visible(f"{row.name} · {row.run_id[:6]}") for row in rows],
        "order or a": [row.parameter for row in rows],
        "λ": [row.text for row in rows],
        "certificate": ["" if row.holds is None else "holds" if row.holds else "does not hold" for row in rows],
        "known": ["" if row.known is None else reference_text(row.known) for row in rows],
        "difference": [_small(row.difference) for row in rows],
        "mean": [f"{row.window.mean:.12g}" if row.window.count else "" for row in rows],
        "spread": [_small(row.window.spread if row.window.count else None) for row in rows],
        "min": [f"{row.window.low:.12g}" if row.window.count else "" for row in rows],
        "max": [f"{row.window.high:.12g}" if row.window.count else "" for row in rows],
        "seed": [row.seed for row in rows],
        "width": [row.width for row in rows],
        "points": [row.points for row in rows],
        "tolerance": [_small(row.tolerance) for row in rows],
    }


def _over_runs(rows: list[LambdaRow]) -> dict[str, list]:
    found = over_runs(rows)
    return {
        "order or a": [parameter for _, parameter in found],
        "runs": [item.count for item in found.values()],
        "mean": [f"{item.mean:.12g}" for item in found.values()],
        "spread": [_small(item.spread if item.count > 1 else None) for item in found.values()],
        "min": [f"{item.low:.12g}" for item in found.values()],
        "max": [f"{item.high:.12g}" for item in found.values()],
    }


def _small(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
