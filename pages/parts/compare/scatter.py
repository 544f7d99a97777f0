"""Any two numbers of everything that the search found against each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.reports.plotly_figure import decade_step
from core.tracking import compare
from core.tracking.compare import METRIC, PARAM
from pages.parts.compare.chart import chart
from pages.parts.compare.columns import axis_columns, few, is_number, wants_log, words
from pages.parts.compare.search import Shown
from pages.parts.compare.selection import Selection
from pages.parts.shared.palette import PALETTE
from pages.parts.shared.run_names import run_names


def scatter_view(shown: Shown, selection: Selection) -> None:
    """Any two numbers of everything that the search found against each other."""
    records, sort, label = shown.records, shown.sort, shown.label
    numbers = [
        name
        for name in compare.column_names(records)
        if name.startswith(METRIC) or name == "duration" or (name.startswith("params.") and is_number(records, name))
    ]
    if len(numbers) < 2:
        st.info("These runs have fewer than two numbers to draw.")
        return
    target = sort if sort in numbers else numbers[0]
    other = next(name for name in ("metrics.wall_time_s", *numbers) if name in numbers and name != target)
    fields = ["state", "problem", "experiment"] + [
        name for name in compare.column_names(records) if name.startswith("params.") and few(records, name)
    ]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        options = {"format_func": label, "bind": "query-params", "width": 240}
        x = st.selectbox("x", numbers, numbers.index(other), key="sx", **options)
        y = st.selectbox("y", numbers, numbers.index(target), key="sy", **options)
        by = st.selectbox("Colour", fields, 1, key="by", **options)
    columns = axis_columns(records, [x, y], shown.how)
    values = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    with row:
        log = tuple(
            st.toggle(f"Log {axis}", wants_log(values[name]), key=f"log.{axis}.{name}")
            for axis, name in (("x", x), ("y", y))
        )
    figure = scatter_figure(
        values[x],
        values[y],
        _hover(shown, x, y),
        words(records, by),
        {k: selection.color(r.run_id) for k, r in enumerate(records) if r.run_id in selection.slots},
        titles=(label(x), label(y)),
        log=log,
    )
    chart(figure, "scatter")


def _hover(shown: Shown, x: str, y: str) -> list[str]:
    """What is said of each run: its name, and its params as they were logged."""
    names = run_names(shown.records)
    params = {name: words(shown.records, name) for name in (x, y) if name.startswith(PARAM)}
    return [
        " · ".join([names[record.run_id], *(f"{shown.label(name)} {column[k]}" for name, column in params.items())])
        for k, record in enumerate(shown.records)
    ]


def scatter_figure(
    x: np.ndarray,
    y: np.ndarray,
    names: Sequence[str],
    groups: Sequence[str],
    rings: dict[int, str],
    *,
    titles: tuple[str, str],
    log: tuple[bool, bool],
) -> go.Figure:
    """One point a run, coloured by group.

    Args:
        x: values (n,).
        y: values (n,).
        names: of the runs, and what else is said of each.
        groups: the word that colours each.
        rings: place of a chosen run → colour of the ring around it.
        titles: of the axes.
        log: whether each axis is logarithmic.
    """
    figure = go.Figure()
    usable = np.isfinite(x) & np.isfinite(y) & ((x > 0) if log[0] else True) & ((y > 0) if log[1] else True)
    for k, group in enumerate(sorted(set(groups))):
        rows = [i for i in np.flatnonzero(usable) if groups[i] == group]
        figure.add_scatter(
            x=x[rows],
            y=y[rows],
            mode="markers",
            name=group,
            text=[names[i] for i in rows],
            marker={
                "size": [13 if i in rings else 8 for i in rows],
                "color": PALETTE[k % len(PALETTE)],
                "opacity": 0.85,
                "line": {
                    "width": [3 if i in rings else 0 for i in rows],
                    "color": [rings.get(i, "#fff") for i in rows],
                },
            },
            hovertemplate="%{text}<br>%{x:.3g}, %{y:.3g}",
        )
    axis = {"exponentformat": "power"}
    figure.update_layout(
        xaxis={"title": {"text": titles[0]}, "type": "log" if log[0] else "linear", **axis},
        yaxis={"title": {"text": titles[1]}, "type": "log" if log[1] else "linear", **axis},
        margin={"l": 70, "r": 12, "t": 12, "b": 52},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        uirevision=f"{titles}{log}",
    )
    for values, logarithmic, update in ((x, log[0], figure.update_xaxes), (y, log[1], figure.update_yaxes)):
        shown = values[usable]
        if logarithmic and len(shown) and (step := decade_step(float(shown.min()), float(shown.max()))):
            update(dtick=step)
    return figure
