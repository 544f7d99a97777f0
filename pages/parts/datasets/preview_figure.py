"""A picture of a dataset: a field over its coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.datasets import coordinates, thinned
from pages.parts.shared.palette import PALETTE

if TYPE_CHECKING:
    import numpy as np
    import plotly.graph_objects as go


def fields_drawn(values: dict[str, np.ndarray]) -> list[str]:
    """The columns that can be drawn over a coordinate."""
    fields = [name for name in values if name not in coordinates()]
    return fields if len(fields) < len(values) else []


def preview_figure(values: dict[str, np.ndarray], field: str) -> go.Figure:
    """A field over one coordinate, or as colour over the first two, thinned evenly.

    Args:
        values: column → (n,).
        field: the column to draw.
    """
    import plotly.graph_objects as go

    shown = thinned(values)
    along = [name for name in shown if name in coordinates()][:2]
    marker = {"size": 5, "color": PALETTE[0]}
    if len(along) > 1:
        marker |= {"color": shown[field], "colorscale": "Viridis", "colorbar": {"title": {"text": field}}}
    figure = go.Figure(
        go.Scattergl(x=shown[along[0]], y=shown[along[1] if len(along) > 1 else field], mode="markers", marker=marker)
    )
    rows, drawn = len(values[field]), len(shown[field])
    figure.update_layout(
        margin={"l": 60, "r": 12, "t": 24, "b": 44},
        showlegend=False,
        title={"text": f"{drawn:,} of {rows:,} rows" if drawn < rows else "", "font": {"size": 11}, "x": 1},
    )
    figure.update_xaxes(title={"text": along[0]})
    figure.update_yaxes(title={"text": along[1] if len(along) > 1 else field})
    return figure
