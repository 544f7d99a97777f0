"""Pictures of a solution: fields, errors and residuals as curves or in colours, on a grid of a moderate size."""

from __future__ import annotations

import numpy as np

from core.errors import LabError
from core.problems.base import Problem
from core.reports.blocks import Block, Chart, Field, Line, Words
from core.reports.palette import PALETTE
from core.reports.run_facts import RunFacts
from core.solution.grid import SolutionGrid, shown
from core.solution.sample import sampled_file

RESOLUTION = {1: 2001, 2: 129, 3: 33, 4: 17}
"""Points along each axis, by the number of coordinates that a grid runs along."""
LIMIT_S = 60.0
"""Longest that sampling may take."""
MOST_FIELDS = 4
"""Pictures of each kind."""


def solution_figures(facts: RunFacts) -> list[Block]:
    """The solution of a run's newest checkpoint: fields, then errors where an exact one is known, else residuals.

    Of more than two coordinates the middle of each further one is shown, of time its end.
    """
    problem = facts.problem
    try:
        grid = SolutionGrid.read(sampled_file(facts.folder, RESOLUTION[len(shown(problem))], LIMIT_S))
    except LabError as error:
        return [Words(f"The solution could not be drawn: {error}", "warning")]
    plane, where = _plane(grid)
    names = grid.names or problem.value_names
    errors = [name for name in names.errors.values() if name in grid.values]
    second = errors or [name for name in names.residuals.values() if name in grid.values]
    chosen = [*list(problem.fields)[:MOST_FIELDS], *second[:MOST_FIELDS]]
    chosen = [name for name in chosen if name in grid.values]
    if len(plane.axes) == 1:
        return _curves(facts, problem, plane, chosen, second, where)
    found: list[Block] = []
    for name in chosen:
        values = plane.values[name]
        if not np.isfinite(values).any():
            found.append(Words(f"{name} has no finite value on this grid."))
            continue
        found.append(
            Field(name, plane.axes[0], plane.axes[1], values.T, plane.coordinates[0], plane.coordinates[1],
                  symmetric=name in second, note=where, run_id=facts.run_id, value=name)
        )  # fmt: skip
    return found


def _plane(grid: SolutionGrid) -> tuple[SolutionGrid, str]:
    """At most two coordinates of a grid, and where the others stand."""
    said = []
    axes = list(range(len(grid.axes)))
    while len(axes) > 2:
        time = grid.coordinates.index(grid.time) if grid.time in grid.coordinates else None
        drop = time if time is not None else axes[-1]
        at = len(grid.axes[drop]) - 1 if drop == time else len(grid.axes[drop]) // 2
        said.append(f"{grid.coordinates[drop]} = {grid.axes[drop][at]:.6g}")
        keep = [k for k in axes if k != drop]
        grid = SolutionGrid(
            tuple(grid.coordinates[k] for k in keep),
            tuple(grid.axes[k] for k in keep),
            {name: np.take(values, at, axis=drop) for name, values in grid.values.items()},
            None if drop == time else grid.time,
            names=grid.names,
        )
        axes = list(range(len(keep)))
    return grid, ", ".join(said)


def _curves(
    facts: RunFacts, problem: Problem, grid: SolutionGrid, chosen: list[str], second: list[str], where: str
) -> list[Block]:
    x, title = grid.axes[0], grid.coordinates[0]
    wide = bool(x[-1] > 0 and x[-1] > 1e3 * max(1e-300, float(np.median(np.abs(x)))))
    positive = x > 0

    def chart(heading: str, names: list[str], log_y: bool) -> Chart | None:
        lines = []
        for k, name in enumerate(names):
            y = np.abs(grid.values[name]) if log_y else grid.values[name]
            kept = np.isfinite(y) & ((y > 0) if log_y else True) & (positive if wide else True)
            if kept.any():
                lines.append(Line(name, x[kept], y[kept], PALETTE[k % len(PALETTE)]))
        note, y_title = where or (f"{title} > 0" if wide else ""), "size" if log_y else "value"
        return Chart(heading, tuple(lines), title, y_title, wide, log_y, note=note) if lines else None

    exact = set((grid.names or problem.value_names).errors.values())
    found = [
        chart("Fields", [name for name in chosen if name not in second], False),
        chart("Errors" if exact & set(second) else "Residuals", [name for name in chosen if name in second], True),
    ]
    return [block for block in found if block is not None] or [Words("No value of it is finite on this grid.")]
