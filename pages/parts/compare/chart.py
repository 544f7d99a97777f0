"""The chart of a view of Compare: as high in each of them, so that nothing jumps between views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.parts.shared.live_plotly import live_plotly

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 460
"""In pixels."""


def chart(figure: go.Figure, view: str) -> None:
    """Draw a view's figure."""
    live_plotly(figure, key=f"compare.{view}", height=HEIGHT)
