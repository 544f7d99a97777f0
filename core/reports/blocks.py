"""What a report is made of, before it is HTML, a PDF, Markdown or a notebook: plain texts, numbers and arrays.

No block holds markup. Names, notes and tags were typed by people, and a report is opened in a browser: each format
escapes all texts at its one door, so what makes the content can't forget to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    kind: Literal["plain", "note", "warning"] = "plain"
    """A note is small; a warning is what a reader must not miss."""


@dataclass(frozen=True)
class Formula:
    """Equations in LaTeX, without dollar signs."""

    latex: str


@dataclass(frozen=True)
class Code:
    """Text in which each character counts: a command, a config, a list of packages."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of texts."""

    head: tuple[str, ...]
    """Empty texts all over: a table without a head."""
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    """Columns that are set to the right."""

    def without_empty(self) -> Table:
        """The same without columns in which no row says anything."""
        kept = [k for k in range(len(self.head)) if any(row[k] for row in self.rows)]
        numbers = frozenset(kept.index(k) for k in self.numbers if k in kept)
        rows = tuple(tuple(row[k] for k in kept) for row in self.rows)
        return Table(tuple(self.head[k] for k in kept), rows, numbers)


@dataclass(frozen=True)
class Line:
    """One curve of a chart, thinned."""

    name: str
    x: np.ndarray
    y: np.ndarray
    color: str
    dash: Literal["solid", "dash", "dot", "dashdot"] = "solid"
    points: bool = False
    """Points that no line joins."""
    around: bool = False
    """Rings, so that points at the same places are seen in them."""


@dataclass(frozen=True)
class Chart:
    """Curves over each other."""

    title: str
    lines: tuple[Line, ...]
    x_title: str
    y_title: str
    log_x: bool = False
    log_y: bool = False
    marks: tuple[tuple[float, str], ...] = ()
    """Where on the x axis something begins, and what."""
    level: tuple[float, str] | None = None
    """A value that is known, and what it is."""
    note: str = ""
    """What was left out or thinned."""
    recipe: Recipe | None = None
    """How a notebook draws it again from the store."""
    sampled: tuple[str, int] | None = None
    """Run and resolution of a solution whose values over its first coordinate these are, by the lines' names."""


@dataclass(frozen=True)
class Recipe:
    """The curves of a chart by where they are kept, so that a notebook computes them anew."""

    curves: tuple[tuple[str, str, str], ...]
    """(run id, column, name) of each."""


@dataclass(frozen=True)
class Field:
    """A value over a plane, drawn in colours."""

    title: str
    x: np.ndarray
    """Positions (n,)."""
    y: np.ndarray
    """Positions (m,)."""
    values: np.ndarray
    """(m, n); NaN where there is none."""
    x_title: str
    y_title: str
    symmetric: bool = False
    """Colours are symmetric about zero: an error or a residual."""
    to_scale: bool = False
    """A unit is as long along x as along y: both are space."""
    note: str = ""
    run_id: str = ""
    value: str = ""
    """The run and the name of the value, for a notebook: which part of a grid of what resolution it is."""
    resolution: int = 0
    index: str = ""
    """What picks the plane out of the grid's values, as Python's index; empty where that is all of them."""
    along: tuple[int, int] = (0, 1)
    """The grid's axes that it runs along."""


Figure = Chart | Field


@dataclass(frozen=True)
class Folded:
    """What few read: closed until somebody opens it, small on paper."""

    title: str
    blocks: tuple[Block, ...]


Block = Words | Formula | Code | Table | Chart | Field | Folded


@dataclass(frozen=True)
class Section:
    """A part of a report with a heading of its own."""

    title: str
    blocks: tuple[Block, ...]
    depth: Literal[1, 2] = 1
    """2 for a part of the last section of depth 1."""


@dataclass(frozen=True)
class Logo:
    """A picture for the head of a report, looked at and found sound (`core.reports.logo`)."""

    data: bytes
    kind: Literal["png", "jpeg"]


@dataclass(frozen=True)
class Report:
    """A whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    made: str
    """When, in UTC, and by what."""
    lab: str = ""
    """The lab's own line at its head."""
    logo: Logo | None = None
    runs: tuple[str, ...] = ()
    """Ids of the runs that it is about."""
    missing: tuple[str, ...] = ()
    """What could not be had, each in one sentence; it stands in the sections too."""

    def figures(self) -> list[Figure]:
        """All figures, in their order."""
        return [block for section in self.sections for block in _inner(section.blocks) if isinstance(block, Figure)]


def _inner(blocks: tuple[Block, ...]) -> list[Block]:
    return [inner for block in blocks for inner in (_inner(block.blocks) if isinstance(block, Folded) else [block])]
