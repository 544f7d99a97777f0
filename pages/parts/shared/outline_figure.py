"""A picture of a domain's boundary, each part of it in a colour of its own, with points inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go

from pages.parts.shared.palette import GREY, PALETTE

if TYPE_CHECKING:
    import numpy as np

    from core.domains.pictures import Drawn

HEIGHT = 300
LINE = 21
"""Height of an entry of the legend, in pixels."""
LONGEST = 60
"""Characters of an entry."""


@dataclass(frozen=True)
class Look:
    """How a boundary is drawn."""

    said: str
    """In the legend."""
    color: str
    dash: str = "solid"


def outline_figure(
    boundaries: Sequence[Drawn],
    axes: Sequence[str],
    looks: Mapping[str, Look] | None = None,
    points: Sequence[np.ndarray] = (),
) -> go.Figure:
    """The boundaries, of one to three dimensions.

    Args:
        boundaries: to draw.
        axes: names of the coordinates.
        looks: name of a boundary → how it is drawn; without it by its name, in one of our colours.
        points: sets of points (n, d).
    """
    figure = go.Figure()
    for k, boundary in enumerate(boundaries):
        _boundary(figure, boundary, (looks or {}).get(boundary.name) or Look(boundary.name, PALETTE[k % len(PALETTE)]))
    for each in points:
        draw_points(figure, each)
    figure.update_layout(
        margin={"l": 46, "r": 8, "t": 8, "b": 38},
        height=figure_height(boundaries),
        legend={"orientation": "v", "x": 0, "y": -0.22, "yanchor": "top", "font": {"size": 12}},
        uirevision=",".join(axes),
        hovermode="closest",
    )
    if len(axes) == 3:
        titles = {f"{letter}axis": {"title": {"text": name}, "nticks": 5}
                  for letter, name in zip("xyz", axes, strict=True)}  # fmt: skip
        figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0}, legend={"y": 0}, scene={
            "aspectmode": "data", "camera": {"eye": {"x": 1.3, "y": -1.3, "z": 0.9}}, **titles})  # fmt: skip
        return figure
    plain = {"showgrid": False, "zeroline": False}
    figure.update_xaxes(title={"text": axes[0]}, **plain)
    if len(axes) == 2:
        figure.update_yaxes(title={"text": axes[1]}, scaleanchor="x", **plain)
    else:
        figure.update_yaxes(visible=False, range=[-1, 1])
    return figure


def figure_height(boundaries: Sequence[Drawn]) -> int:
    """Pixels, with a line for each boundary below the picture."""
    return HEIGHT + LINE * len(boundaries)


def _boundary(figure: go.Figure, boundary: Drawn, look: Look) -> None:
    columns = boundary.points.T
    said = look.said if len(look.said) <= LONGEST else f"{look.said[: LONGEST - 1]}…"
    shared = {"name": said, "showlegend": True, "hoverinfo": "name", "hoverlabel": {"namelength": -1}}
    if boundary.triangles is not None:
        i, j, k = boundary.triangles.T
        figure.add_mesh3d(x=columns[0], y=columns[1], z=columns[2], i=i, j=j, k=k, color=look.color, opacity=0.5,
                          flatshading=True, **shared)  # fmt: skip
    elif len(columns) == 1:
        marker = {"size": 10, "color": look.color}
        figure.add_scatter(x=columns[0], y=0 * columns[0], mode="markers", marker=marker, **shared)
    else:
        pen = {"width": 3, "color": look.color, "dash": look.dash}
        figure.add_scatter(x=columns[0], y=columns[1], mode="lines", line=pen, **shared)


def draw_points(figure: go.Figure, points: np.ndarray) -> None:
    """Points (n, d) behind what else there is, without a word of them in the legend."""
    marker = {"size": 3 if points.shape[1] < 3 else 1.5, "color": GREY, "opacity": 0.7}
    shared = {"mode": "markers", "marker": marker, "showlegend": False, "hoverinfo": "skip"}
    columns = points.T
    if len(columns) == 3:
        figure.add_scatter3d(x=columns[0], y=columns[1], z=columns[2], **shared)
    else:
        figure.add_scatter(x=columns[0], y=columns[1] if len(columns) > 1 else 0 * columns[0], **shared)
