"""A sweep in figures: its history, each field against the figure that trials are compared by, and importance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.reports.plotly_figure import decade_step
from core.sweeps import Seen
from core.sweeps.axis import Axis, titles
from core.sweeps.folder import Trial
from pages.parts.shared.metric_names import LABELS
from pages.parts.shared.palette import GREY, PALETTE

MOST_SLICES = 6
"""Fields drawn against the figure, the most important first."""
FEW = 16
"""Trials of which each has its tick."""
DIGITS_ALONE = 5
"""Values that differ by more than this factor get ticks at 1, 2 and 5 alone: all nine would touch."""
FINISHED, PRUNED, BEST = PALETTE[0], GREY, PALETTE[1]


def _metric_title(seen: Seen) -> str:
    return LABELS.get(f"metrics.{seen.sweep.metric}", seen.sweep.metric)


def _done(seen: Seen) -> list[Trial]:
    return [trial for trial in seen.known.trials if trial.value is not None and math.isfinite(trial.value)]


def _is_log(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0


def _axis(values: Sequence[float], log: bool) -> dict:
    axis = {"type": "log" if log else "linear", "exponentformat": "power"}
    if log and values and (step := decade_step(min(values), max(values))):
        axis["dtick"] = step
    elif log and values and max(values) > DIGITS_ALONE * min(values):
        axis["dtick"] = "D2"
    return axis


def history_figure(seen: Seen) -> go.Figure:
    """Each finished trial's figure by its number, the best until then, and the residual of pruned and running ones."""
    done = _done(seen)
    log = _is_log([trial.value for trial in done])
    figure = go.Figure()
    if done:
        numbers = [trial.number + 1 for trial in done]
        figure.add_scatter(
            x=numbers,
            y=[trial.value for trial in done],
            mode="markers",
            name="finished",
            marker={"size": 9, "color": FINISHED},
            hovertemplate="trial %{x}<br>%{y:.3e}",
        )
        figure.add_scatter(
            x=numbers,
            y=list(itertools.accumulate((trial.value for trial in done), min)),
            mode="lines",
            name="best until then",
            line={"shape": "hv", "color": BEST, "width": 2},
            hovertemplate="best %{y:.3e}",
        )
    for state, symbol in (("pruned", "x"), ("running", "circle-open")):
        some = [trial for trial in seen.known.trials if trial.state == state and (trial.best_residual or 0) > 0]
        if some:
            figure.add_scatter(
                x=[trial.number + 1 for trial in some],
                y=[trial.best_residual for trial in some],
                mode="markers",
                name=f"{state}: least residual so far",
                marker={"size": 9, "symbol": symbol, "color": PRUNED if state == "pruned" else FINISHED},
                hovertemplate="trial %{x}<br>%{y:.3e}",
            )
    shown = [trial.value for trial in done]
    figure.update_layout(
        xaxis={"title": {"text": "trial"}, "range": [0.5, seen.sweep.trials + 0.5]}
        | ({"dtick": 1} if seen.sweep.trials <= FEW else {}),
        yaxis={"title": {"text": _metric_title(seen)}} | _axis(shown, log or not shown),
        margin={"l": 70, "r": 12, "t": 12, "b": 48},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        showlegend=True,
        uirevision=seen.sweep_id,
    )
    return figure


def importance_figure(seen: Seen) -> go.Figure:
    """Share of the figure's variance that each field explains, the largest on top."""
    called = titles([axis.path for axis in seen.sweep.axes])
    shares = sorted(seen.known.importance.items(), key=lambda item: item[1])
    figure = go.Figure()
    figure.add_bar(
        x=[share for _, share in shares],
        y=[called.get(path, path) for path, _ in shares],
        orientation="h",
        marker={"color": FINISHED},
        text=[f"{share:.0%}" for _, share in shares],
        textposition="auto",
        hovertemplate="%{y}: %{x:.1%}",
    )
    figure.update_layout(
        xaxis={"range": [0, 1], "tickformat": ".0%"},
        yaxis={"type": "category", "automargin": True},
        margin={"l": 12, "r": 28, "t": 12, "b": 40},
        bargap=0.45,
        showlegend=False,
        uirevision=seen.sweep_id,
    )
    return figure


def slice_figure(seen: Seen) -> go.Figure:
    """Each field against the figure, one point a finished trial, later ones in more colour."""
    done = _done(seen)
    order = sorted(seen.sweep.axes, key=lambda axis: -seen.known.importance.get(axis.path, 0.0))[:MOST_SLICES]
    called = titles([axis.path for axis in seen.sweep.axes])
    figure = make_subplots(rows=1, cols=len(order), shared_yaxes=True, horizontal_spacing=0.02)
    values = [trial.value for trial in done]
    best = min(done, key=lambda trial: (trial.value, trial.number), default=None)
    for column, axis in enumerate(order, start=1):
        numbers = _numbers(axis, done)
        x = numbers if numbers is not None else [trial.values.get(axis.path, "") for trial in done]
        figure.add_scatter(
            x=x,
            y=values,
            mode="markers",
            marker={
                "size": [12 if trial is best else 8 for trial in done],
                "color": [trial.number + 1 for trial in done],
                "colorscale": [[0, GREY], [1, FINISHED]],
                "symbol": ["star" if trial is best else "circle" for trial in done],
                "line": {"width": [2 if trial is best else 0 for trial in done], "color": BEST},
            },
            customdata=[trial.number + 1 for trial in done],
            hovertemplate="%{x}<br>%{y:.3e}<br>trial %{customdata}",
            row=1,
            col=column,
        )
        log = numbers is not None and _spread(numbers) and (axis.log or not axis.is_range)
        kind = _axis(numbers or [], log) if numbers is not None else {"type": "category"}
        figure.update_xaxes(title={"text": called[axis.path]}, row=1, col=column, **kind)
    figure.update_yaxes(**_axis(values, _is_log(values)))
    figure.update_yaxes(title={"text": _metric_title(seen)}, row=1, col=1)
    figure.update_layout(
        margin={"l": 70, "r": 12, "t": 12, "b": 52}, showlegend=False, uirevision=f"{seen.sweep_id}{len(order)}"
    )
    return figure


def _numbers(axis: Axis, trials: Sequence[Trial]) -> list[float] | None:
    """What the trials tried of a field as numbers; None where some of it is none."""
    try:
        found = [float(trial.values[axis.path]) for trial in trials]
    except (KeyError, ValueError):
        return None
    return found if all(map(math.isfinite, found)) else None


def _spread(numbers: Sequence[float]) -> bool:
    """Whether numbers are positive and lie over more than a decade."""
    return bool(numbers) and min(numbers) > 0 and max(numbers) > 10 * min(numbers)
