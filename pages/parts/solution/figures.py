"""What a sampled solution is, in numbers and, in one coordinate, as a curve."""

import numpy as np

from core.solution.available import Viewable
from core.solution.grid import SolutionGrid, fixed
from core.solution.sampled import Sampled
from core.solution.scene import displayed, drawn_axes
from pages.parts.shared.figures import Series, curve_figure
from pages.parts.shared.live_plotly import live_plotly
from pages.parts.shared.palette import PALETTE
from pages.parts.shared.text import Markdown, figure_of, plain
from pages.parts.shared.unknown_text import unknown_text
from pages.parts.solution.form import KEY, Quantity


def numbers(grid: Sampled, run: Viewable) -> Markdown:
    """How good the sampled solution is, in one line."""
    found = grid.accuracy()
    at = [f"{plain(name)} = {value:g}" for name, value in fixed(run.config.problem).items()]
    parts = [*at, f"{grid.points:,} points"]
    if found.max_residual is not None:
        parts.append(f"max |R| {figure_of(found.max_residual)}")
    if found.relative_l2_error is not None:
        parts.append(f"relative L2 error {figure_of(found.relative_l2_error)}")
    if found.max_error is not None:
        parts.append(f"max error {figure_of(found.max_error)}")
    if found.exact_gap:
        parts.append(plain(found.exact_gap))
    if "lambda" in grid.about:
        parts.append(plain(unknown_text(run.folder, run.config.problem, grid.about)))
    if found.not_finite:
        parts.append(f"{found.not_finite:,} values are not finite")
    return " · ".join(parts)


def curve(grid: SolutionGrid, quantity: Quantity, run_id: str) -> None:
    """A field of one coordinate as a curve, over the exact one where it is known."""
    x, name = drawn_axes(grid)[0], grid.coordinates[0]
    shown = displayed(grid.values[quantity.name], quantity.logarithmic)
    series = [Series(x, shown, quantity.title, PALETTE[0])]
    if (exact := grid.exact_of(quantity.name)) is not None:
        series.append(Series(x, exact, "exact", PALETTE[1], "dash"))
    figure = curve_figure(
        [Series(s.x[ok], s.y[ok], s.name, s.color, s.dash) for s in series for ok in [np.isfinite(s.y)]],
        x_title=name if x is grid.axes[0] else f"asinh {name}",
        y_title=quantity.title,
        log_y=False,
        revision=f"{run_id}.{quantity.title}",
    )
    live_plotly(figure, key=f"{KEY}.line.{run_id}.{quantity.title}", height=320)
