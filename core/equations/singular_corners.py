"""Corners of a box at which its sides' values and the equation contradict each other: the solution is singular there.

−Δu = 1 with u = 0 on all sides: along both sides of a corner u'' is 0, so Δu is 0 where they meet. What the solution
does instead, r² (log r sin 2θ + θ cos 2θ), no smooth features follow; functions of the corners do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from core.equations.calculus import derivatives, substituted
from core.equations.faults import Fault
from core.equations.given import Given, given
from core.equations.places import Place, Where
from core.equations.sampling import inner_points, is_known, largest, points_at, values_of
from core.equations.structure import additive_terms, fields_in
from core.equations.system import System
from core.equations.tree import Expression, Field, TreeError

AGREES = 1e-9
"""Of the largest term in the domain: what is less is rounding."""
LOOKS = 20


@np.errstate(all="ignore")  # what has no value is said elsewhere
def singular_corners(system: System) -> list[Fault]:
    """A warning that names one, and what to type instead; of fields on a plane box whose values are given there."""
    space = system.names.space
    if not system.frame.is_box or len(space) != 2:
        return []
    values = [each for each in given(system) if not each.by and each.place.kind is Where.SIDE and each.place.end]
    for ends in product(("low", "high"), repeat=2):
        corner = [system.frame.side(x, end) for x, end in zip(space, ends, strict=True)]
        for number, residual in enumerate(system.residuals, 1):
            left = _left_at(residual, corner, values, system)
            if left:
                at = ", ".join(place.text for place in corner)
                said = f"at {at} the values on the two sides leave {left:.3g} of it, so the solution is singular there"
                better = "corners: functions, with which the box's corners have functions of their own"
                return [Fault(said, label=f"equation {number}", expected=better, warning=True)]
    return []


def _left_at(residual: Expression, corner: list[Place], values: list[Given], system: System) -> float:
    """What an equation leaves at a corner of what its sides give; 0 where that is nothing, or where they don't say."""
    known: dict[Expression, Expression] = {}
    for leaf in fields_in(residual):
        node = next(_from_sides(leaf, corner, values), None)
        if node is None:
            return 0.0
        known[leaf] = node
    if not known:
        return 0.0
    try:
        terms = [substituted(term, known) for term in additive_terms(residual)]
    except TreeError:
        return 0.0
    if not all(map(is_known, terms)):
        return 0.0
    found = np.array(values_of(terms, points_at(corner, system.frame, LOOKS), system.frame))
    around = np.array(values_of(terms, inner_points(system.frame), system.frame))
    off, size = np.abs(found.sum(0)), max(largest(found), largest(around))
    bad = np.isfinite(off) & (off > AGREES * size)
    return float(off[bad].max()) if bad.any() else 0.0


def _from_sides(leaf: Field, corner: list[Place], values: list[Given]) -> Iterator[Expression]:
    """A derivative along one of a corner's sides, by the value that is given there."""
    for each in values:
        here = any((each.place.coordinate, each.place.end) == (place.coordinate, place.end) for place in corner)
        if here and each.condition.field == leaf.name and each.place.coordinate not in leaf.by:
            yield derivatives(each.value, leaf.by)
