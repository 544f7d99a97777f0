"""A report as a notebook that computes its figures anew from the store.

Its texts are Markdown cells; each chart is a cell that reads the run's curves by this package's functions and draws
them, each picture of a solution one that samples the checkpoint. Names of runs stand in the code as Python's literals.
"""

from __future__ import annotations

import hashlib
import json
import os
from pprint import pformat
from typing import Any

from core.home import SOURCE, home
from core.names import picture_text
from core.reports.blocks import Block, Chart, Field, Figure, Folded, Report
from core.reports.markdown import MarkdownPage, plain

BEGINNING = '''# Where the program and the lab are. On another machine, change these two lines.
PROGRAM = {program}
LAB = {lab}

import os
import sys

os.environ.setdefault("LAB_HOME", LAB)
sys.path.insert(0, PROGRAM)
%matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from numpy import inf, nan

from core.runs import run_folder
from core.runs.curves import bucket, recorded
from core.solution.sample import sample
from core.tracking.curves import run_curves

kept = {{}}


def curve(run_id, column, log):
    """Iterations and values of one curve of a run, thinned to the minima and maxima of 2,000 equal pieces."""
    if run_id not in kept:
        kept[run_id] = run_curves(run_folder(run_id))
        kept[run_id].update()
    thinned = bucket(*recorded(kept[run_id], column), 2000, log=log)
    return thinned.x, thinned.y


def draw(curves, title, y_title, log, level=None):
    """Curves of runs over each other."""
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    for run_id, column, name in curves:
        axes.plot(*curve(run_id, column, log), lw=1.2, label=name)
    if level is not None:
        axes.axhline(level, color="grey", lw=0.8, ls="--")
    axes.set(title=title, xlabel="iteration", ylabel=y_title, yscale="log" if log else "linear")
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(frameon=False)
'''

FIELD = """grid = sample(run_folder({run_id}), {resolution})
values = grid.values[{value}]
"""
"""What a picture of a solution begins with."""


def notebook_bytes(report: Report) -> bytes:
    """The notebook, format 4.5."""
    store = os.environ.get("MLFLOW_TRACKING_URI")
    beginning = BEGINNING.format(program=repr(str(SOURCE)), lab=repr(str(home().root)))
    if store:
        beginning += (
            "\n# The runs are in another store than this lab's own: start Jupyter with MLFLOW_TRACKING_URI set.\n"
        )
    head = f"# {plain(report.title)}\n\n{plain(report.subtitle)}\n\n{plain(report.made)}"
    cells = [_words(head, 0), _code(beginning, 1)]
    page = MarkdownPage("")
    for section in report.sections:
        text = [f"{'#' * (section.depth + 1)} {plain(section.title)}", ""]
        for block in _flat(section.blocks):
            if not isinstance(block, Figure):
                text += [*page.lines(block), ""]
                continue
            if any(text):
                cells.append(_words("\n".join(text).strip(), len(cells)))
                text = []
            cells.append(_code(_source(block), len(cells)))
        if any(text):
            cells.append(_words("\n".join(text).strip(), len(cells)))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    found = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _flat(blocks: tuple[Block, ...]) -> list[Block]:
    """Blocks without folds around those that hold figures: a cell can't be folded."""
    found: list[Block] = []
    for block in blocks:
        figures = isinstance(block, Folded) and any(isinstance(inner, Figure) for inner in block.blocks)
        found += block.blocks if figures else [block]
    return found


def _source(figure: Figure) -> str:
    """The code that draws a figure anew."""
    if isinstance(figure, Field):
        return _field_source(figure)
    if figure.recipe is not None:
        curves = pformat(
            [(run_id, column, picture_text(name)) for run_id, column, name in figure.recipe.curves], width=100
        )
        level = "" if figure.level is None else f", level={float(figure.level[0])!r}"
        return (
            f"draw(\n    {curves},\n    {picture_text(figure.title)!r}, {picture_text(figure.y_title)!r}, "
            f"log={figure.log_y}{level},\n)"
        )
    return _chart_source(figure)


def _field_source(field: Field) -> str:
    low = "-np.nanmax(abs(values))" if field.symmetric else "np.nanmin(values)"
    high = "np.nanmax(abs(values))" if field.symmetric else "np.nanmax(values)"
    return FIELD.format(run_id=repr(field.run_id), resolution=field.resolution, value=repr(field.value)) + (
        f"values = values{field.index}\n"
        'figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")\n'
        f"x, y = grid.axes[{field.along[0]}], grid.axes[{field.along[1]}]\n"
        "drawn = axes.pcolormesh(x, y, values.T,\n"
        f'                        shading="nearest", vmin={low}, vmax={high},\n'
        f"                        cmap={'RdBu_r' if field.symmetric else 'viridis'!r})\n"
        + ('axes.set_aspect("equal")\n' if field.to_scale else "")
        + "figure.colorbar(drawn)\n"
        f"axes.set(title={picture_text(field.title)!r}, xlabel={picture_text(field.x_title)!r}, "
        f"ylabel={picture_text(field.y_title)!r})"
    )


def _chart_source(chart: Chart) -> str:
    """A chart of numbers that stand in the report itself, or of a solution in one coordinate."""
    lines = ['figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")']
    if chart.sampled is not None:
        lines.append(f"grid = sample(run_folder({chart.sampled[0]!r}), {chart.sampled[1]})")
        size = "abs" if chart.log_y else ""
        for line in chart.lines:
            values = f"{size}(grid.values[{line.name!r}])" if size else f"grid.values[{line.name!r}]"
            lines.append(f"axes.plot(grid.axes[0], {values}, label={picture_text(line.name)!r})")
        if chart.log_x:
            lines.append(f"axes.set_xlim({float(chart.lines[0].x[0])!r}, {float(chart.lines[0].x[-1])!r})")
    for line in chart.lines if chart.sampled is None else ():
        style = '"o"' if line.points else '"-"'
        lines.append(f"axes.plot({line.x.tolist()!r}, {line.y.tolist()!r}, {style}, label={picture_text(line.name)!r})")
    lines.append(
        f"axes.set(title={picture_text(chart.title)!r}, xlabel={picture_text(chart.x_title)!r}, "
        f"ylabel={picture_text(chart.y_title)!r}, xscale={'log' if chart.log_x else 'linear'!r}, "
        f"yscale={'log' if chart.log_y else 'linear'!r})"
    )
    return "\n".join([*lines, "axes.grid(alpha=0.3)", "axes.legend(frameon=False)"])


def _words(text: str, number: int) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": _id(text, number), "metadata": {}, "source": _lines(text)}


def _code(text: str, number: int) -> dict[str, Any]:
    return {
        "cell_type": "code", "execution_count": None, "id": _id(text, number), "metadata": {}, "outputs": [],
        "source": _lines(text),
    }  # fmt: skip


def _id(text: str, number: int) -> str:
    return hashlib.sha256(f"{number} {text}".encode("utf-8", "replace")).hexdigest()[:12]


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").splitlines(keepends=True)
