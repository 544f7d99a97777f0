"""λ of several runs in a report: over iterations, over runs, against what differs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.reports.blocks import Block, Chart, Line, Section, Table, Words
from core.reports.palette import PALETTE
from core.singularity.digits import reference_text
from core.singularity.found import CERTIFIED
from core.singularity.lambda_analysis import AGAINST, WINDOW, LambdaRow, Spread, lambda_rows, over_runs
from core.singularity.laws import LAWS
from core.tracking.store import RunRecord

MOST = 60
"""Runs in the table."""
LAW_POINTS = 60
LARGE = 1e12
"""From which on a number is written with an exponent."""


def lambda_section(records: Sequence[RunRecord]) -> list[Section]:
    """The part about λ of self-similar blow-ups; nothing where fewer than two runs have one.

    What other problems and other programs call `lambda` is another number in each, so it has no mean and no law.
    """
    rows = lambda_rows([record for record in records if record.problem in CERTIFIED])
    if len(rows) < 2:
        return []
    blocks: list[Block] = [
        Words(f"Mean, spread, least and greatest are of λ over the last {WINDOW} iterations of each run.", "note"),
        _table(rows[:MOST]),
        _windows(rows[:MOST]),
    ]
    if len(rows) > MOST:
        blocks.append(Words(f"{len(rows) - MOST:,} more runs have a λ.", "note"))
    blocks.append(_over_runs(rows))
    for kind in dict.fromkeys(row.kind for row in rows):
        blocks += [chart for what in AGAINST if (chart := against([row for row in rows if row.kind == kind], what))]
    return [Section("λ", tuple(blocks))]


def against(rows: Sequence[LambdaRow], what: str) -> Chart | None:
    """λ of runs of one problem against one of `AGAINST`; None where that is the same in all of them.

    Against the order, what is published and the law are drawn too.
    """
    placed = [(x, row) for row in rows if (x := AGAINST[what](row)) is not None]
    if len({x for x, _ in placed}) < 2:
        return None
    kind = placed[0][1].kind
    x, y = (np.array(values, dtype=float) for values in zip(*((x, row.value) for x, row in placed), strict=True))
    lines = [Line("runs", x, y, PALETTE[0], points=True)]
    if what == "order or a":
        known = sorted({(row.parameter, row.known) for row in rows if row.known is not None})
        if known:
            lines.append(
                Line("published or exact", *np.array(known, dtype=float).T, PALETTE[1], points=True, around=True)
            )
        if law := LAWS.get(kind):
            over = np.linspace(x.min(), x.max(), LAW_POINTS)
            lines.append(Line(law.label, over, np.array([law.value(at) for at in over]), PALETTE[2], "dash"))
    wide = bool((x > 0).all() and x.max() > 100 * x.min())
    return Chart(f"λ against {what}, {kind}", tuple(lines), what, "λ", log_x=wide)


def _table(rows: Sequence[LambdaRow]) -> Table:
    head = ("name", "run", "order or a", "λ", "certificate", "known", "source", "difference")
    cells = []
    for row in rows:
        holds = "" if row.holds is None else "holds" if row.holds else "does not hold"
        known = "" if row.known is None else reference_text(row.known)
        off = "" if row.difference is None else f"{row.difference:.1e}"
        parameter = "" if row.parameter is None else f"{row.parameter:g}"
        cells.append((row.name, row.run_id[:12], parameter, row.text, holds, known, row.source, off))
    return Table(head, tuple(cells), frozenset({2, 7})).without_empty()


def _windows(rows: Sequence[LambdaRow]) -> Table:
    """λ over the last iterations of each run."""
    cells = [
        (row.name, row.run_id[:12], f"{row.begins:,}–{row.ends:,}", *_words(row.window))
        for row in rows
        if row.window.count
    ]
    return Table(("name", "run", "iterations", "mean", "spread", "min", "max"), tuple(cells), frozenset({4}))


def _over_runs(rows: Sequence[LambdaRow]) -> Table:
    head = ("over runs of", "order or a", "runs", "mean", "spread", "min", "max")
    cells = []
    for (kind, parameter), found in over_runs(rows).items():
        at = "" if parameter is None else f"{parameter:g}"
        cells.append((kind, at, str(found.count), *_words(found)))
    return Table(head, tuple(cells), frozenset({1, 2, 4})).without_empty()


def _words(found: Spread) -> tuple[str, str, str, str]:
    """Mean, spread, least and greatest, with as many decimals as the spread leaves meaning."""
    if not found.count:
        return ("", "", "", "")
    decimals = 12 if found.spread == 0 else min(15, max(4, 2 - math.floor(math.log10(found.spread))))
    mean, low, high = (_digits(value, decimals) for value in (found.mean, found.low, found.high))
    return mean, f"{found.spread:.1e}" if found.count > 1 else "", low, high


def _digits(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if abs(value) < LARGE else f"{value:.10g}"
