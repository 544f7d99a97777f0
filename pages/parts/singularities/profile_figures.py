"""Figures of a profile: its fields, and its residual over all scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.singularity.certificate import Certificate
from core.solution.grid import SolutionGrid
from pages.parts.shared.figures import sizes
from pages.parts.shared.palette import GREY, PALETTE

SYMBOLS = {
    "Omega": "Ω", "U": "U", "HOmega": "HΩ", "U1": "U₁", "U2": "U₂", "R": "R", "R1": "∂₁R", "R2": "∂₂R",
    "Theta": "Θ", "Theta1": "∂₁Θ", "Theta2": "∂₂Θ", "Omega_1": "∂₁Ω", "Theta1_1": "∂₁²Θ",
}  # fmt: skip
COLORS = {
    "Omega": PALETTE[0], "U": PALETTE[2], "HOmega": PALETTE[1], "U1": PALETTE[2], "U2": PALETTE[5], "R": PALETTE[4],
    "R1": PALETTE[1], "R2": PALETTE[3], "Theta": PALETTE[4], "Theta1": PALETTE[1], "Theta2": PALETTE[3],
    "Omega_1": PALETTE[0], "Theta1_1": PALETTE[1],
}  # fmt: skip
GROWING = ("U", "U1", "U2", "R", "Theta")
"""What grows with y, or is not its derivative."""
AXES = ("asinh y", "log y")
CORE = 6.0
"""The shape of a profile is within |asinh y| of this; the tails beyond are for the log axis, or a double click."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NARROWEST, LABEL = 420, 44
"""Pixels: of a panel in a window 1,280 wide, and of a tick's label with the room around it."""


def profile_figure(grid: SolutionGrid, fields: Sequence[str], axis: str, revision: str) -> go.Figure:
    """The profile's fields over y, the exact ones dashed; as they are over asinh y, their size over log y.

    Over asinh y the velocity, which grows with y, has a panel of its own: beside it a vorticity would look like zero.
    """
    logarithmic = axis == "log y"
    x, kept = _drawn(grid, logarithmic)
    panels = [fields] if logarithmic else _panels(fields)
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.07)
    row = {field: k for k, panel in enumerate(panels, start=1) for field in panel}
    for field in fields:
        for whole, label, dash, width in (
            (grid.values.get(field), SYMBOLS[field], "solid", 2.2),
            (grid.exact_of(field), f"{SYMBOLS[field]} exact", "dash", 1.6),
        ):
            if whole is not None:
                values = whole[kept]
                figure.add_scatter(
                    x=x[kept], y=sizes(values) if logarithmic else values, customdata=grid.axes[0][kept],
                    name=f"|{label}|" if logarithmic else label, mode="lines",
                    line={"color": COLORS[field] if dash == "solid" else GREY, "dash": dash, "width": width},
                    hovertemplate="y = %{customdata:.4g}: %{y:.6g}", row=row[field], col=1,
                )  # fmt: skip
    figure.update_layout(**_layout(revision))
    title, ticks = _axis(grid, logarithmic, CORE)
    figure.update_xaxes(**ticks)
    figure.update_xaxes(title=title, row=len(panels), col=1)
    if logarithmic:
        figure.update_yaxes(type="log", exponentformat="power", dtick=2)
        return figure
    figure.update_xaxes(range=[max(-CORE, x[0]), CORE])
    near = np.abs(x) <= CORE
    for k, panel in enumerate(panels, start=1):
        inside = np.concatenate([grid.values[field][near] for field in panel])
        pad = 0.06 * (inside.max() - inside.min())
        names = ", ".join(SYMBOLS[field] for field in panel)
        figure.update_yaxes(title_text=names, range=[inside.min() - pad, inside.max() + pad], row=k, col=1)
    return figure


def _panels(fields: Sequence[str]) -> list[list[str]]:
    """Fields that are of one size together: vorticity, Hilbert transform and gradients, then what they are of."""
    panels = [[field for field in fields if field not in GROWING], [field for field in fields if field in GROWING]]
    return [panel for panel in panels if panel]


def profile_residual_figure(grid: SolutionGrid, axis: str, certificate: Certificate | None, revision: str) -> go.Figure:
    """The residuals' size on a log axis over all scales of y, with the certificate's tolerance."""
    figure = go.Figure()
    logarithmic = axis == "log y"
    x, kept = _drawn(grid, logarithmic)
    for k, (name, values) in enumerate(grid.residuals.items()):
        figure.add_scatter(
            x=x[kept], y=sizes(values[kept]), customdata=grid.axes[0][kept], mode="lines", name=name,
            line={"color": PALETTE[(1 + k) % len(PALETTE)], "width": 1.2},
            hovertemplate="y = %{customdata:.4g}: %{y:.2e}",
        )  # fmt: skip
    if certificate is not None:
        figure.add_hline(y=certificate.tolerance, line={"width": 1, "dash": "dash", "color": GREY})
        figure.add_annotation(
            x=1, xref="paper", y=np.log10(certificate.tolerance), text="tolerance", showarrow=False, xanchor="right",
            yanchor="bottom", font={"size": 11},
        )  # fmt: skip
    figure.update_layout(**_layout(revision), showlegend=False)
    title, ticks = _axis(grid, logarithmic, x[-1])
    figure.update_xaxes(title=title, **ticks)
    figure.update_yaxes(type="log", exponentformat="power", dtick=2, title_text="|R|")
    return figure


def _drawn(grid: SolutionGrid, logarithmic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Positions along the axis (n,), and which of the points are drawn: on a log axis the positive half."""
    y = grid.axes[0]
    return (y, y > 0) if logarithmic else (np.arcsinh(y), np.ones(len(y), dtype=bool))


def _axis(grid: SolutionGrid, logarithmic: bool, reach: float) -> tuple[dict, dict]:
    """Title and ticks of the axis of y, with numbers of y, not of its asinh.

    Args:
        grid: the sampled profile.
        logarithmic: over log y.
        reach: largest asinh y that is shown; only as many decades are named as have room between −reach and reach.
    """
    if logarithmic:
        return {"text": grid.coordinates[0]}, {"type": "log", "exponentformat": "power", "dtick": 2}
    y = grid.coordinates[0]
    return {"text": f"{y}, even in asinh {y}"}, decades_of(grid.axes[0][-1], reach)


def decades_of(last: float, reach: float, unit: float = 1.0) -> dict:
    """Ticks of an axis that is even in asinh(y/unit), named by y.

    Args:
        last: largest y.
        reach: largest asinh(y/unit) that is shown; as many decades are named as have room between −reach and reach.
        unit: below it the axis is linear.
    """
    pixels = NARROWEST / (2 * reach)  # of one unit of the asinh
    step = int(np.ceil(LABEL / (np.log(10) * pixels)))
    first = int(np.floor(np.log10(unit)))
    while np.arcsinh(10.0**first / unit) * pixels <= LABEL / 2:  # a bare 1 beside a bare 0 needs less room
        first += 1
    decades = np.arange(first, int(np.log10(last)) + 1, step)
    ticks = np.concatenate([-(10.0 ** decades[::-1]), [0], 10.0**decades])
    named = [f"{'−' if v < 0 else ''}{abs(v):g}" if 0.01 <= abs(v) <= 100 or v == 0 else _power(v) for v in ticks]
    return {"tickvals": np.arcsinh(ticks / unit), "ticktext": named}


def _power(value: float) -> str:
    return f"{'−' if value < 0 else ''}10{str(round(np.log10(abs(value)))).translate(SUPERSCRIPTS)}"


def _layout(revision: str) -> dict:
    return {
        "uirevision": revision,
        "margin": {"l": 64, "r": 12, "t": 12, "b": 48},
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
