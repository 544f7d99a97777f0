"""Curves of runs as charts, thinned as pages thin them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.names import UNKNOWN, residual_of
from core.reports.blocks import Chart, Line, Recipe
from core.reports.palette import PALETTE
from core.runs.curves import Curve, Curves, bucket, recorded

POINTS = 2000
"""Most points of one curve."""
ALL_POINTS = 80_000
"""Most points of all curves of a report, about: less than two megabytes of HTML."""
FEWEST = 200
MOST_OF_OTHERS = 12
"""Metrics of another program's run that are drawn."""
MOST_TERMS = 12
"""Equations whose residuals are drawn one by one."""
MOST_MARKS = 10
"""Stages that are marked; of more, as runs in windows of time have, every second, third …."""
LOGARITHMIC = ("loss", "damping", "step_norm", "learning_rate")
TITLES = {
    "loss": "loss",
    "damping": "damping",
    "trust_ratio": "trust ratio",
    "step_norm": "norm of the step",
    "learning_rate": "learning rate",
    "device_memory_mb": "memory of the device (MB)",
}
"""Columns of a history that have a chart of their own, in this order, beside residuals and λ."""


class Thinner:
    """Makes charts of curves within a number of points for all of a report."""

    def __init__(self, curves_expected: int):
        self.points = int(np.clip(ALL_POINTS // max(1, curves_expected), FEWEST, POINTS))

    def thinned(self, curves: Curves, column: str, log_y: bool) -> Curve | None:
        """One curve of a run; None where it was not recorded, or nothing of it can be drawn."""
        x, y = recorded(curves, column)
        curve = bucket(x, y, self.points, log=log_y) if len(y) else None
        return curve if curve is not None and curve.shown else None

    def chart(
        self,
        title: str,
        asked: Sequence[tuple[str, Curves, str, str, str]],
        *,
        y_title: str,
        log_y: bool,
        level: tuple[float, str] | None = None,
        note: str = "",
    ) -> Chart | None:
        """A chart over iterations; None where none of the curves was recorded.

        Args:
            title: heading.
            asked: (run id, its curves, column, name in the legend, dash) of each curve.
            y_title: of the y axis.
            log_y: logarithmic, what is not positive left out and counted.
            level: a known value and its name.
            note: what else is to be said below it.
        """
        lines, recipe, said, marks = [], [], [note] if note else [], ()
        shown = total = hidden = 0
        for run_id, curves, column, name, dash in asked:
            x, y = recorded(curves, column)
            if not len(y):
                continue
            curve = bucket(x, y, self.points, log=log_y)
            shown, total, hidden = shown + curve.shown, total + curve.total, hidden + curve.not_positive
            if len(curve.not_finite):
                said.append(f"{name} is NaN or infinite at {len(curve.not_finite):,} iterations, first at "
                            f"{curve.not_finite[0]:,.0f}")  # fmt: skip
            if not curve.shown:
                continue
            color = PALETTE[len(lines) % len(PALETTE)]
            lines.append(Line(name, curve.x, curve.y, color, dash))
            recipe.append((run_id, column, name))
            marks = marks or _marks(curves)
        if not lines and said == [note] * bool(note):
            return None
        said += [f"{hidden:,} not positive and not shown"] if hidden else []
        said = [f"{shown:,} of {total:,} points: minima and maxima of equal pieces"] * (shown < total) + said
        return Chart(
            title, tuple(lines), "iteration", y_title, log_y=log_y, marks=marks, level=level, note="; ".join(said),
            recipe=Recipe(tuple(recipe)),
        )  # fmt: skip


def _marks(curves: Curves) -> tuple[tuple[float, str], ...]:
    starts = curves.stage_starts()
    return tuple((x, f"stage {stage + 1}") for stage, x in starts[1 :: 1 + len(starts) // MOST_MARKS])


def run_charts(
    run_id: str, curves: Curves, thinner: Thinner, unknown: str, reference: float | None, foreign: bool
) -> list[Chart]:
    """The curves of one run that matter most: residuals, each equation's, λ.

    Args:
        run_id: the run.
        curves: its curves.
        thinner: how many points each may have.
        unknown: what the problem calls its λ.
        reference: its known value.
        foreign: another program's run, whose metrics are drawn as they are, one chart each.
    """
    if foreign:
        made = [_single(run_id, curves, thinner, name, name) for name in curves.curve_names()[:MOST_OF_OTHERS]]
        return [chart for chart in made if chart]

    def chart(title, columns, **how):
        return thinner.chart(title, [(run_id, curves, *column) for column in columns], **how)

    terms = [(name, residual_of(name)) for name in curves.names if residual_of(name) is not None]
    each = [(name, f"RMS {residual}", "dash") for name, residual in terms[:MOST_TERMS]] if len(terms) > 1 else []
    more = f"{len(terms) - MOST_TERMS} more equations are not drawn" if len(terms) > MOST_TERMS else ""
    main = [("max_residual", "max |R|", "solid"), ("rms_residual", "RMS R", "solid")]
    level = None if reference is None else (reference, "known")
    charts = [
        chart("Residuals of all stages", [*main, *each], y_title="residual", log_y=True, note=more),
        chart(f"{unknown} while it was searched for", [("lambda", unknown, "solid")], y_title=unknown, log_y=False,
              level=level),
    ]  # fmt: skip
    further = [name for name in curves.names if name.startswith(UNKNOWN)]
    charts += [
        chart(f"{name.removeprefix(UNKNOWN)} while it was searched for", [(name, name.removeprefix(UNKNOWN), "solid")],
              y_title=name.removeprefix(UNKNOWN), log_y=False)
        for name in further
    ]  # fmt: skip
    return [found for found in charts if found]


def method_charts(run_id: str, curves: Curves, thinner: Thinner) -> list[Chart]:
    """What the methods of one run recorded of themselves: loss, damping, steps."""
    charts = [_single(run_id, curves, thinner, name, title) for name, title in TITLES.items()]
    return [found for found in charts if found]


def _single(run_id: str, curves: Curves, thinner: Thinner, name: str, title: str) -> Chart | None:
    _, y = recorded(curves, name)
    log = bool(len(y)) and (name in LOGARITHMIC or (y[np.isfinite(y)] > 0).all()) and name != "trust_ratio"
    return thinner.chart(title.capitalize() if title != name else name, [(run_id, curves, name, title, "solid")],
                         y_title=title, log_y=log)  # fmt: skip
