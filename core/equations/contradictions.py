"""Conditions that contradict each other: where their places meet, at one place, at both ends of what is mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from core.equations.calculus import derivatives, substituted
from core.equations.conditions import Condition, Kind
from core.equations.faults import EquationError, Fault
from core.equations.given import Given, given, outward, sides
from core.equations.places import ON_BOUNDARIES, Frame, Place, Where
from core.equations.sampling import largest, points_at, values_of, where
from core.equations.structure import additive_terms, fields_in
from core.equations.symmetry import mirrors
from core.equations.system import System
from core.equations.tree import TreeError

AGREE = 1e-9
"""Of the values' size: nearer than this, two values are the same."""
MOST_PAIRS = 20_000
CORNER_POINTS = 40


@np.errstate(all="ignore")  # values there are none of are looked for
def contradictions(system: System, jumps: bool = False) -> list[Fault]:
    """Conditions that give one field two values where they meet.

    Args:
        system: whose conditions.
        jumps: whether values may jump at corners; they are then said as warnings.
    """
    statements = given(system)
    sizes = dict.fromkeys(system.names.fields, 0.0)
    for each in (each for each in statements if not each.by):
        sizes[each.condition.field] = max(sizes[each.condition.field], _size(system, each))
    worst: dict[tuple[int, int], tuple[float, Fault]] = {}
    pairs = 0
    for i, first in enumerate(statements):
        for second in statements[i + 1 :]:
            pairs += 1
            if pairs > MOST_PAIRS:
                break
            if first.condition.field != second.condition.field or not _meet(first.place, second.place, system.frame):
                continue
            found = _clash(system, first, second, sizes[first.condition.field], jumps)
            key = (id(first.condition), id(second.condition))
            if found is not None and found[0] > worst.get(key, (0.0,))[0]:
                worst[key] = found
    return [*(fault for _, fault in worst.values()), *_of_several(system, statements), *_at_ends(system, statements)]


def _at_ends(system: System, statements: list[Given]) -> Iterator[Fault]:
    """What is given at both ends of a coordinate in which fields repeat or are mirrored."""
    try:
        images = {x: (mirror.sign, 2 * mirror.centre) for x, mirror in mirrors(system).items()}
    except EquationError:
        return  # said where symmetries are looked at
    images |= {each.coordinate: (lambda *_: 1, None) for each in system.conditions if each.kind is Kind.PERIODIC}
    for x, (sign, twice) in images.items():
        ends = [each for each in statements if each.place.kind is Where.SIDE and each.place.coordinate == x]
        for low in (each for each in ends if each.place.end == "low"):
            for high in (each for each in ends if each.place.end == "high" and each.leaf(system) == low.leaf(system)):
                here = points_at([low.place], system.frame, CORNER_POINTS)
                there = points_at([high.place], system.frame, CORNER_POINTS)
                (a,), (b,) = values_of([low.value], here, system.frame), values_of([high.value], there, system.frame)
                name = low.condition.field
                off = np.abs(a - sign(name, low.by, x) * b)
                if np.isfinite(off).any() and np.nanmax(off) > AGREE * max(largest(np.array([a, b])), AGREE):
                    at = int(np.nanargmax(off))
                    kind = "periodic" if twice is None else "mirrored"
                    apart = f"{a[at]:.3g} at {low.place.text} and {b[at]:.3g} at {high.place.text}"
                    said = f"{name} is {apart}, and it is {kind} in {x}"
                    text = high.condition.text
                    yield Fault(said, text, 0, len(text), high.condition.label, "values that agree with it")


def _of_several(system: System, statements: list[Given]) -> list[Fault]:
    """Conditions on several fields or derivatives of which others give each there: u + v = 1, u = 0, v = 0."""
    found: list[Fault] = []
    for each in system.conditions:
        if each.kind not in (Kind.LINEAR, Kind.ROBIN, Kind.NONLINEAR):
            continue
        for place in _parts(each, system):
            here = {said.leaf(system): said for said in statements if _covers(said.place, place, system.frame)}
            residual = outward(each.residual, place, system) if place.end else each.residual
            leaves = fields_in(residual)
            if not leaves or not set(leaves) <= set(here):
                continue
            try:
                parts = [substituted(term, {leaf: here[leaf].value for leaf in leaves})
                         for term in additive_terms(residual)]  # fmt: skip
            except TreeError:
                continue
            points = points_at([place], system.frame, CORNER_POINTS)
            values = np.array(values_of(parts, points, system.frame))
            off = np.abs(values.sum(0))
            if np.isfinite(off).any() and np.nanmax(off) > AGREE * max(largest(values), AGREE):
                at = int(np.nanargmax(off))
                others = " and ".join(sorted({here[leaf].condition.label for leaf in leaves}))
                said = f"it is off by {off[at]:.3g} at {where(points, at)} with {others}"
                found.append(Fault(said, each.text, 0, len(each.text), each.label, "conditions that agree"))
                break
    return found


def _parts(condition: Condition, system: System) -> list[Place]:
    """The places of a condition, one by one: sides of a box, boundaries with names."""
    if condition.place.kind is Where.BOUNDARY and not system.frame.is_box:
        return [Place(Where.NAMED, name, name=name) for name in system.frame.boundaries]
    return sides(condition, system)


def _covers(whole: Place, part: Place, frame: Frame) -> bool:
    """Whether one place is the other or holds all of it."""
    if whole.kind in ON_BOUNDARIES:
        return part.kind in ON_BOUNDARIES and set(frame.named(part)) <= set(frame.named(whole))
    fixed = [each.fixed for each in (whole, part)]
    return all(fixed[1].get(name) == value for name, value in fixed[0].items())


def _meet(a: Place, b: Place, frame: Frame) -> bool:
    """Whether two places have points in common that can be found."""
    kinds = {a.kind, b.kind}
    if not frame.is_box and kinds & ON_BOUNDARIES:
        return bool(frame.shared([a, b])) if kinds <= ON_BOUNDARIES else Where.POINT not in kinds
    fixed = [each.fixed for each in (a, b)]
    return all(fixed[1].get(name, value) == value for name, value in fixed[0].items())


def _size(system: System, given: Given) -> float:
    """The largest value that a condition gives, over all of its place."""
    return largest(values_of([given.value], points_at([given.place], system.frame), system.frame)[0])


def _clash(system: System, a: Given, b: Given, size: float, jumps: bool) -> tuple[float, Fault] | None:
    """How far two conditions are apart where they meet, and what to say of it."""
    if a.by and b.by and a.by != b.by:
        return None
    if a.by and not b.by:
        a, b = b, a
    across = a.by != b.by
    if across and set(b.by) & set(a.place.fixed):
        return None  # a derivative across the very side where the value is given
    try:
        left = derivatives(a.value, b.by) if across else a.value
        size = max(_size(system, b), _size(system, replace(a, value=left)), size)
        points = points_at([a.place, b.place], system.frame, CORNER_POINTS)
        first, second = values_of([left, b.value], points, system.frame)
    except TreeError:
        return None
    apart = np.abs(first - second)
    if not np.isfinite(apart).any() or np.nanmax(apart) <= AGREE * max(size, AGREE):
        return None
    at = int(np.nanargmax(apart))
    name = a.condition.field + (f"_{''.join(b.by)}" if b.by else "")
    said = (f"{name} is {first[at]:.3g} by {a.condition.label} ({a.place.text}) and {second[at]:.3g} by "
            f"{b.condition.label} ({b.place.text}) at {where(points, at)}")  # fmt: skip
    text = b.condition.text
    fault = Fault(said, text, 0, len(text), b.condition.label, "" if across else "one value, or that jumps are allowed",
                  warning=jumps or (across and system.names.time not in b.by))  # fmt: skip
    return float(apart[at]), fault
