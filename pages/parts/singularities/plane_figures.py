"""Figures of a profile above a wall: filled contours with streamlines, and its blow-up in physical time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go

from core.singularity.plane import STREAM
from core.singularity.plane_blow_up import PlaneBlowUp
from core.singularity.similarity import PHYSICAL
from core.solution.grid import SolutionGrid
from pages.parts.shared.palette import GREY
from pages.parts.singularities.player import player
from pages.parts.singularities.profile_figures import SUPERSCRIPTS, SYMBOLS, decades_of

VIEW = 6.0
"""The shape of a profile is within asinh(y/ℓ) of this; beyond it there are power laws, for a double click."""
RESIDUAL = "residual"
"""Chosen among the fields: the largest of the residuals, as a logarithm."""
ARROWS = 1.0
"""Between two arrows on the streamlines, in asinh(y/ℓ)."""
BARE = 0.15
"""So near to the axis and to the wall, in asinh(y/ℓ), no streamlines are drawn."""
POINTS = 400
"""Where there are more of them along the wall, half of them travel."""
SIGNED, POSITIVE = "RdBu_r", "Viridis"


def plane_figure(grid: SolutionGrid, shown: str, streamlines: bool, revision: str) -> go.Figure:
    """A field, or the residual, as filled contours over y₁ and y₂, both axes even in asinh(y/ℓ).

    Args:
        grid: of `core.singularity.plane.plane_file`.
        shown: a field, or RESIDUAL.
        streamlines: whether the flow U is drawn over it: level lines of the stream function, with arrows.
        revision: the view is kept as long as it stays.
    """
    grid, unit = _thinned(grid), float(grid.about["delta"])
    s1, s2 = (np.arcsinh(axis / unit) for axis in grid.axes)
    if shown == RESIDUAL:
        sizes = np.max([np.abs(part) for part in grid.residuals.values()], axis=0)
        values, title = np.log10(np.maximum(sizes, np.finfo(float).tiny)), "log₁₀ |R|"
    else:
        values, title = grid.values[shown], SYMBOLS[shown]
    seen = values[np.ix_(np.abs(s1) <= VIEW, s2 <= VIEW)]
    low, high = (np.quantile(seen, 0.02), seen.max()) if shown == RESIDUAL else (seen.min(), seen.max())
    scale = SIGNED if low < 0 < high and shown != RESIDUAL else POSITIVE
    low, high, step = _levels(float(low), float(high), signed=scale == SIGNED)
    figure = go.Figure()
    figure.add_contour(
        x=s1, y=s2, z=np.clip(values, low, high).T.astype(np.float32), colorscale=scale, zmin=low, zmax=high,
        contours={"coloring": "fill", "start": low, "end": high, "size": step},
        line={"width": 0}, colorbar=_bar(title, dtick=4 * step, tick0=0), name=title,
        hovertemplate="%{z:.4g}<extra></extra>",
    )  # fmt: skip
    if streamlines:
        _add_streamlines(figure, grid, s1, s2, unit)
    figure.update_layout(uirevision=revision, margin={"l": 52, "r": 12, "t": 12, "b": 44}, showlegend=False)
    ticks = decades_of(grid.axes[1][-1], VIEW, unit)
    figure.update_xaxes(title_text="y₁", range=[-VIEW, VIEW], zeroline=False, **ticks)
    # one scale for both, or the arrows would not lie on their lines; what is higher than that shows more of y₂
    figure.update_yaxes(title_text="y₂", range=[0, VIEW], scaleanchor="x", constraintoward="bottom", **ticks)
    return figure


def _thinned(grid: SolutionGrid) -> SolutionGrid:
    """What a screen shows of a sample: every second point, the axis among them where their number is 4k + 1."""
    if len(grid.axes[0]) <= POINTS:
        return grid
    values = {name: part[::2, ::2] for name, part in grid.values.items()}
    return replace(grid, axes=tuple(axis[::2] for axis in grid.axes), values=values)


def _levels(low: float, high: float, *, signed: bool) -> tuple[float, float, float]:
    """Lowest and highest level, and a round step of which there are 16 to 40 between them; about zero if signed."""
    if signed:
        low, high = -max(-low, high), max(-low, high)
    rough = (high - low) / 16 or 1.0
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(power * max(factor for factor in (1, 2, 2.5, 5) if factor * power <= rough))
    return np.floor(low / step) * step, np.ceil(high / step) * step, step


def _bar(title: str, **further) -> dict:
    return {
        "title": {"text": title, "side": "right"},
        "thickness": 12,
        "exponentformat": "power",
        "nticks": 7,
    } | further


def _add_streamlines(figure: go.Figure, grid: SolutionGrid, s1: np.ndarray, s2: np.ndarray, unit: float) -> None:
    """Level lines of the stream function, evenly in the logarithm of its size, and arrows along U.

    They all come near the wall and leave near the axis: next to both they are left out, or would be a thick bar.
    """
    stream, u1, u2 = (grid.values[name] for name in (STREAM, "U1", "U2"))
    core = np.ix_(np.abs(grid.axes[0]) <= 2 * unit, grid.axes[1] <= 2 * unit)
    lines = np.arcsinh(stream.T / np.abs(stream[core]).max() * 10).astype(np.float32)
    lines[:, np.abs(s1) < BARE], lines[s2 < BARE] = np.nan, np.nan
    figure.add_contour(
        x=s1, y=s2, z=lines,
        contours={"coloring": "none", "start": -30.25, "end": 30.25, "size": 1.1}, line={"color": GREY, "width": 1},
        showscale=False, hoverinfo="skip",
    )  # fmt: skip
    places = [
        (int(np.argmin(np.abs(s1 - a))), int(np.argmin(np.abs(s2 - b))))
        for a in np.arange(-VIEW + ARROWS / 2, VIEW, ARROWS)
        for b in np.arange(ARROWS / 2, 2 * VIEW, ARROWS)
    ]
    i, j = np.array(places).T
    along, up = u1[i, j] / np.cosh(s1[i]), u2[i, j] / np.cosh(s2[j])  # as drawn, dy = ℓ cosh(s) ds
    figure.add_scatter(
        x=s1[i], y=s2[j], mode="markers", hoverinfo="skip",
        marker={"symbol": "arrow", "size": 8, "color": GREY, "angle": np.degrees(np.arctan2(along, up))},
    )  # fmt: skip


def plane_blow_up_figure(found: PlaneBlowUp) -> go.Figure:
    """The solution above the wall as blow-up approaches, as contours and as a height; a slider and a play button.

    Axes are even in asinh(x/δ), so that every scale that the core passes is as wide as the others, and colours and
    heights are logarithms, with the sign of the field.
    """
    decades, name = found.logarithm.astype(np.float32), PHYSICAL[found.field]
    low, high = float(decades.min()), float(decades.max())
    scale = SIGNED if low < 0 < high else POSITIVE
    if scale == SIGNED:
        low, high = -max(-low, high), max(-low, high)
    ticks, step = _powers(found.smallest, low, high), (high - low) / 24 or 1.0
    coarse = (slice(None, None, 2), slice(None, None, 2))  # a height is turned, not read
    figure = go.Figure()
    figure.add_contour(
        x=found.s1, y=found.s2, z=decades[0].T, colorscale=scale, zmin=low, zmax=high,
        contours={"coloring": "fill", "start": low + step / 2, "end": high, "size": step},  # zero is within a band
        line={"width": 0}, showscale=False, hoverinfo="skip",
    )  # fmt: skip
    figure.add_surface(
        x=found.s1[::2], y=found.s2[::2], z=decades[0][coarse].T, colorscale=scale, cmin=low, cmax=high,
        colorbar=_bar(f"{name}(x, t)", **ticks, len=0.9), hoverinfo="skip", lighting={"ambient": 0.7, "specular": 0.05},
    )  # fmt: skip
    figure.frames = [
        go.Frame(
            name=str(k),
            traces=[0, 1],
            data=[{"type": "contour", "z": part.T}, {"type": "surface", "z": part[coarse].T}],
        )
        for k, part in enumerate(decades)
    ]
    named = decades_of(found.delta * np.sinh(found.s2[-1]), found.s2[-1], found.delta)
    figure.update_xaxes(title_text="x₁", domain=[0, 0.47], zeroline=False, **named)
    figure.update_yaxes(title_text="x₂", **named)
    few = {key: part[:: max(1, len(part) // 6)] for key, part in named.items()}
    figure.update_layout(
        uirevision=f"blow-up.{found.field}",
        margin={"l": 52, "r": 12, "t": 12, "b": 12},
        scene={
            "domain": {"x": [0.5, 1]},
            "aspectmode": "manual",
            "aspectratio": {"x": 2.0, "y": 1.0, "z": 0.8},
            "camera": {"eye": {"x": 0.65, "y": -2.05, "z": 1.0}, "center": {"x": 0, "y": 0, "z": -0.15}},
            "xaxis": {"title": {"text": "x₁"}, **few},
            "yaxis": {"title": {"text": "x₂"}, **few},
            "zaxis": {"title": {"text": name}, "range": [low, high], **ticks},
        },
        **player(found.moments, redraw=True),
    )
    return figure


def _powers(smallest: float, low: float, high: float) -> dict:
    """Ticks for decades above `smallest` with a sign: powers of ten, at most seven of them."""
    first = np.log10(smallest)
    exponents = np.arange(np.ceil(first + 0.3), np.floor(first + max(-low, high)) + 1)
    exponents = exponents[:: int(np.ceil(len(exponents) / 4)) or 1]
    signs = [sign for sign, there in ((-1, low < 0), (1, high > 0)) if there]
    named = sorted((sign * (e - first), f"{'−' if sign < 0 else ''}10{int(e)}") for e in exponents for sign in signs)
    raised = [text[: text.index("10") + 2] + text[text.index("10") + 2 :].translate(SUPERSCRIPTS) for _, text in named]
    return {"tickvals": [at for at, _ in named], "ticktext": raised}
