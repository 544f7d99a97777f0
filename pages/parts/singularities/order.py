"""λ of all runs of an equation over the order, or over a, and how far each is from what is published."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.singularity.found import Found
from core.singularity.laws import LAWS, published
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.text import plain
from pages.parts.singularities.choice import KEY
from pages.parts.singularities.search_figures import order_distance_figure, order_figure


def order_view(runs: Sequence[Found], run: Found) -> None:
    """Runs of `run`'s equation among what is known; that one stands out.

    Args:
        runs: every run that looks for λ.
        run: the one that the page shows.
    """
    over = "a" if run.kind == "gclm" else "the order"
    first = next(iter(published(run.kind)))
    offered = ("λ", "distance")
    shown = st.segmented_control(
        f"Over {over}, all runs", offered, default=offered[0], format_func=plain, key=f"{KEY}.order",
        help=f"The dashed law: {plain(LAWS[run.kind].source)}. Distances are from {plain(first)}.",
    )  # fmt: skip
    same = [item for item in runs if item.kind == run.kind and not item.between]
    build = order_distance_figure if shown == offered[1] else order_figure
    live_plotly(build(run.kind, same, run.run_id), key=f"{KEY}.order.{run.kind}.{shown}", height=320)
