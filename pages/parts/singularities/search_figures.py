"""Figures of the search for λ: its iterations, the funnel, λ over the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.runs.curves import Curves, recorded
from core.runs.funnel import FunnelPoint, bracket
from core.singularity.digits import lambda_text, reference_text
from core.singularity.found import Found
from core.singularity.laws import LAWS, published
from pages.parts.shared.figures import Series, curve_figure, lambda_figure, sizes
from pages.parts.shared.palette import GREY, PALETTE


def iterations_figure(curves: Curves, run_id: str, target: float | None, reference: float | None) -> go.Figure:
    """λ against iteration, or |λ − target| on a log axis where there is a target."""
    if target is None:
        return lambda_figure(curves, run_id, reference)
    iteration, lam = recorded(curves, "lambda")
    distance = Series(iteration, np.abs(lam - target), "distance", PALETTE[2])
    figure = curve_figure(
        [distance], x_title="iteration", y_title="distance of λ", revision=f"{run_id}.{target}",
        stages=curves.stage_starts(),
    )  # fmt: skip
    return figure.update_layout(showlegend=False)


def funnel_figure(points: Sequence[FunnelPoint], run_id: str, center: float | None = None) -> go.Figure:
    """Largest residual and signed r̂ against λ, numbered in the order the secant took them, the bracket shaded.

    Args:
        points: at least one.
        run_id: whose funnel it is; the view is kept as long as it stays.
        center: where the funnel ends; given, sizes over |λ − center| are drawn, both on log axes, and triangles tell
            the sign of r̂.
    """
    lam, r_hat = np.array([p.lambda_ for p in points]), np.array([p.r_hat for p in points])
    x = lam if center is None else sizes(lam - center)
    y = r_hat if center is None else sizes(r_hat)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    for row, values, color, name, symbols in (
        (1, [p.max_residual for p in points], PALETTE[1], "max |R|", "circle"),
        (2, y, PALETTE[0], "r̂", ["triangle-up" if r > 0 else "triangle-down" for r in r_hat]),
    ):
        figure.add_scatter(
            x=x, y=values, mode="lines+markers+text", name=name, customdata=np.column_stack([lam, r_hat]),
            text=[str(k) for k in range(1, len(points) + 1)], textposition="middle right", textfont={"size": 11},
            line={"width": 1, "dash": "dot", "color": color}, marker={"size": 9, "color": color, "symbol": symbols},
            hovertemplate="λ %{customdata[0]:.14g}<br>max |R| or |r̂| %{y:.3e}<br>r̂ %{customdata[1]:.3e}"
            "<extra>step %{text}</extra>",
            cliponaxis=False, row=row, col=1,
        )  # fmt: skip
    if center is None:
        figure.add_hline(y=0, line={"width": 1, "color": GREY}, row=2, col=1)
        if ends := bracket(list(points)):
            low, high = sorted(point.lambda_ for point in ends)
            figure.add_vrect(x0=low, x1=high, fillcolor=GREY, opacity=0.25, line_width=0)
    figure.update_yaxes(title_text="max |R|", type="log", exponentformat="power", row=1, col=1)
    figure.update_yaxes(
        title_text="signed r̂" if center is None else "|r̂|", type="linear" if center is None else "log",
        exponentformat="power", row=2, col=1,
    )  # fmt: skip
    if center is None:
        figure.update_xaxes(exponentformat="none")
    else:
        figure.update_xaxes(type="log", exponentformat="power", dtick=2)
    figure.update_xaxes(title_text="λ" if center is None else f"|λ − {center:.6g}…|", row=2, col=1)
    figure.update_layout(uirevision=f"{run_id}.{center}", showlegend=False, margin={"l": 72, "r": 24, "t": 16, "b": 48})
    return figure


def order_figure(kind: str, runs: Sequence[Found], chosen: str) -> go.Figure:
    """λ of every run over its order (gCLM: over a), the published values, and the law that searches start from."""
    figure = go.Figure()
    law = LAWS[kind]
    n = np.linspace(*law.ends, 121)
    figure.add_scatter(
        x=n, y=[law.value(float(v)) for v in n], name=law.label, mode="lines",
        line={"color": GREY, "dash": "dash", "width": 1.4}, hoverinfo="skip",
    )  # fmt: skip
    for (source, known), symbol in zip(published(kind).items(), ("diamond-open", "x-thin-open"), strict=False):
        figure.add_scatter(
            x=[x for x, _ in known], y=[lam for _, lam in known], mode="markers", name=source,
            marker={"symbol": symbol, "size": 15, "color": PALETTE[1], "line": {"width": 2}},
            text=[reference_text(lam) for _, lam in known],
            hovertemplate=f"%{{x:g}}: λ = %{{text}}<extra>{source}</extra>",
        )  # fmt: skip
    _add_runs(figure, runs, chosen, {run.run_id: run.lambda_ for run in runs if run.lambda_ is not None})
    return figure.update_layout(**_over_order(kind, "λ"))


def order_distance_figure(kind: str, runs: Sequence[Found], chosen: str) -> go.Figure:
    """How far λ is from the first published or exact value of its order, on a log axis: every run, and later papers.

    A run without a distance, such as one whose λ was frozen at the published value, is not there.
    """
    figure = go.Figure()
    (first, known), *later = published(kind).items()
    reference = dict(known)
    for source, values in later:
        figure.add_scatter(
            x=[x for x, _ in values], y=sizes(np.array([lam - reference[x] for x, lam in values])), mode="markers",
            name=source, marker={"symbol": "x-thin-open", "size": 15, "color": PALETTE[1], "line": {"width": 2}},
            text=[reference_text(lam) for _, lam in values],
            hovertemplate=f"%{{x:g}}: λ = %{{text}}, off by %{{y:.1e}}<extra>{source}</extra>",
        )  # fmt: skip
    distances = {
        run.run_id: abs(run.lambda_ - reference[run.parameter])
        for run in runs
        if run.lambda_ is not None and run.parameter in reference and run.lambda_ != reference[run.parameter]
    }
    _add_runs(figure, runs, chosen, distances)
    figure.update_layout(**_over_order(kind, f"|λ − {first}|"))
    return figure.update_yaxes(type="log", exponentformat="power", dtick=2)


def _add_runs(figure: go.Figure, runs: Sequence[Found], chosen: str, height: Mapping[str, float]) -> None:
    """A marker for each run that has a height, with the uncertainty of its λ; by what its certificate says."""
    for label, holds, color in (
        ("certificate holds", True, PALETTE[0]),
        ("certificate does not hold", False, PALETTE[3]),
        ("no certificate yet", None, GREY),
    ):
        group = [run for run in runs if run.holds is holds and run.run_id in height]
        if group:
            figure.add_scatter(
                x=[run.parameter for run in group],
                y=[height[run.run_id] for run in group],
                error_y={"array": [run.uncertainty or 0.0 for run in group], "thickness": 1},
                name=label,
                mode="markers",
                marker={"color": color, "size": [11 if run.run_id == chosen else 7 for run in group],
                        "line": {"width": [2 if run.run_id == chosen else 0 for run in group], "color": PALETTE[4]}},
                text=[f"{run.name} · {lambda_text(run.lambda_, run.uncertainty)}" for run in group],
                hovertemplate="%{text}<extra></extra>",
            )  # fmt: skip


def _over_order(kind: str, title: str) -> dict:
    over = "advection a" if kind == "gclm" else "order n"
    ends = LAWS[kind].ends
    return {
        "uirevision": f"{kind}.{title}",
        "margin": {"l": 64, "r": 12, "t": 12, "b": 48},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
        "showlegend": True,
        "xaxis": {"title": {"text": over}, **({} if kind == "gclm" else {"dtick": 1, "range": [-0.3, ends[1] + 0.3]})},
        "yaxis": {"title": {"text": title}},
    }
