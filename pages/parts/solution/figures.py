"""What a sample is in numbers, as a curve where it has one coordinate, along a line, and as a histogram."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.solution.available import Viewable
from core.solution.drawing import displayed
from core.solution.grid import SolutionGrid, fixed
from core.solution.histogram import histogram
from core.solution.sampled import Sampled
from core.solution.scene import drawn_axes
from pages.parts.in_space.look import Look
from pages.parts.shared.figures import Series, curve_figure
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.palette import PALETTE
from pages.parts.shared.text import Markdown, figure_of, plain
from pages.parts.shared.unknown_text import unknown_text
from pages.parts.solution.form import KEY, URL, Quantity

LINE, HISTOGRAM, BESIDE = "along a line", "histogram", "beside another run"


def numbers(grid: Sampled, run: Viewable) -> Markdown:
    """How good the sampled solution is, in one line."""
    found = grid.accuracy()
    at = [f"{plain(name)} = {value:g}" for name, value in fixed(run.config.problem).items()]
    parts = [*at, f"{grid.points:,} points"]
    if found.max_residual is not None:
        parts.append(f"max |R| {figure_of(found.max_residual)}")
    if found.relative_l2_error is not None:
        parts.append(f"relative L2 error {figure_of(found.relative_l2_error)}")
    if found.max_error is not None:
        parts.append(f"max error {figure_of(found.max_error)}")
    for gap in (found.exact_gap, found.equation_gap):
        if gap:
            parts.append(plain(gap))
    if "lambda" in grid.about:
        parts.append(plain(unknown_text(run.folder, run.config.problem, grid.about)))
    if found.not_finite:
        parts.append(f"{found.not_finite:,} values are not finite")
    return " · ".join(parts)


def curve(grid: SolutionGrid, quantity: Quantity, look: Look, run_id: str) -> None:
    """Draw a field of one coordinate."""
    limits = look.limits if look.limits != quantity.limits else None
    figure = curve_figure_of(grid, quantity, axis_of(grid), run_id, limits)
    live_plotly(figure, key=f"{KEY}.curve.{run_id}", height=460)


def axis_of(grid: SolutionGrid) -> tuple[np.ndarray, str]:
    """The coordinate of a field of one, and its title, as drawn."""
    x, name = drawn_axes(grid)[0], grid.coordinates[0]
    return x, name if x is grid.axes[0] else f"asinh {name}"


def curve_figure_of(
    sample: Sampled, quantity: Quantity, axis: tuple[np.ndarray, str], of: str, limits: tuple | None = None
) -> go.Figure:
    """A field along one axis as a curve, over the exact one where it is known.

    Args:
        sample: what has the values.
        quantity: which of them.
        axis: where they are, and the axis' title.
        of: whose they are; the visitor's zoom is kept as long as it stays.
        limits: of the values; chosen by plotly without.
    """
    x, x_title = axis
    shown = displayed(sample.values[quantity.name], quantity.logarithmic)
    series = [Series(x, shown, quantity.title, PALETTE[0])]
    if (exact := sample.exact_of(quantity.name)) is not None:
        series.append(Series(x, displayed(exact, quantity.logarithmic), "exact", PALETTE[1], "dash"))
    figure = curve_figure(
        [Series(s.x[ok], s.y[ok], s.name, s.color, s.dash) for s in series for ok in [np.isfinite(s.y)]],
        x_title=x_title,
        y_title=quantity.title,
        log_y=False,
        revision=f"{of}.{quantity.title}.{limits}",
    )
    if limits is not None:
        figure.update_yaxes(range=list(limits))
    return figure


def histogram_figure(grid: Sampled, quantity: Quantity, run_id: str) -> None:
    """How often the sample has which values."""
    edges, counts = histogram(displayed(grid.values[quantity.name], quantity.logarithmic))
    if not len(counts):
        st.caption("There is no finite value.")
        return
    figure = go.Figure(go.Bar(x=(edges[:-1] + edges[1:]) / 2, y=counts, width=np.diff(edges), marker_color=PALETTE[0]))
    figure.update_layout(
        margin={"l": 60, "r": 10, "t": 10, "b": 45}, bargap=0, uirevision=run_id + quantity.title,
        xaxis={"title": {"text": quantity.title}, "exponentformat": "power"},
        yaxis={"title": {"text": "points"}},
    )  # fmt: skip
    live_plotly(figure, key=f"{KEY}.histogram.{run_id}", height=260)


def further_input(has_line: bool, has_scene: bool) -> list[str]:
    """Which further figures are wished; no line where a view is none of the network itself."""
    offered = [*([LINE] if has_line else []), HISTOGRAM, *([BESIDE] if has_scene else [])]
    return st.pills("Further", offered, selection_mode="multi", key="further", bind=URL, label_visibility="collapsed")
