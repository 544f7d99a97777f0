"""Figures of a report as pictures for paper."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np

from core.names import picture_text
from core.reports.blocks import Chart, Field, Figure
from core.reports.curves_export import DASHES
from core.reports.palette import GREY

LONGEST = 60
"""Characters of a text in a picture."""


def picture(figure: Figure, kind: Literal["png", "svg"]) -> bytes:
    """A figure as a picture 17 cm wide, text as paths: what a report looks like depends on no font."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(6.7, 2.9 if isinstance(figure, Chart) else 3.6), dpi=130, layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.subplots()
    axes.tick_params(labelsize=8)
    if isinstance(figure, Chart):
        _draw_chart(figure, axes)
    else:
        _draw_field(figure, axes, canvas)
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "singularity-lab"}):  # the same figure gives the same file
        canvas.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return out.getvalue()


def _draw_chart(chart: Chart, axes) -> None:
    drawn = []
    for line in chart.lines:
        alone = line.points or len(np.unique(line.x)) < 2
        ring = {"ms": 8, "mfc": "none"} if line.around else {"ms": 4}
        style = {"marker": "o", "ls": ""} | ring if alone else {"ls": DASHES[line.dash], "lw": 1.0}
        drawn += axes.plot(line.x, line.y, color=line.color, **style)
    axes.set_xlabel(_words(chart.x_title), fontsize=9)
    axes.set_ylabel(_words(chart.y_title), fontsize=9)
    axes.set_xscale("log" if chart.log_x else "linear")
    axes.set_yscale("log" if chart.log_y else "linear")
    for axis, log in ((axes.xaxis, chart.log_x), (axes.yaxis, chart.log_y)):
        if not log:
            axis.get_major_formatter().set_useOffset(False)  # λ as it is, not what is left of it
    axes.grid(alpha=0.25, lw=0.4)
    for x, text in chart.marks:
        axes.axvline(x, color=GREY, lw=0.7, ls=":")
        axes.annotate(_words(text), (x, 1), xycoords=("data", "axes fraction"), xytext=(3, -9),
                      textcoords="offset points", fontsize=7, color="#64748b")  # fmt: skip
    if chart.level:
        value, text = chart.level
        axes.axhline(value, color=GREY, lw=0.7, ls="--")
        axes.annotate(_words(text), (1, value), xycoords=("axes fraction", "data"), xytext=(3, -3),
                      textcoords="offset points", fontsize=7, color="#64748b")  # fmt: skip
    if len(chart.lines) > 1:
        legend = axes.legend(drawn, ["name"] * len(drawn), frameon=False, fontsize=7.5, ncols=min(4, len(drawn)),
                             loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)  # fmt: skip
        for text, line in zip(legend.get_texts(), chart.lines, strict=True):  # one that begins with _ would be left out
            text.set_text(_words(line.name))


def _draw_field(field: Field, axes, canvas) -> None:
    finite = field.values[np.isfinite(field.values)]
    largest = np.abs(finite).max() if finite.size else 1.0
    limits = {"vmin": -largest, "vmax": largest, "cmap": "RdBu_r"} if field.symmetric else {"cmap": "viridis"}
    drawn = axes.pcolormesh(field.x, field.y, field.values, shading="nearest", rasterized=True, **limits)
    if field.to_scale:
        axes.set_aspect("equal")
    colors = canvas.colorbar(drawn, ax=axes, pad=0.02)
    colors.ax.tick_params(labelsize=8)
    axes.set_xlabel(_words(field.x_title), fontsize=9)
    axes.set_ylabel(_words(field.y_title), fontsize=9)


def _words(text: str) -> str:
    """A text as matplotlib may have it, no longer than there is room for."""
    return picture_text(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
