"""A mesh among the datasets: its boundaries in a picture, what it is in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.datasets import described
from core.domains.pictures import Drawn, drawn
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.outline_figure import figure_height, outline_figure
from pages.parts.shared.text import message

if TYPE_CHECKING:
    from core.domains import Mesh


def mesh_view(mesh: Mesh, key: str) -> None:
    """What conditions can name, and where it is.

    Args:
        mesh: as it was read.
        key: its version's id, or the upload's.
    """
    for sentence in described(mesh):
        st.caption(message(sentence))
    boundaries = _drawn(mesh, key)
    figure = outline_figure(boundaries, "xyz"[: mesh.dimension])
    live_plotly(figure, key=f"datasets.mesh.{key}", height=figure_height(boundaries))


@st.cache_resource(max_entries=8, show_spinner=False)
def _drawn(_mesh: Mesh, key: str) -> tuple[Drawn, ...]:
    return drawn(_mesh)
