"""Pure figure builders of Compare: parallel coordinates, scatter, groups with bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.tracking.compare import Band
from pages.parts.compare.search import label
from pages.parts.shared.figures import PALETTE

SCALE = "Viridis"


def wants_log(values: np.ndarray) -> bool:
    """Positive values over more than two decades read best on a logarithmic axis."""
    usable = values[np.isfinite(values)]
    return bool(len(usable)) and usable.min() > 0 and usable.max() / usable.min() > 100


def parallel_figure(columns: dict[str, Sequence[Any]], log: set[str], color_by: str) -> go.Figure:
    """Parallel coordinates: one line a run, one axis a column, numbers on linear or log axes, words as steps.

    Args:
        columns: column → values (n,), the same runs in each; runs that lack a number anywhere are not drawn.
        log: columns on logarithmic axes; values that are not positive there count as lacking.
        color_by: the column that colours the lines.
    """
    positions, dimensions = {}, {}
    for name, values in columns.items():
        positions[name], dimensions[name] = _dimension(name, values, name in log)
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


def _dimension(name: str, values: Sequence[Any], log: bool) -> tuple[np.ndarray, dict]:
    if all(isinstance(value, int | float | np.number) for value in values):
        numbers = np.asarray(values, dtype=float)
        if not log:
            return numbers, {"label": label(name)}
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(numbers > 0, np.log10(numbers), np.nan)
        usable = logs[np.isfinite(logs)]
        low, high = (np.floor(usable.min()), np.ceil(usable.max())) if len(usable) else (0.0, 1.0)
        ticks = np.arange(low, high + 1, max(1, np.ceil((high - low) / 8)))
        texts = [f"1e{int(tick)}" for tick in ticks]
        return logs, {"label": label(name), "tickvals": ticks, "ticktext": texts, "range": [low, max(high, low + 1)]}
    words = sorted({str(value) for value in values})
    places = np.array([words.index(str(value)) for value in values], dtype=float)
    shown = [word if len(word) <= 18 else word[:17] + "…" for word in words]
    return places, {
        "label": label(name),
        "tickvals": list(range(len(words))),
        "ticktext": shown,
        "range": [-0.3, len(words) - 0.7],
    }


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
        names: of the runs.
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
        if logarithmic and len(shown) and shown.max() / shown.min() > 100:
            update(dtick=max(1, round(np.log10(shown.max() / shown.min()) / 8)))
    return figure


def band_figure(bands: dict[str, Band], *, x_title: str, y_title: str, log_x: bool, log_y: bool) -> go.Figure:
    """Median of each group as a line, its quartiles as a band."""
    figure = go.Figure()
    for k, (name, band) in enumerate(bands.items()):
        if not band.runs:
            continue
        color = PALETTE[k % len(PALETTE)]
        figure.add_scatter(
            x=np.concatenate([band.x, band.x[::-1]]),
            y=np.concatenate([band.high, band.low[::-1]]),
            fill="toself",
            fillcolor=f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:], 16)},0.16)",
            line={"width": 0},
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=band.x,
            y=band.median,
            name=f"{name} ({band.runs})",
            legendgroup=name,
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
