"""The residual tracker: a semilog picture of every stage's residuals, saved with each run by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.names import picture_text
from core.runs.curves import bucket

MOST_NAMED = 10
"""Stages that are named; of more, as runs in windows of time have, every second, third …."""


def draw_residuals(columns: dict[str, np.ndarray], title: str, path: Path) -> None:
    """Largest and RMS residual against iteration on a log axis, stages shaded, as a PNG.

    Args:
        columns: history columns, each (n,).
        title: heading of the picture.
        path: where to write it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    iteration, stage = columns["iteration"], columns["stage"]
    for name, label, color in (
        ("max_residual", "max |R|", "#c2410c"),
        ("rms_residual", "RMS R", "#0f766e"),
    ):
        curve = bucket(iteration, columns[name], 2000, log=True)
        axes.semilogy(curve.x, curve.y, lw=1.2, color=color, label=label)
    known = np.unique(stage)
    every = 1 + len(known) // MOST_NAMED
    for k in known:
        rows = iteration[stage == k]
        if k % 2:
            axes.axvspan(rows[0], rows[-1], color="#64748b", alpha=0.12, lw=0)
        if k % every:
            continue
        axes.annotate(
            f"stage {k + 1}",
            (rows[0], 1),
            xycoords=("data", "axes fraction"),
            xytext=(4, -12),
            textcoords="offset points",
            fontsize=8,
            color="#475569",
        )
    axes.set(xlabel="iteration", ylabel="residual", title=picture_text(title))
    axes.grid(alpha=0.25, which="both", lw=0.4)
    axes.legend(frameon=False)
    figure.savefig(path)
