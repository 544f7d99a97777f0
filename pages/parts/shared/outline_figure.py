"""A picture of a domain's boundary, each part of it in a colour of its own, with points inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def outline_figure(
    boundaries: Sequence[Drawn],
    axes: Sequence[str],
    looks: Mapping[str, tuple[str, str]] | None = None,
    points: np.ndarray | None = None,
) -> go.Figure:
    """The boundaries, of one to three dimensions.

    Args:
        boundaries: to draw.
        axes: names of the coordinates.
        looks: name of a boundary → what the legend says of it, and its colour; without it its name, and one of ours.
        points: inside, (n, d).
    """
    figure = go.Figure()
    for k, boundary in enumerate(boundaries):
        said, color = (looks or {}).get(boundary.name, (boundary.name, PALETTE[k % len(PALETTE)]))
        _boundary(figure, boundary, said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…", color)
    if points is not None and len(points):
        _points(figure, points)
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


def _boundary(figure: go.Figure, boundary: Drawn, said: str, color: str) -> None:
    columns = boundary.points.T
    shared = {"name": said, "showlegend": True, "hoverinfo": "name", "hoverlabel": {"namelength": -1}}
    if boundary.triangles is not None:
        i, j, k = boundary.triangles.T
        figure.add_mesh3d(x=columns[0], y=columns[1], z=columns[2], i=i, j=j, k=k, color=color, opacity=0.5,
                          flatshading=True, **shared)  # fmt: skip
    elif len(columns) == 1:
        figure.add_scatter(
            x=columns[0], y=0 * columns[0], mode="markers", marker={"size": 10, "color": color}, **shared
        )
    else:
        figure.add_scatter(x=columns[0], y=columns[1], mode="lines", line={"width": 3, "color": color}, **shared)


def _points(figure: go.Figure, points: np.ndarray) -> None:
    marker = {"size": 3 if points.shape[1] < 3 else 1.5, "color": GREY, "opacity": 0.7}
    shared = {"mode": "markers", "marker": marker, "showlegend": False, "hoverinfo": "skip"}
    columns = points.T
    if len(columns) == 3:
        figure.add_scatter3d(x=columns[0], y=columns[1], z=columns[2], **shared)
    else:
        figure.add_scatter(x=columns[0], y=columns[1] if len(columns) > 1 else 0 * columns[0], **shared)
