"""Figures of a profile: its fields, and its residual over all scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go

from core.singularity.certificate import Certificate
from core.solution.grid import SolutionGrid
from pages.parts.shared.figures import sizes
from pages.parts.shared.palette import GREY, PALETTE

SYMBOLS = {"Omega": "Ω", "U": "U", "HOmega": "HΩ"}
COLORS = {"Omega": PALETTE[0], "U": PALETTE[2], "HOmega": PALETTE[1]}
AXES = ("asinh y", "log y")
CORE = 6.0
"""The shape of a profile is within |asinh y| of this; the tails beyond are for the log axis, or a double click."""


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
                    x=x[kept], y=sizes(values) if logarithmic else values, customdata=grid.axes[0][kept],
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
            x=x[kept], y=sizes(values[kept]), customdata=grid.axes[0][kept], mode="lines", name="|R|",
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
