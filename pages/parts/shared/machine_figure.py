"""The machine under a run's residuals: small rows on the same axis, for load, memory, GPU and disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.runs.curves import bucket
from core.runs.machine_readings import Placed
from pages.parts.shared.palette import GREY, PALETTE

POINTS = 1000
"""Most points drawn of one curve."""
ROW, GAP = 64, 12
"""Height of a row, unless said, and of what is between two, in pixels."""
TOP, BOTTOM = 12, 48
"""Margins of the figure, in pixels; those of residuals too, so that the axes stand below each other."""
COLORS = {"machine": GREY, "this run": PALETTE[0], "GPU": PALETTE[1]}
MB_IN_GB = 1024


@dataclass(frozen=True)
class Row:
    """One small chart: whose curve is which column."""

    title: str
    unit: str
    columns: dict[str, str]
    divisor: float = 1.0
    most: float | None = None
    """Upper end of the axis, where it is known."""


ROWS = (
    Row("load", "%", {"machine": "cpu_percent", "this run": "run_cpu_percent", "GPU": "gpu_percent"}, most=100),
    Row(
        "memory",
        "GB",
        {"machine": "memory_used_mb", "this run": "run_memory_mb", "GPU": "gpu_memory_used_mb"},
        MB_IN_GB,
    ),
    Row("GPU", "°C", {"GPU": "gpu_temperature_c"}),
    Row("GPU", "W", {"GPU": "gpu_power_w"}),
    Row("disk free", "GB", {"machine": "disk_free_mb"}, MB_IN_GB),
)


def machine_figure(
    readings: Placed,
    *,
    x_title: str,
    revision: str = "",
    log_x: bool = False,
    rows: Sequence[Row] = ROWS,
    colors: Mapping[str, str] = COLORS,
    row_height: int = ROW,
) -> go.Figure:
    """The machine alone; `layout.height` says how high it wants to be.

    Args:
        readings: on the axis that is drawn.
        x_title: of the x axis.
        revision: zoom and hidden curves are kept as long as this stays the same.
        log_x: logarithmic x axis.
        rows: what is drawn.
        colors: of whose curve.
        row_height: in pixels.
    """
    figure = go.Figure()
    figure.update_layout(
        uirevision=revision or "fixed",
        margin={"l": 64, "r": 12, "t": TOP, "b": BOTTOM},
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": {"text": x_title}, "type": "log" if log_x else "linear"},
    )
    return with_machine(figure, readings, height=0, log_x=log_x, rows=rows, colors=colors, row_height=row_height)


def with_machine(
    figure: go.Figure,
    readings: Placed,
    *,
    height: int,
    log_x: bool = False,
    rows: Sequence[Row] = ROWS,
    colors: Mapping[str, str] = COLORS,
    row_height: int = ROW,
) -> go.Figure:
    """Add the machine's rows below a figure's own chart, on its x axis: what is zoomed there is zoomed here.

    Args:
        figure: with one chart, or none yet; it is changed, and `layout.height` says how high it wants to be now.
        readings: on the same axis; a row of which nothing was read is left out.
        height: of the figure as it is, in pixels; 0 for none yet.
        log_x: logarithmic x axis.
        rows: what is drawn.
        colors: of whose curve.
        row_height: in pixels.
    """
    rows = [row for row in rows if any(_has(readings, name) for name in row.columns.values())]
    if not rows:
        return figure
    own = max(0, height - TOP - BOTTOM)
    whole = own + len(rows) * (row_height + GAP) - (0 if own else GAP)
    first = 2 if own else 1
    if own:
        figure.update_layout(yaxis_domain=[1 - own / whole, 1])
    said: set[str] = {trace.name for trace in figure.data}
    for k, row in enumerate(rows):
        top = 1 - (own + k * (row_height + GAP) + (GAP if own else 0)) / whole
        axis = "y" if first + k == 1 else f"y{first + k}"
        figure.update_layout({axis.replace("y", "yaxis"): _axis(row, (max(0.0, top - row_height / whole), top))})
        for whose, column in row.columns.items():
            if _has(readings, column):
                x, y = _line(readings, column, log_x)
                figure.add_scatter(
                    x=x,
                    y=y / row.divisor,
                    yaxis=axis,
                    name=whose,
                    legendgroup=f"machine: {whose}",
                    showlegend=whose not in said,
                    mode="lines" if len(x) > 1 else "markers",
                    connectgaps=False,
                    line={"color": colors[whose], "width": 1.4},
                    hovertemplate=f"%{{y:.4~g}} {row.unit}",
                )
                said.add(whose)
    figure.update_layout(
        height=whole + TOP + BOTTOM,
        hoversubplots="axis",
        xaxis_anchor=f"y{first + len(rows) - 1}" if first + len(rows) - 1 > 1 else "y",
    )
    return figure


def _has(readings: Placed, column: str) -> bool:
    return bool(len(readings.x)) and column in readings.values and bool(np.isfinite(readings.values[column]).any())


def _axis(row: Row, domain: tuple[float, float]) -> dict:
    title = {"text": f"{row.title}, {row.unit}", "font": {"size": 10}}
    span = {"range": [0, 1.04 * row.most]} if row.most else {"rangemode": "tozero"}
    return {"domain": domain, "anchor": "x", "title": title, "nticks": 3, "tickfont": {"size": 10}, **span}


def _line(readings: Placed, column: str, log_x: bool) -> tuple[np.ndarray, np.ndarray]:
    """The points of a curve (n,), at most `POINTS` with its minima and maxima, and NaN wherever it is interrupted."""
    x, y = readings.x, readings.values[column]
    curve = bucket(x, y, POINTS, log_x=log_x)
    unknown = ~np.isfinite(y)
    broken = x[readings.gaps | unknown]  # the line ends before it
    places = np.unique(np.searchsorted(curve.x, broken))
    places = places[(places > 0) & (places < len(curve.x))]
    return np.insert(curve.x, places, curve.x[places]), np.insert(curve.y, places, np.nan)
