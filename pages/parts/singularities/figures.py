"""Figures of the search for λ: its iterations, the funnel, λ over the order, the profile, its residual, the blow-up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.runs.curves import RunCurves
from core.runs.funnel import FunnelPoint, bracket
from core.singularity.certificate import Certificate
from core.singularity.digits import lambda_text
from core.singularity.found import Found
from core.singularity.laws import LAWS, published
from core.singularity.reconstruction import BlowUp
from core.singularity.similarity import PHYSICAL
from core.solution.grid import SolutionGrid
from pages.parts.shared.figures import PALETTE, Series, curve_figure, lambda_figure

SYMBOLS = {"Omega": "Ω", "U": "U", "HOmega": "HΩ"}
COLORS = {"Omega": PALETTE[0], "U": PALETTE[2], "HOmega": PALETTE[1]}
GREY = "#94a3b8"
AXES = ("asinh y", "log y")
CORE = 6.0
"""The shape of a profile is within |asinh y| of this; the tails beyond are for the log axis, or a double click."""


def iterations_figure(curves: RunCurves, run_id: str, target: float | None, reference: float | None) -> go.Figure:
    """λ against iteration, or |λ − target| on a log axis where there is a target."""
    if target is None:
        return lambda_figure(curves, run_id, reference)
    iteration, lam = curves.points("lambda")
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
    x = lam if center is None else _positive(lam - center)
    y = r_hat if center is None else _positive(r_hat)
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
    law, known = LAWS[kind], published(kind)
    n = np.linspace(*law.ends, 121)
    figure.add_scatter(
        x=n, y=[law.value(float(v)) for v in n], name=law.label, mode="lines",
        line={"color": GREY, "dash": "dash", "width": 1.4}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=[x for x, _ in known], y=[lam for _, lam in known], mode="markers",
        name="exact" if law.kind == "exact" else "published or exact",
        marker={"symbol": "diamond-open", "size": 15, "color": PALETTE[1], "line": {"width": 2}},
        hovertemplate="%{x:g}: λ = %{y:.13g}<extra>known</extra>",
    )  # fmt: skip
    for label, holds, color in (
        ("certificate holds", True, PALETTE[0]),
        ("certificate does not hold", False, PALETTE[3]),
        ("no certificate yet", None, GREY),
    ):
        group = [run for run in runs if run.holds is holds and run.lambda_ is not None]
        if group:
            figure.add_scatter(
                x=[run.parameter for run in group],
                y=[run.lambda_ for run in group],
                error_y={"array": [run.uncertainty or 0.0 for run in group], "thickness": 1},
                name=label,
                mode="markers",
                marker={"color": color, "size": [11 if run.run_id == chosen else 7 for run in group],
                        "line": {"width": [2 if run.run_id == chosen else 0 for run in group], "color": PALETTE[4]}},
                text=[f"{run.name} · {lambda_text(run.lambda_, run.uncertainty)}" for run in group],
                hovertemplate="%{text}<extra></extra>",
            )  # fmt: skip
    over = "advection a" if kind == "gclm" else "order n"
    figure.update_layout(
        uirevision=kind,
        margin={"l": 56, "r": 12, "t": 12, "b": 48},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
        xaxis={"title": {"text": over}, **({} if kind == "gclm" else {"dtick": 1, "range": [-0.3, law.ends[1] + 0.3]})},
        yaxis={"title": {"text": "λ"}},
    )
    return figure


def profile_figure(grid: SolutionGrid, fields: Sequence[str], axis: str, revision: str) -> go.Figure:
    """The profile's fields over y, the exact ones dashed; as they are over asinh y, their size over log y."""
    figure = go.Figure()
    logarithmic = axis == "log y"
    x, kept = _drawn(grid, logarithmic)
    for field in fields:
        for name, label, dash, width in (
            (field, SYMBOLS[field], "solid", 2.2),
            (f"{field}_exact", f"{SYMBOLS[field]} exact", "dash", 1.6),
        ):
            if name in grid.values:
                values = grid.values[name][kept]
                figure.add_scatter(
                    x=x[kept], y=_positive(values) if logarithmic else values, customdata=grid.axes[0][kept],
                    name=f"|{label}|" if logarithmic else label, mode="lines",
                    line={"color": COLORS[field] if dash == "solid" else GREY, "dash": dash, "width": width},
                    hovertemplate="y = %{customdata:.4g}: %{y:.6g}",
                )  # fmt: skip
    figure.update_layout(**_layout(revision))
    figure.update_xaxes(**_axis(grid, logarithmic))
    if logarithmic:
        figure.update_yaxes(type="log", exponentformat="power", dtick=2)
    else:
        figure.update_xaxes(range=[-CORE, CORE])
        near = np.abs(x) <= CORE
        inside = np.concatenate([grid.values[field][near] for field in fields])
        pad = 0.06 * (inside.max() - inside.min())
        figure.update_yaxes(range=[inside.min() - pad, inside.max() + pad])
    return figure


def profile_residual_figure(grid: SolutionGrid, axis: str, certificate: Certificate | None, revision: str) -> go.Figure:
    """The residuals' size on a log axis over all scales of y, with the certificate's tolerance."""
    figure = go.Figure()
    logarithmic = axis == "log y"
    x, kept = _drawn(grid, logarithmic)
    for k, (name, values) in enumerate(item for item in grid.values.items() if item[0].startswith("residual_")):
        figure.add_scatter(
            x=x[kept], y=_positive(values[kept]), customdata=grid.axes[0][kept], mode="lines", name="|R|",
            line={"color": PALETTE[(1 + k) % len(PALETTE)], "width": 1.2},
            hovertemplate="y = %{customdata:.4g}: %{y:.2e}<extra>" + name + "</extra>",
        )  # fmt: skip
    if certificate is not None:
        figure.add_hline(y=certificate.tolerance, line={"width": 1, "dash": "dash", "color": GREY})
        figure.add_annotation(
            x=1, xref="paper", y=np.log10(certificate.tolerance), text="tolerance", showarrow=False, xanchor="right",
            yanchor="bottom", font={"size": 11},
        )  # fmt: skip
    figure.update_layout(**_layout(revision), showlegend=False)
    figure.update_xaxes(**_axis(grid, logarithmic))
    figure.update_yaxes(type="log", exponentformat="power", dtick=2, title_text="|R|")
    return figure


def blow_up_figure(found: BlowUp) -> go.Figure:
    """The solution as blow-up approaches: on a window that stays, and over all scales; a slider and a play button.

    Where it was at t = 0 stays in grey.
    """
    shown, x, far, near, tails = found.field, found.x, found.far, found.near, found.tails
    name = PHYSICAL[shown]
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.1)
    line = {"color": COLORS[shown], "width": 2.2}
    figure.add_scatter(x=x, y=_short(near[0]), mode="lines", line={**line, "color": GREY, "width": 1}, row=1, col=1)
    figure.add_scatter(x=far, y=_short(tails[0]), mode="lines", line={**line, "color": GREY, "width": 1}, row=1, col=2)
    figure.add_scatter(x=x, y=_short(near[0]), mode="lines", line=line, row=1, col=1)
    figure.add_scatter(x=far, y=_short(tails[0]), mode="lines", line=line, row=1, col=2)
    frames, steps = [], []
    for k, moment in enumerate(found.moments):
        top = 1.08 * float(np.abs(near[k]).max())
        frames.append(
            go.Frame(
                name=str(k),
                data=[{"y": _short(near[k])}, {"y": _short(tails[k])}],
                traces=[2, 3],
                layout={"yaxis": {"range": [-top, top]}},
            )
        )
        still = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
        steps.append({"label": f"{moment:.1f}", "method": "animate", "args": [[str(k)], still]})
    figure.frames = frames
    top = 1.08 * float(np.abs(near[0]).max())
    figure.update_xaxes(title_text="x", row=1, col=1)
    figure.update_yaxes(title_text=f"{name}(x, t)", range=[-top, top], exponentformat="power", row=1, col=1)
    figure.update_xaxes(title_text="|x|", type="log", exponentformat="power", dtick=2, row=1, col=2)
    sizes = np.log10(tails[tails > 0])
    figure.update_yaxes(
        title_text=f"|{name}|", type="log", exponentformat="power", dtick=2,
        range=[sizes.min() - 0.3, sizes.max() + 0.3], row=1, col=2,
    )  # fmt: skip
    playing = {"frame": {"duration": 90, "redraw": False}, "transition": {"duration": 0}, "fromcurrent": True}
    stopped = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}}
    figure.update_layout(
        uirevision=f"blow-up.{shown}",
        showlegend=False,
        margin={"l": 72, "r": 12, "t": 12, "b": 12},
        sliders=[
            {
                "steps": steps,
                "pad": {"t": 52, "l": 8},
                "len": 0.86,
                "x": 0.14,
                "currentvalue": {"prefix": "log₁₀ of the time to blow-up: "},
                "tickcolor": GREY,
                "bordercolor": GREY,
                "bgcolor": GREY,
                "activebgcolor": PALETTE[0],
                "ticklen": 3,
                "minorticklen": 0,
                "transition": {"duration": 0},
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "x": 0,
                "y": 0,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 84},
                "showactive": False,
                "bgcolor": "rgba(0,0,0,0)",
                "bordercolor": GREY,
                "buttons": [
                    {"label": "Play", "method": "animate", "args": [None, playing]},
                    {"label": "Pause", "method": "animate", "args": [[None], stopped]},
                ],
            }
        ],
    )
    return figure


def _drawn(grid: SolutionGrid, logarithmic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Positions along the axis (n,), and which of the points are drawn: on a log axis the positive half."""
    y = grid.axes[0]
    return (y, y > 0) if logarithmic else (np.arcsinh(y), np.ones(len(y), dtype=bool))


def _axis(grid: SolutionGrid, logarithmic: bool) -> dict:
    """The y axis with numbers of y, not of its asinh."""
    if logarithmic:
        return {"title": {"text": "y"}, "type": "log", "exponentformat": "power", "dtick": 2}
    decades = np.arange(0, int(np.log10(grid.axes[0][-1])) + 1)
    ticks = np.concatenate([-(10.0 ** decades[::-1]), [0], 10.0**decades])
    every = [f"{'−' if v < 0 else ''}{abs(v):g}" if abs(v) <= 100 else _power(v) for v in ticks]
    return {"title": {"text": "y, even in asinh y"}, "tickvals": np.arcsinh(ticks), "ticktext": every}


def _power(value: float) -> str:
    return f"{'−' if value < 0 else ''}10<sup>{round(np.log10(abs(value)))}</sup>"


def _layout(revision: str) -> dict:
    return {
        "uirevision": revision,
        "margin": {"l": 64, "r": 12, "t": 12, "b": 48},
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }


def _positive(values: np.ndarray) -> np.ndarray:
    """Sizes for a log axis; an exact zero has none and is left out."""
    return np.where(values == 0, np.nan, np.abs(values))


def _short(values: np.ndarray) -> list[float]:
    """Four digits, which is more than a screen shows: sixty moments travel at once."""
    return [float(f"{value:.4g}") for value in values]
