"""Runs grouped by a field: how each group did, its median curve and quartiles."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.tracking import compare
from core.tracking.compare import METRIC
from core.tracking.statistics import Band, band
from pages.parts.compare.chart import chart
from pages.parts.compare.columns import NOTHING, varies
from pages.parts.compare.curve_choice import axes_input, curve_names, quantities_input, read_curves
from pages.parts.compare.search import Shown
from pages.parts.shared.data_table import data_table
from pages.parts.shared.palette import PALETTE


def groups_view(shown: Shown) -> None:
    """Runs grouped by a field: how each group did, its median curve and quartiles."""
    records, sort, label = shown.records, shown.sort, shown.label
    fields = ["problem", "state", "experiment"] + [
        name for name in compare.column_names(records) if name.startswith("params.") and varies(records, name)
    ]
    metrics = [name for name in compare.column_names(records) if name.startswith(METRIC)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox("Group by", fields, format_func=label, key="group", bind="query-params", width=190)
        start = metrics.index(sort) if sort in metrics else 0
        metric = st.selectbox("Metric", metrics, start, format_func=label, key="gm", bind="query-params", width=170)
        found = compare.groups(records, by)
        drawn = dict(sorted(found.items(), key=lambda item: -len(item[1]))[:10])
        some = [record for runs in drawn.values() for record in runs[:40]]
        curves, available = read_curves(some)
        if available:
            quantities = quantities_input(available, "gc", several=False)
            axis, column, log_x, log_y = axes_input(quantities)
    rows = []
    for value, runs in found.items():
        numbers = compare.metric_column(runs, metric.removeprefix(METRIC), shown.how)
        finite = numbers[np.isfinite(numbers)]
        low, median, high = np.quantile(finite, (0.25, 0.5, 0.75)) if len(finite) else (np.nan,) * 3
        best = (finite.min(), finite.max()) if len(finite) else (np.nan, np.nan)
        rows.append(
            {
                "value": NOTHING if value is None else value,
                "runs": len(runs),
                "with a finite value": len(finite),
                "lowest": best[0],
                "lower quartile": low,
                "median": median,
                "upper quartile": high,
                "highest": best[1],
            }
        )
    numbers = ("lowest", "lower quartile", "median", "upper quartile", "highest")
    data_table(
        rows,
        hide_index=True,
        height=min(38 + 35 * len(rows), 250),
        column_config={"value": st.column_config.TextColumn(label(by))}
        | {name: st.column_config.NumberColumn(name, format="%.2e") for name in numbers},
    )
    if any(map(compare.is_cut, found)):
        st.caption("MLflow cut some of these texts: runs whose texts differ only after that stand in one group.")
    if not available:
        return
    bands = {
        value: band([curves[r.run_id].points(quantities[0], column) for r in runs[:40]], log_y, log_x)
        for value, runs in drawn.items()
    }
    figure = band_figure(bands, x_title=axis, y_title=curve_names(available)[quantities[0]], log_x=log_x, log_y=log_y)
    chart(figure, "groups")
    note = "Lines are medians, bands reach from the lower to the upper quartile"
    if len(found) > 10 or any(len(runs) > 40 for runs in drawn.values()):
        note += "; drawn are the 10 largest groups, of each the first 40 runs"
    st.caption(note + ".")


def band_figure(bands: dict[str | None, Band], *, x_title: str, y_title: str, log_x: bool, log_y: bool) -> go.Figure:
    """Median of each group as a line, its quartiles as a band."""
    figure = go.Figure()
    for k, (value, group) in enumerate(bands.items()):
        if not group.runs:
            continue
        name = NOTHING if value is None else value
        color = PALETTE[k % len(PALETTE)]
        figure.add_scatter(
            x=np.concatenate([group.x, group.x[::-1]]),
            y=np.concatenate([group.high, group.low[::-1]]),
            fill="toself",
            fillcolor=f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:], 16)},0.16)",
            line={"width": 0},
            legendgroup=str(k),
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=group.x,
            y=group.median,
            name=f"{name} ({group.runs})",
            legendgroup=str(k),
            line={"color": color, "width": 2},
            hovertemplate="%{y:.3e}",
        )
    figure.update_layout(
        uirevision=f"{x_title}{y_title}{log_y}",
        hovermode="x unified",
        margin={"l": 64, "r": 12, "t": 12, "b": 48},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": {"text": x_title}, "type": "log" if log_x else "linear"},
        yaxis={"title": {"text": y_title}, "type": "log" if log_y else "linear", "exponentformat": "power"},
    )
    return figure
