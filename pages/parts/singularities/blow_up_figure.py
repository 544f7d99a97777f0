"""The solution in physical time, as blow-up approaches."""

from __future__ import annotations

import numpy as np
import pandas  # noqa: F401  # plotly asks it for its types whenever it is there, even half imported by another thread
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.singularity.reconstruction import BlowUp
from core.singularity.similarity import PHYSICAL
from pages.parts.shared.palette import GREY, PALETTE
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
    frames, steps = [], []
    for k, moment in enumerate(found.moments):
        top = 1.08 * float(np.abs(near[k]).max())
        frames.append(
            go.Frame(
                name=str(k),
                data=[{"y": _short(near[k])}, {"y": _short(tails[k])}],
                traces=[2, 3],
                layout={"yaxis": {"range": [-top, top]}},
            )
        )
        still = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
        steps.append({"label": f"{moment:.1f}", "method": "animate", "args": [[str(k)], still]})
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
    playing = {"frame": {"duration": 90, "redraw": False}, "transition": {"duration": 0}, "fromcurrent": True}
    stopped = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}}
    figure.update_layout(
        uirevision=f"blow-up.{shown}",
        showlegend=False,
        margin={"l": 72, "r": 12, "t": 12, "b": 12},
        sliders=[
            {
                "steps": steps,
                "pad": {"t": 52, "l": 8},
                "len": 0.86,
                "x": 0.14,
                "currentvalue": {"prefix": "log₁₀ of the time to blow-up: "},
                "tickcolor": GREY,
                "bordercolor": GREY,
                "bgcolor": GREY,
                "activebgcolor": PALETTE[0],
                "ticklen": 3,
                "minorticklen": 0,
                "transition": {"duration": 0},
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "x": 0,
                "y": 0,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 84},
                "showactive": False,
                "bgcolor": "rgba(0,0,0,0)",
                "bordercolor": GREY,
                "buttons": [
                    {"label": "Play", "method": "animate", "args": [None, playing]},
                    {"label": "Pause", "method": "animate", "args": [[None], stopped]},
                ],
            }
        ],
    )
    return figure


def _short(values: np.ndarray) -> list[float]:
    """Four digits, which is more than a screen shows: sixty moments travel at once."""
    return [float(f"{value:.4g}") for value in values]
