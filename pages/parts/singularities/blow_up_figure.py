"""The solution in physical time, as blow-up approaches."""

from __future__ import annotations

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.singularity.reconstruction import BlowUp
from core.singularity.similarity import PHYSICAL
from pages.parts.shared.palette import GREY
from pages.parts.singularities.player import player
from pages.parts.singularities.profile_figures import COLORS


def blow_up_figure(found: BlowUp) -> go.Figure:
    """The solution as blow-up approaches: on a window that stays, and over all scales; a slider and a play button.

    Where it was at t = 0 stays in grey.
    """
    shown, x, far, near, tails = found.field, found.x, found.far, found.near, found.tails
    name = PHYSICAL[shown]
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.1)
    line = {"color": COLORS[shown], "width": 2.2}
    figure.add_scatter(x=x, y=_short(near[0]), mode="lines", line={**line, "color": GREY, "width": 1}, row=1, col=1)
    figure.add_scatter(x=far, y=_short(tails[0]), mode="lines", line={**line, "color": GREY, "width": 1}, row=1, col=2)
    figure.add_scatter(x=x, y=_short(near[0]), mode="lines", line=line, row=1, col=1)
    figure.add_scatter(x=far, y=_short(tails[0]), mode="lines", line=line, row=1, col=2)
    frames = []
    for k in range(len(found.moments)):
        top = 1.08 * float(np.abs(near[k]).max())
        frames.append(
            go.Frame(
                name=str(k),
                data=[{"y": _short(near[k])}, {"y": _short(tails[k])}],
                traces=[2, 3],
                layout={"yaxis": {"range": [-top, top]}},
            )
        )
    figure.frames = frames
    top = 1.08 * float(np.abs(near[0]).max())
    figure.update_xaxes(title_text="x", row=1, col=1)
    figure.update_yaxes(title_text=f"{name}(x, t)", range=[-top, top], exponentformat="power", row=1, col=1)
    figure.update_xaxes(title_text="|x|", type="log", exponentformat="power", dtick=2, row=1, col=2)
    sizes = np.log10(tails[tails > 0])
    figure.update_yaxes(
        title_text=f"|{name}|", type="log", exponentformat="power", dtick=2,
        range=[sizes.min() - 0.3, sizes.max() + 0.3], row=1, col=2,
    )  # fmt: skip
    figure.update_layout(
        uirevision=f"blow-up.{shown}",
        showlegend=False,
        margin={"l": 72, "r": 12, "t": 12, "b": 12},
        **player(found.moments),
    )
    return figure


def _short(values: np.ndarray) -> list[float]:
    """Four digits, which is more than a screen shows: sixty moments travel at once."""
    return [float(f"{value:.4g}") for value in values]
