"""A slider over moments and buttons that play them, for figures with a frame for each moment."""

from __future__ import annotations

from collections.abc import Sequence

from pages.parts.shared.palette import GREY, PALETTE


def player(moments: Sequence[float], *, redraw: bool = False, left: float = 0.14) -> dict:
    """The part of a layout that steps through frames called "0", "1", ….

    Args:
        moments: log₁₀ of the time to blow-up, one for each frame.
        redraw: whether frames change what plotly draws anew alone: contours and surfaces.
        left: where the slider begins, as a fraction of the width; the buttons are before it.
    """
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": redraw}, "transition": {"duration": 0}}
    playing = {"frame": {"duration": 90, "redraw": redraw}, "transition": {"duration": 0}, "fromcurrent": True}
    stopped = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}}
    steps = [
        {"label": f"{moment:.1f}", "method": "animate", "args": [[str(k)], still]} for k, moment in enumerate(moments)
    ]
    return {
        "sliders": [
            {
                "steps": steps,
                "pad": {"t": 52, "l": 8},
                "len": 1 - left,
                "x": left,
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
        "updatemenus": [
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
    }
