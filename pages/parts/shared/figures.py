"""Pure figure builders: arrays in, plotly figures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go

from core.names import residual_of, unknown_column
from core.reports.blocks import Chart
from core.reports.plotly_figure import decade_step, plotly_figure
from core.runs.curves import Curves, bucket, recorded
from pages.parts.shared.palette import GREY, PALETTE

POINTS = 2000
"""Most points drawn of one curve."""
MOST_STAGES = 10
"""Stages that are marked; of more, as runs in windows of time have, every second, third …."""
SAID = 4
"""Most curves of which it is said why they can't be seen."""
LINE = 18
"""Height of a line of that, in pixels."""


@dataclass(frozen=True)
class Series:
    """One curve to draw."""

    x: np.ndarray
    y: np.ndarray
    name: str
    color: str
    dash: str = "solid"
    group: str = ""
    width: float = 1.6
    opacity: float = 1.0


def curve_figure(
    series: list[Series],
    *,
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = True,
    revision: str = "",
    stages: list[tuple[int, float]] = (),
    reference: tuple[str, float] | None = None,
) -> go.Figure:
    """Curves over each other, thinned to 2,000 points each by minima and maxima; NaN and infinity are marked.

    Args:
        series: what to draw; what has no points is no curve, and NaN from end to end is only told of.
        x_title: of the x axis.
        y_title: of the y axis.
        log_x: logarithmic x axis.
        log_y: logarithmic y axis; values that are not positive are left out and counted, never remapped.
        revision: zoom and hidden curves are kept as long as this stays the same.
        stages: (stage, x) marks.
        reference: a named horizontal line.
    """
    figure, said = go.Figure(), []
    shown = total = hidden = 0
    lowest, highest = np.inf, -np.inf
    for item in series:
        if item.opacity == 1 and (what := _peculiar(item, x_title.removeprefix("log "), log_x, log_y)):
            said.append(f"{what}: {item.name}")
        if np.isnan(item.y).all():
            continue
        curve = bucket(item.x, item.y, POINTS, log=log_y, log_x=log_x)
        shown, total, hidden = shown + curve.shown, total + curve.total, hidden + curve.not_positive
        if curve.shown:
            lowest, highest = min(lowest, curve.y.min()), max(highest, curve.y.max())
        figure.add_scatter(
            x=curve.x.astype(np.float64 if log_x else np.float32),
            y=curve.y,
            name=item.name,
            legendgroup=item.group or item.name,
            mode="lines" if len(np.unique(curve.x)) > 1 else "markers",
            line={"color": item.color, "width": item.width, "dash": item.dash},
            opacity=item.opacity,
            showlegend=item.opacity == 1,
            hoverinfo="skip" if item.opacity < 1 else None,
            hovertemplate="%{y:.3e}" if item.opacity == 1 else None,
        )
        if len(curve.not_finite):
            base = curve.y.max() if curve.shown else 1.0
            figure.add_scatter(
                x=(marked := curve.not_finite[:: len(curve.not_finite) // POINTS + 1]),
                y=np.full(len(marked), base),
                name=f"{item.name}: NaN or infinite",
                legendgroup=item.group or item.name,
                mode="markers",
                marker={"symbol": "x", "size": 7, "color": "#dc2626"},
                hovertemplate="not finite at %{x}",
            )
    for stage, x in stages[1 :: 1 + len(stages) // MOST_STAGES]:
        figure.add_vline(x=x, line={"width": 1, "dash": "dot", "color": GREY})
        figure.add_annotation(
            x=np.log10(x) if log_x else x,
            y=1,
            yref="paper",
            text=f"stage {stage + 1}",
            showarrow=False,
            xanchor="left",
            yanchor="top",
            font={"size": 11, "color": GREY},
        )
    if reference:
        name, value = reference
        figure.add_hline(y=value, line={"width": 1, "dash": "dash", "color": GREY})
        figure.add_annotation(
            x=1, xref="paper", y=value, text=name, showarrow=False, xanchor="right", yanchor="bottom", font={"size": 11}
        )
    note = f"{shown:,} of {total:,} points" if shown < total else f"{total:,} points"
    if hidden:
        note += f", {hidden:,} not positive and not shown"
    figure.add_annotation(
        x=1,
        y=0,
        yshift=-44,
        xref="paper",
        yref="paper",
        yanchor="bottom",
        text=note,
        showarrow=False,
        font={"size": 10, "color": GREY},
    )
    lines = said[:SAID] + [f"… and {len(said) - SAID} more"] * (len(said) > SAID)
    for k, text in enumerate(lines):  # in an empty chart at its top, else below the axis, where no curve is
        figure.add_annotation(
            x=0.01, y=0 if shown else 1, yshift=-(50 if shown else 6) - LINE * k, xref="paper", yref="paper",
            xanchor="left", yanchor="top", text=text, showarrow=False,
        )  # fmt: skip
    figure.update_layout(
        uirevision=revision or "fixed",
        margin={"l": 64, "r": 12, "t": 12, "b": 48 + LINE * len(lines) * (shown > 0)},
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": {"text": x_title}, "type": "log" if log_x else "linear"},
        yaxis={"title": {"text": y_title}, "type": "log" if log_y else "linear", "exponentformat": "power"},
    )
    if log_y and 0 < lowest <= highest and (step := decade_step(lowest, highest)):
        figure.update_yaxes(dtick=step)  # decades only, no 2 and 5 between
    return figure


def _peculiar(item: Series, x_title: str, log_x: bool, log_y: bool) -> str | None:
    """Why a curve is not where one looks for it, in words; None where it is."""
    x, y = item.x[np.isfinite(item.y)], item.y[np.isfinite(item.y)]
    if len(item.y) and not len(y):
        return f"All {len(item.y):,} values are {'NaN' if np.isnan(item.y).all() else 'NaN or infinite'}"
    if log_y and len(y) and not (y > 0).any():
        return f"All {len(y):,} values are {'0 or less' if y.any() else '0'}: nothing for a log axis"
    if log_x and len(x) and not (x > 0).any():
        return f"All {len(x):,} points are at {x_title} 0 or before: nothing for a log axis"
    if len(x) > 1 and (x == x[0]).all():
        return f"All {len(x):,} points are at {x_title} {x[0]:g}"
    return None


X_TITLES = {"iteration": "iteration", "wall_time_s": "seconds of training"}
"""What a run's curves may be drawn against."""


def residual_figure(curves: Curves, run_id: str, axis: str = "iteration") -> go.Figure:
    """All residuals of one run: largest, RMS, each equation where there are several, and the loss."""
    series = [
        Series(*recorded(curves, "max_residual", axis), "max |R|", PALETTE[1]),
        Series(*recorded(curves, "rms_residual", axis), "RMS R", PALETTE[0]),
        Series(*recorded(curves, "loss", axis), "loss", PALETTE[9], "dot"),
    ]
    terms = {name: residual for name in curves.names if (residual := residual_of(name)) is not None}
    if len(terms) > 1:
        series += [
            Series(*recorded(curves, name, axis), f"RMS {residual}", PALETTE[2 + k % 7], "dash")
            for k, (name, residual) in enumerate(terms.items())
        ]
    return curve_figure(
        series,
        x_title=X_TITLES[axis],
        y_title="residual",
        revision=f"{run_id} {axis}",
        stages=curves.stage_starts(axis),
    )


def lambda_figure(
    curves: Curves, run_id: str, reference: float | None, name: str = "λ", axis: str = "iteration"
) -> go.Figure:
    """λ, or what the problem calls it, with its reference where one is known."""
    series = [Series(*recorded(curves, "lambda", axis), name, PALETTE[2])]
    figure = curve_figure(
        series,
        x_title=X_TITLES[axis],
        y_title=name,
        log_y=False,
        revision=f"{run_id} {axis}",
        reference=("reference", reference) if reference is not None else None,
    )
    figure.update_layout(showlegend=False)
    figure.update_traces(hovertemplate="%{y:.13g}", selector={"name": name})
    figure.update_yaxes(exponentformat="none", automargin=True, title_standoff=6)  # λ settles to ten digits
    return figure


def line_figure(chart: Chart) -> go.Figure:
    """A chart of a report on a page; unlike `curve_figure` it is drawn as it is, since it was thinned before."""
    return go.Figure(plotly_figure(chart))


def unknowns_figure(curves: Curves, run_id: str, names: Sequence[str], axis: str = "iteration") -> go.Figure:
    """Several unknown numbers, each over its last value: they may differ by orders of magnitude."""
    series = []
    for place, name in enumerate(names):
        x, values = recorded(curves, unknown_column(name) if place else "lambda", axis)
        last = values[-1] if len(values) and values[-1] else 1.0
        series.append(Series(x, values / last, name, PALETTE[(2 + place) % len(PALETTE)]))
    title = f"{', '.join(names)} over the last value"
    figure = curve_figure(
        series, x_title=X_TITLES[axis], y_title=title, log_y=False, revision=f"{run_id} {axis}", reference=None
    )
    figure.update_traces(hovertemplate="%{y:.10g}")
    return figure


def sizes(values: np.ndarray) -> np.ndarray:
    """Absolute values for a log axis; an exact zero has none there and is left out."""
    return np.where(values == 0, np.nan, np.abs(values))
