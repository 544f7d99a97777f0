"""Fields whose own equation is linear, of second order, in the plane and with constant coefficients."""

from __future__ import annotations

import numpy as np

from core.domains.solutions import Operator
from core.equations.evaluation import Program
from core.equations.structure import coefficients, fields_in
from core.equations.system import System
from core.equations.tree import Expression, Field, TreeError
from core.problems.typed.conditions import numbers_for_parameters

PLANE, SECOND = 2, 2


def operator_of(system: System, name: str) -> Operator | None:
    """What the equation of a field does to it; None where it is of another kind, or the field is in several."""
    if len(system.names.coordinates) != PLANE or len(system.names.space) != PLANE:
        return None
    own = [each for each in system.residuals if name in {leaf.name for leaf in fields_in(each)}]
    if len(own) != 1 or {leaf.name for leaf in fields_in(*own)} != {name}:
        return None
    try:
        factors = coefficients(numbers_for_parameters(system, own[0]), lambda node: isinstance(node, Field))
    except TreeError:
        return None
    second, first, zeroth = np.zeros((2, 2)), np.zeros(2), 0.0
    for leaf, factor in factors.items():
        if leaf is None:
            continue
        value, places = _number(factor), [system.names.space.index(x) for x in leaf.by]
        if value is None or len(places) > SECOND:
            return None
        if len(places) == SECOND:
            second[tuple(places)] -= value / 2
            second[tuple(reversed(places))] -= value / 2
        elif places:
            first[places[0]] += value
        else:
            zeroth += value
    return Operator.of(second, first, zeroth)


def _number(factor: Expression) -> float | None:
    """Its value, if it is the same everywhere and known."""
    program = Program([factor])
    return None if program.leaves else float(program({})[0])
