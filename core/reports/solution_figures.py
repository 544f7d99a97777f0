"""Pictures of a solution: fields, errors and residuals as curves or in colours, on a grid of a moderate size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import LabError
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
ELONGATED = 3.0
"""Ratio of its sides up to which a domain is drawn to scale."""
FAR = 1e3
"""How many times farther than the middle point a grid reaches that is drawn over the logarithm of its coordinate."""


def solution_figures(facts: RunFacts, coarse: bool = False) -> list[Block]:
    """The solution of a run's newest checkpoint: fields, then errors where an exact one is known, else residuals.

    Of more than two coordinates the middle of each further one is shown, of time its end.

    Args:
        facts: the run.
        coarse: half as many pictures with a quarter of the points, for a report about several runs.
    """
    most = MOST_FIELDS // 2 if coarse else MOST_FIELDS
    problem = facts.problem
    resolution = RESOLUTION[len(shown(problem))]
    try:
        grid = SolutionGrid.read(sampled_file(facts.folder, resolution, LIMIT_S))
    except LabError as error:
        return [Words(f"The solution could not be drawn: {error}", "warning")]
    names = grid.names or problem.value_names
    errors = [name for name in names.errors.values() if name in grid.values]
    second = errors or [name for name in names.residuals.values() if name in grid.values]
    fields = [name for name in problem.fields if name in grid.values]
    if len(grid.axes) == 1:
        sizes = "Errors" if errors else "Residuals"
        charts = [_curves(facts, grid, resolution, "Fields", fields[:most], _reaches_far(grid), coarse),
                  _curves(facts, grid, resolution, sizes, second[:most], True, coarse)]  # fmt: skip
        return [chart for chart in charts if chart] or [Words("No value of it is finite on this grid.")]
    plane = _plane(grid)
    found: list[Block] = []
    step = 2 if coarse else 1
    for name in [*fields[:most], *second[:most]]:
        values = grid.values[name][plane.index]
        if not np.isfinite(values).any():
            found.append(Words(f"{name} has no finite value on this grid."))
            continue
        x, y = plane.along
        found.append(
            Field(
                name,
                grid.axes[x][::step],
                grid.axes[y][::step],
                values.T[::step, ::step],
                grid.coordinates[x],
                grid.coordinates[y],
                symmetric=name in second,
                to_scale=_to_scale(grid, plane.along),
                note=plane.said,
                run_id=facts.run_id,
                value=name,
                resolution=resolution,
                index=plane.source,
                along=plane.along,
            )
        )
    return found


@dataclass(frozen=True)
class _Plane:
    """Two of a grid's axes, and where the others stand."""

    along: tuple[int, int]
    index: tuple[slice | int, ...]
    said: str

    @property
    def source(self) -> str:
        """The index as Python writes it; empty where it leaves nothing out."""
        parts = [":" if isinstance(part, slice) else str(part) for part in self.index]
        return f"[{', '.join(parts)}]" if self.said else ""


def _plane(grid: SolutionGrid) -> _Plane:
    time = grid.coordinates.index(grid.time) if grid.time in grid.coordinates else None
    left = list(range(len(grid.axes)))
    index: list[slice | int] = [slice(None)] * len(left)
    said = []
    while len(left) > 2:
        gone = time if time in left else left[-1]
        index[gone] = at = len(grid.axes[gone]) - 1 if gone == time else len(grid.axes[gone]) // 2
        said.append(f"{grid.coordinates[gone]} = {grid.axes[gone][at]:.6g}")
        left.remove(gone)
    return _Plane((left[0], left[1]), tuple(index), ", ".join(said))


def _to_scale(grid: SolutionGrid, along: tuple[int, int]) -> bool:
    """Whether both axes are space and of about the same length."""
    lengths = [float(grid.axes[k][-1] - grid.axes[k][0]) for k in along]
    return grid.time not in [grid.coordinates[k] for k in along] and max(lengths) <= ELONGATED * min(lengths)


def _reaches_far(grid: SolutionGrid) -> bool:
    """Whether a grid of one coordinate runs over decades, as profiles' do, so that logarithms are drawn."""
    return bool(grid.axes[0][-1] > FAR * np.median(np.abs(grid.axes[0])))


def _curves(
    facts: RunFacts, grid: SolutionGrid, resolution: int, heading: str, names: list[str], log_y: bool, coarse: bool
) -> Chart | None:
    x, title = grid.axes[0], grid.coordinates[0]
    far = _reaches_far(grid)
    lines, step = [], 4 if coarse else 1
    for k, name in enumerate(names):
        y = np.abs(grid.values[name]) if log_y else grid.values[name]
        kept = np.isfinite(y) & ((y > 0) if log_y else True) & ((x > 0) if far else True)
        if kept.any():
            lines.append(Line(name, x[kept][::step], y[kept][::step], PALETTE[k % len(PALETTE)]))
    if not lines:
        return None
    return Chart(
        heading, tuple(lines), title, "size" if log_y else "value", far, log_y, note=f"{title} > 0" if far else "",
        sampled=(facts.run_id, resolution),
    )  # fmt: skip
