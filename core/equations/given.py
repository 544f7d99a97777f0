"""What conditions say of single derivatives at single places: u = 0 on the boundary as one statement for each side."""

from __future__ import annotations

from dataclasses import dataclass

from core.equations.algebra import negative, number
from core.equations.calculus import substituted
from core.equations.conditions import NORMAL, Condition, Kind
from core.equations.places import Place, Where
from core.equations.sampling import is_known
from core.equations.symmetry import at_end
from core.equations.system import System
from core.equations.tree import Expression, Field, Normal


@dataclass(frozen=True)
class Given:
    """That one derivative of a field is a known expression at one place."""

    condition: Condition
    place: Place
    by: tuple[str, ...]
    value: Expression

    def leaf(self, system: System) -> Field:
        """The derivative."""
        field = system.names.field(self.condition.field)
        return Field(field.name, field.over, self.by)


def given(system: System) -> list[Given]:
    """All that conditions say so."""
    found = []
    for typed in system.conditions:
        each = at_end(typed, system) if typed.kind in (Kind.EVEN, Kind.ODD) else typed
        if each is None or each.right is None or not each.field or each.kind is Kind.ROBIN or not is_known(each.right):
            continue
        if each.place.kind is Where.BOUNDARY and system.frame.is_box:
            found += [_on_side(each, side) for side in sides(each, system) if set(each.by) <= {NORMAL}]
        elif each.place.kind in (Where.SIDE, Where.POINT) or not each.by:
            found.append(Given(each, each.place, each.by, each.right))
    return found


def sides(condition: Condition, system: System) -> list[Place]:
    """The places of a condition, one by one: the sides that a condition on the boundary of a box is for."""
    if condition.place.kind is not Where.BOUNDARY or not system.frame.is_box:
        return [condition.place]
    over = system.names.fields.get(condition.field, system.names.space)
    return [side for side in system.frame.sides() if side.coordinate in over]


def outward(node: Expression, side: Place, system: System) -> Expression:
    """An expression with the outward normal of a side in it."""
    sign = 1 if side.end == "high" else -1
    return substituted(node, {Normal(x): number(sign if x == side.coordinate else 0) for x in system.names.space})


def _on_side(condition: Condition, side: Place) -> Given:
    if not condition.by:
        return Given(condition, side, (), condition.right)
    slope = condition.right if side.end == "high" else negative(condition.right)
    return Given(condition, side, (side.coordinate,), slope)
