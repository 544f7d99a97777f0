"""Manufactured solutions: the sources and conditions that make a chosen solution the exact one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.equations.algebra import difference, negative, number, product, total
from core.equations.calculus import ZERO, derivatives, substituted
from core.equations.completeness import fields_of, solved_fields
from core.equations.conditions import NORMAL, SYMMETRIES, Condition, Kind, of_residual
from core.equations.faults import EquationError, Fault
from core.equations.places import Place, Where, at_place, shortest
from core.equations.sampling import inner_points, is_rounding
from core.equations.structure import order
from core.equations.system import System
from core.equations.tree import Expression, Field, Normal, TreeError, Unknown, bounded
from core.equations.writing import field_name, text_of

MOST_WORK = 200_000
"""Nodes built for the sources, and for each check."""


def manufactured(system: System) -> System:
    """The system with sources added on the right, so that its `exact` is a solution; none where it is one already.

    Conditions that are typed keep their form, their right-hand sides become those of the solution; with none typed, all
    that are needed are made: initial values, values on the boundary, dn there where the order is four, a point value
    of a field that is found up to a constant.

    Raises:
        EquationError: a field has no exact solution, or a source is too long.
    """
    lacking = [name for name in system.names.fields if name not in system.exact]
    if lacking:
        raise EquationError(
            [Fault(f"no solution is chosen for {name}", label=f"exact {name}", expected="an expression")
             for name in lacking]
        )  # fmt: skip
    label = "the equations"
    try:
        with bounded(MOST_WORK):
            sources = [_source(system, residual) for residual in system.residuals]
            equations, left = [], list(sources)
            for i, equation in enumerate(system.equations, 1):
                label = f"equation {i}"
                right = tuple(total(side, left.pop(0)) for side in equation.right)
                equations.append(replace(equation, right=right))
            label = "the conditions"
            typed = [_shifted(system, condition) for condition in system.conditions]
            conditions = typed or _made(system)
    except TreeError as error:
        raise EquationError([Fault(f"its source: {error}", label=label)]) from None
    return replace(system, equations=tuple(equations), conditions=tuple(conditions), sources=tuple(sources))


def _source(system: System, residual: Expression) -> Expression:
    """What a residual is with the chosen solution; 0 where that solves the equation as it stands."""
    found = _chosen(system, residual)
    return ZERO if is_rounding(found, system.frame) else found


def _chosen(system: System, node: Expression) -> Expression:
    numbers = {Unknown(name): number(value) for name, value in system.exact_unknowns.items()}
    return substituted(system.at_exact(node), numbers)


def _shifted(system: System, condition: Condition) -> Condition:
    if condition.kind in SYMMETRIES:
        return condition
    left = at_place(_chosen(system, condition.residual), condition.place)
    residual = difference(condition.residual, left)
    made = of_residual(residual, condition.place, condition.text, system.names, condition.label)
    return replace(made, text=f"{text_of(residual)} = 0")


def _made(system: System) -> list[Condition]:
    found: list[Condition] = []
    time = system.names.time
    for name in solved_fields(system):
        field = system.names.field(name)
        highest = order(*system.residuals, field=name, coordinate=time) if time else 0
        if time in field.over and highest > 0:
            found += [_equal(system, field, (time,) * k, system.frame.side(time, "low")) for k in range(highest)]
        across = max((order(*system.residuals, field=name, coordinate=x) for x in system.names.space), default=0)
        boundary = Place(Where.BOUNDARY, "boundary")
        if across >= 2 or (across == 1 and highest > 0):
            found.append(_equal(system, field, (), boundary))
        if across >= 3:
            found.append(_normal_derivative(system, field, boundary))
        if across == 1 and highest <= 0 and not any(name in fields_of(each) for each in found):
            found.append(_equal(system, field, (), _middle(system)))
    return [replace(each, label=f"condition {i}") for i, each in enumerate(found, 1)]


def _equal(system: System, field: Field, by: tuple[str, ...], place: Place) -> Condition:
    leaf = Field(field.name, field.over, by)
    value = at_place(_chosen(system, leaf), place)
    text = f"{field_name(leaf)} = {text_of(value)}"
    return of_residual(total(leaf, negative(value)), place, text, system.names)


def _normal_derivative(system: System, field: Field, place: Place) -> Condition:
    """dn(u) = g with g by the normal's components."""
    space = [x for x in system.names.space if x in field.over]
    slope = total(*(product(Normal(x), derivatives(field, (x,))) for x in space))
    value = _chosen(system, slope)
    return Condition(Kind.FLUX, place, f"dn({field.name}) = {text_of(value)}", field.name,
                     total(slope, negative(value)), value, (NORMAL,))  # fmt: skip


def _middle(system: System) -> Place:
    """The middle of a box; in a domain the point next to it of some inside."""
    middle = np.array([sum(system.frame.domain[x]) / 2 for x in system.names.space])
    if system.frame.region is not None:
        inside = inner_points(system.frame)
        at = np.stack([inside[x] for x in system.names.space], axis=1)
        middle = at[np.square(at - middle).sum(axis=1).argmin()]
    point = tuple(zip(system.names.space, map(float, middle), strict=True))
    return Place(Where.POINT, f"({', '.join(shortest(value) for _, value in point)})", point=point)
