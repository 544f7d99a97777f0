"""Curves of several runs as a table or a picture for a paper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.names import picture_text
from core.runs.curves import bucket
from core.tracking.spreadsheets import cell_text


@dataclass(frozen=True)
class Line:
    """One curve of one run."""

    run_id: str
    run: str
    quantity: str
    x: np.ndarray
    y: np.ndarray
    color: str
    dash: str = "solid"


DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}


def curves_csv(lines: Sequence[Line], x_title: str) -> bytes:
    """Every point in force of every curve, in long format: run_id, run, quantity, x (never its log), value."""
    import pyarrow as pa
    from pyarrow import csv

    tables = [
        pa.table(
            {
                "run_id": pa.repeat(line.run_id, len(line.x)),
                "run": pa.repeat(cell_text(line.run), len(line.x)),
                "quantity": pa.repeat(cell_text(line.quantity), len(line.x)),
                x_title.removeprefix("log ").replace(" ", "_"): np.asarray(line.x, dtype=float),
                "value": np.asarray(line.y, dtype=float),
            }
        )
        for line in lines
    ]
    out = io.BytesIO()
    csv.write_csv(pa.concat_tables(tables), out)
    return out.getvalue()


def curves_picture(
    lines: Sequence[Line],
    kind: Literal["png", "svg", "pdf"],
    *,
    x_title: str,
    y_title: str,
    log_x: bool,
    log_y: bool,
) -> bytes:
    """The curves as one picture, thinned by minima and maxima; non-positive values on a log axis are left out."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.8), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    drawn = []
    for line in lines:
        curve = bucket(line.x, line.y, 4000, log=log_y, log_x=log_x)
        drawn += axes.plot(curve.x, curve.y, DASHES[line.dash], color=line.color, lw=1.1)
    axes.set(xlabel=picture_text(x_title), ylabel=picture_text(y_title))
    axes.set_xscale("log" if log_x else "linear")
    axes.set_yscale("log" if log_y else "linear")
    axes.grid(alpha=0.25, lw=0.4)
    legend = axes.legend(drawn, ["name"] * len(lines), frameon=False, fontsize=8, ncols=2 if len(lines) > 8 else 1)
    several = len({line.quantity for line in lines}) > 1
    for text, line in zip(legend.get_texts(), lines, strict=True):  # a label that begins with _ would be left out
        namesakes = {item.run_id for item in lines if item.run == line.run}
        name = line.run if len(namesakes) == 1 else f"{line.run} · {line.run_id[:8]}"
        text.set_text(picture_text(f"{name}, {line.quantity}" if several else name))
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "singularity-lab"}):  # the same picture gives the same file
        figure.savefig(out, format=kind)
    return out.getvalue()
