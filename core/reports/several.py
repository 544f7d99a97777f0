"""A report about several runs: side by side first, then each by itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import cycle

from core.config.differences import field_words
from core.plain_text import lasting
from core.reports.blocks import Block, Chart, Folded, Line, Recipe, Section, Table, Words
from core.reports.curve_charts import Thinner
from core.reports.lambda_section import lambda_section
from core.reports.palette import PALETTE
from core.reports.pieces import MOST_ROWS, size_text
from core.reports.run_facts import RunFacts, run_facts
from core.reports.run_sections import run_sections, value_text
from core.runs import RunFolder
from core.singularity.found import lambda_of
from core.tracking.compare import MISSING, config_fields

DETAILED = 12
"""Runs that each have a part of their own; of more there is what stands side by side."""
MOST_LINES = 40
"""Curves of one chart."""
OPEN = 15
"""Fields that differ which are shown at once; of other problems nearly all do."""
MOST_SIDE_BY_SIDE = 6
"""Runs whose configs stand side by side in columns."""
CURVES_OF_A_RUN = 10
"""Curves that a run has in its report, about."""
DASHES = ("solid", "dash", "dot", "dashdot")


def run_parts(
    folders: Sequence[RunFolder], seen: Callable[[float], None], pictures_until: float = math.inf
) -> tuple[list[Section], list[RunFacts]]:
    """The sections about runs, and what is known of each, its curves left out.

    Args:
        folders: of the runs.
        seen: hears how much is done, from 0 to 1.
        pictures_until: as `time.monotonic` counts; their solutions are not drawn from then on.
    """
    alone = len(folders) == 1
    detailed = len(folders) <= DETAILED
    thinner = Thinner(len(folders) * (CURVES_OF_A_RUN if detailed else 2))
    facts: list[RunFacts] = []
    details: list[Section] = []
    over = [_Over("Largest residual", "max_residual", True), _Over("λ", "lambda", False)]
    for k, folder in enumerate(folders):
        known = run_facts(folder, stages=detailed)
        pictures = time.monotonic() < pictures_until
        if alone:
            details = run_sections(known, thinner, pictures=pictures)
        elif detailed:
            details.append(Section(known.label, (Words(f"Run {known.run_id}, {known.state}.", "note"),)))
            details += run_sections(known, thinner, 2, pictures)
        for chart in () if alone else over:
            chart.add(known, thinner)
        facts.append(known.without_curves())
        seen((k + 1) / len(folders))
    if alone:
        return details, facts
    return [*_side_by_side(facts, over, detailed), *details], facts


class _Over:
    """A chart of one quantity of all runs, each run's curve thinned as it comes."""

    def __init__(self, title: str, column: str, log_y: bool):
        self._title, self._column, self._log = title, column, log_y
        self._lines: list[Line] = []
        self._recipe: list[tuple[str, str, str]] = []
        self._left = 0
        self._looks = cycle([(color, dash) for dash in DASHES for color in PALETTE])

    def add(self, facts: RunFacts, thinner: Thinner) -> None:
        """Draw a run's curve, if it has one and there is room."""
        if facts.curves is None or (thin := thinner.thinned(facts.curves, self._column, self._log)) is None:
            return
        if len(self._lines) == MOST_LINES:
            self._left += 1
            return
        color, dash = next(self._looks)
        self._lines.append(Line(facts.label, thin.x, thin.y, color, dash))
        self._recipe.append((facts.run_id, self._column, facts.label))

    def chart(self) -> list[Block]:
        """The chart; nothing where fewer than two runs have the curve."""
        if len(self._lines) < 2:
            return []
        note = f"{self._left:,} more have this curve and are not drawn" if self._left else ""
        return [
            Chart(self._title, tuple(self._lines), "iteration", self._title, log_y=self._log, note=note,
                  recipe=Recipe(tuple(self._recipe)))
        ]  # fmt: skip


def _side_by_side(facts: list[RunFacts], over: list[_Over], detailed: bool) -> list[Section]:
    first: list[Block] = [run_table(facts)]
    if not detailed:
        first.append(Words(f"Of more than {DETAILED} runs none has a part of its own here: report fewer for that."))
    curves = [block for chart in over for block in chart.chart()]
    sections = [
        Section("Runs", tuple(first)),
        Section("Curves over each other", tuple(curves)),
        Section("What differs", tuple(_differences(facts))),
    ]
    sections += lambda_section([known.record for known in facts])
    return [section for section in sections if section.blocks]


def run_table(facts: Sequence[RunFacts]) -> Table:
    """Runs in short, one a row."""
    rows = []
    for known in facts:
        metrics, problem = known.record.metrics, known.problem
        lam = metrics.get("lambda") if problem is not None and problem.has_lambda else None
        residual = metrics.get("dense_max_residual", metrics.get("max_residual"))
        rows.append(
            (
                known.name,
                known.record.problem or "another program's",
                known.state,
                "" if residual is None else size_text(residual),
                "" if (error := metrics.get("relative_l2_error")) is None else size_text(error),
                "" if lam is None else lambda_of(known.record, lam),
                "" if (took := metrics.get("wall_time_s")) is None else lasting(took),
                known.run_id[:12],
                known.reason,
            )
        )
    head = ("name", "problem", "state", "max residual", "relative error", "λ", "time", "run", "remark")
    return Table(head, tuple(rows), frozenset({3, 4, 6})).without_empty()


def _differences(facts: list[RunFacts]) -> list[Block]:
    fields = config_fields([known.record for known in facts])
    if not fields:
        return [Words("Their configs are the same but for their names.")]

    def text(value: object) -> str:
        return "" if value is MISSING else value_text(value)

    if len(facts) <= MOST_SIDE_BY_SIDE:
        rows = [(field_words(path), *map(text, values)) for path, values in list(fields.items())[:MOST_ROWS]]
        blocks: list[Block] = [Table(("", *(known.label for known in facts)), tuple(rows))]
    else:
        rows = []
        for path, values in list(fields.items())[:MOST_ROWS]:
            found = list(dict.fromkeys(map(text, values)))
            more = len(found) - MOST_SIDE_BY_SIDE
            shown = ", ".join(found[:MOST_SIDE_BY_SIDE]) + (f" and {more} more" if more > 0 else "")
            rows.append((field_words(path), shown))
        blocks = [Table(("field", "values"), tuple(rows))]
    if len(fields) > MOST_ROWS:
        blocks.append(Words(f"{len(fields) - MOST_ROWS:,} more fields differ.", "note"))
    return blocks if len(fields) <= OPEN else [Folded(f"{len(fields)} fields", tuple(blocks))]
