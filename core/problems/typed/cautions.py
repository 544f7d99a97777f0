"""What a visitor must know of a typed problem before believing a run of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from core.equations.algebra import number
from core.equations.calculus import ZERO, derivatives, substituted
from core.equations.sampling import inner_points, values_of
from core.equations.structure import fields_in
from core.equations.system import System
from core.equations.tree import Expression, TreeError, Unknown, bounded
from core.problems.typed.conditions import numbers_for_parameters
from core.problems.typed.interpolant import MOST_WORK

NOT_FINITE = "has no finite value where the search for its fields starts"


def not_finite_at_start(system: System, start: Mapping[str, Expression]) -> Iterator[str]:
    """A sentence for each equation that is not finite at the fields that a search starts from: it would end at once.

    Args:
        system: of equations.
        start: field → what its ansatz starts from; others start at 0.
    """
    numbers = {Unknown(name): number(value) for name, value in system.unknowns.items()}
    for residual, label in zip(system.residuals, system.residual_labels, strict=True):
        try:
            with bounded(MOST_WORK):
                at_start = {leaf: derivatives(start.get(leaf.name, ZERO), leaf.by) for leaf in fields_in(residual)}
                made = numbers_for_parameters(system, substituted(residual, at_start | numbers))
        except TreeError as error:
            yield f"{label} {NOT_FINITE}: {error}"
            continue
        points = inner_points(system.frame)
        with np.errstate(all="ignore"):
            (value,) = values_of([made], points, system.frame)
        bad = np.flatnonzero(~np.isfinite(np.broadcast_to(value, next(iter(points.values())).shape)))
        if len(bad):
            where = ", ".join(f"{name} = {at[bad[0]]:.3g}" for name, at in points.items())
            yield f"{label} {NOT_FINITE}, at {where}"
