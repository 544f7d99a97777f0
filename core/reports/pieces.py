"""Pieces that several parts of a report are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.reports.blocks import Block, Table, Words
from core.runs.windows import WindowStep
from core.singularity.digits import number_text

MOST_ROWS = 60
"""Rows of a table of windows or of other programs' params; the rest is counted."""

LATE = "the report took too long; one about fewer runs has all pictures"
"""Why a picture is missing, as the end of a sentence."""


def pairs(rows: Sequence[tuple[str, str]]) -> Table:
    """A table of names and values, without a head."""
    return Table(("", ""), tuple(rows))


def logged(title: str, values: dict[str, str]) -> list[Block]:
    """What another program logged, as a table under this title; nothing where it logged none."""
    if not values:
        return []
    rows = list(values.items())
    more = [Words(f"and {len(rows) - MOST_ROWS:,} more", "note")] if len(rows) > MOST_ROWS else []
    return [Table((title, ""), tuple(rows[:MOST_ROWS])), *more]


def size_text(value: float) -> str:
    """A residual or an error."""
    return "not a number" if math.isnan(value) else f"{value:.2e}"


def known_so_far(step: WindowStep) -> str:
    """What the data up to a window's end say of the unknown numbers; empty where there are none."""
    return ", ".join(f"{name} = {number_text(value, step.errors.get(name))}" for name, value in step.unknowns.items())
