"""Parallel coordinates of everything that the search found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.tracking import compare
from core.tracking.compare import METRIC
from pages.parts.compare.chart import chart
from pages.parts.compare.columns import axis_columns, few, is_number, varies, wants_log
from pages.parts.compare.search import Shown
from pages.parts.shared.text import LONGEST, plain

SCALE = "Viridis"


def parallel_view(shown: Shown) -> None:
    """Parallel coordinates of everything that the search found."""
    records, sort, label = shown.records, shown.sort, shown.label
    names = [name for name in compare.column_names(records) if "." in name or name in ("problem", "state", "duration")]
    varying = [name for name in names if name.startswith("params.") and varies(records, name)]
    usual = [name for name in varying if is_number(records, name) or few(records, name)]
    target = sort if sort.startswith(METRIC) else next((name for name in names if name.startswith(METRIC)), None)
    usual = ["problem"] * (len({record.problem for record in records}) > 1) + usual[:5] + ([target] if target else [])
    axes = st.multiselect("Axes", names, usual, format_func=label, key="axes", bind="query-params")
    if len(axes) < 2:
        st.info("Choose at least two axes.")
        return
    columns = axis_columns(records, axes, shown.how)
    could = [name for name in axes if all(isinstance(value, int | float) for value in columns[name])]
    usual_log = [name for name in could if wants_log(np.asarray(columns[name], dtype=float))]
    log = st.pills(
        "Logarithmic",
        could,
        default=usual_log,
        format_func=lambda name: plain(label(name), LONGEST),
        selection_mode="multi",
        key=f"log.{'.'.join(axes)}",
    )
    color = target if target in axes else axes[-1]
    figure = parallel_figure(columns, set(log), color, label)
    chart(figure, "parallel")
    drawn, total = figure.layout.meta["drawn"], figure.layout.meta["of"]
    st.caption(
        f"{drawn:d} of {total:d} runs found have all of these values. Drag along an axis to choose a range, drag its "
        f"name to move it. Coloured by {plain(label(color), LONGEST)}."
    )


def parallel_figure(
    columns: dict[str, Sequence[Any]], log: set[str], color_by: str, label: Callable[[str], str] = str
) -> go.Figure:
    """Parallel coordinates: one line a run, one axis a column, numbers on linear or log axes, words as steps.

    Args:
        columns: column → values (n,), the same runs in each; runs that lack a number anywhere are not drawn.
        log: columns on logarithmic axes; values that are not positive there count as lacking.
        color_by: the column that colours the lines.
        label: a column as the axis is named.
    """
    positions, dimensions = {}, {}
    for name, values in columns.items():
        positions[name], dimensions[name] = _dimension(label(name), values, name in log)
    whole = np.all([np.isfinite(position) for position in positions.values()], axis=0)
    for name, dimension in dimensions.items():
        dimension["values"] = positions[name][whole]
    colors = positions[color_by][whole]
    figure = go.Figure(
        go.Parcoords(
            dimensions=list(dimensions.values()),
            line={"color": colors, "colorscale": SCALE, "showscale": False},
            labelfont={"size": 12},
            tickfont={"size": 11},
            rangefont={"size": 1, "color": "rgba(0,0,0,0)"},
            unselected={"line": {"opacity": 0.06}},
        )
    )
    figure.update_layout(margin={"l": 110, "r": 70, "t": 56, "b": 20}, uirevision="parallel")
    figure.layout.meta = {"drawn": int(whole.sum()), "of": len(whole)}
    return figure


def _dimension(title: str, values: Sequence[Any], log: bool) -> tuple[np.ndarray, dict]:
    if all(isinstance(value, int | float | np.number) for value in values):
        numbers = np.asarray(values, dtype=float)
        if not log:
            return numbers, {"label": title}
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(numbers > 0, np.log10(numbers), np.nan)
        usable = logs[np.isfinite(logs)]
        low, high = (np.floor(usable.min()), np.ceil(usable.max())) if len(usable) else (0.0, 1.0)
        ticks = np.arange(low, high + 1, max(1, np.ceil((high - low) / 8)))
        texts = [f"1e{int(tick)}" for tick in ticks]
        return logs, {"label": title, "tickvals": ticks, "ticktext": texts, "range": [low, max(high, low + 1)]}
    words = sorted(set(values))
    places = np.array([words.index(value) for value in values], dtype=float)
    return places, {
        "label": title,
        "tickvals": list(range(len(words))),
        "ticktext": short_words(words),
        "range": [-0.3, len(words) - 0.7],
    }


def short_words(words: Sequence[str], most: int = 18) -> list[str]:
    """Words for ticks, long ones cut: at their ends, or where these are what tells them apart, before them."""
    heads = [word if len(word) <= most else word[: most - 1] + "…" for word in words]
    tails = [word if len(word) <= most else word[:6] + "…" + word[7 - most :] for word in words]
    for shown in (heads, tails):
        if len(set(shown)) == len(words):
            return shown
    return [f"{text} #{k}" if heads.count(text) > 1 else text for k, text in enumerate(heads, 1)]
