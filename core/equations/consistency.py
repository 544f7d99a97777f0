"""Whether what is typed agrees: the exact solution, numbers, what is divided by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from core.equations.algebra import is_divisor, number
from core.equations.calculus import substituted
from core.equations.conditions import Condition, Kind
from core.equations.faults import Fault
from core.equations.given import given
from core.equations.places import Place, Where
from core.equations.sampling import inner_points, is_known, largest, normals_at, points_at, values_of, where
from core.equations.structure import fields_in, has_field, known_parts
from core.equations.symmetry import at_end
from core.equations.system import System
from core.equations.tree import Expression, Normal, Number, Parameter, Power, TooLarge, TreeError, postorder
from core.equations.tree import Where as Choice
from core.equations.writing import shown

EXACT = 1e-8
"""Of the largest term: an exact solution leaves less."""
NUDGE = 1e-9
"""Of a coordinate's length: so near to a root, a value is nothing but what the last digits leave of it."""
_VALUES = (Kind.VALUE, Kind.INITIAL_VALUE, Kind.POINT_VALUE)


@np.errstate(all="ignore")  # values there are none of are looked for
def exact_faults(system: System) -> list[Fault]:
    """Where the exact solution satisfies an equation or a condition not; integrals are not looked at."""
    if not system.exact:
        return []
    points = inner_points(system.frame)
    found = []
    for residual, label in zip(system.residuals, system.residual_labels, strict=True):
        text = system.equations[int(label.split(",")[0].split()[1]) - 1].text
        found += _off(system, residual, points, {}, text, label)
    for each in system.conditions:
        found += _condition_off(system, each)
    return found


def _condition_off(system: System, condition: Condition) -> Iterable[Fault]:
    text, label = condition.text or condition.place.text, condition.label
    if condition.kind in (Kind.EVEN, Kind.ODD):
        condition = at_end(condition, system) or condition
    if condition.kind in (Kind.PERIODIC, Kind.EVEN, Kind.ODD):
        return _symmetry_off(system, condition, text)
    if condition.kind is Kind.INTEGRAL:
        return []
    place = condition.place
    on_sides = place.kind is Where.BOUNDARY and system.frame.is_box
    for side in system.frame.sides() if on_sides else [place]:
        points = points_at([side], system.frame)
        found = _off(system, condition.residual, points, normals_at(side, points, system.frame), text, label)
        if found:
            return found
    return []


def _off(system: System, residual: Expression, points: Mapping, leaves: Mapping, text: str, label: str) -> list[Fault]:
    """Whether a residual is not zero at points with the exact solution in it."""
    leaves = {**system.known_leaves, **leaves}
    try:
        terms = [system.at_exact(term) for term in getattr(residual, "terms", (residual,))]
    except TreeError as error:
        unchecked = isinstance(error, TooLarge)
        said = f"the exact solution could not be checked: {error}" if unchecked else f"with the exact solution: {error}"
        return [Fault(said, text, 0, len(text), label, warning=unchecked)]
    if None in terms or not all(is_known(term, leaves) for term in terms):
        return []
    values = np.array(values_of(terms, points, system.frame, leaves))
    normals = {leaf: 1.0 for leaf in leaves if isinstance(leaf, Normal)}
    inside = np.array(values_of(terms, inner_points(system.frame), system.frame, {**leaves, **normals}))
    return _said_off(np.abs(values.sum(0)), max(largest(values), largest(inside)), points, text, label)


def _said_off(off: np.ndarray, size: float, points: Mapping, text: str, label: str) -> list[Fault]:
    bad = ~np.isfinite(off)
    found = []
    if bad.any():
        said = f"the exact solution has no value at {where(points, int(bad.argmax()))}"
        found.append(Fault(said, text, 0, len(text), label, warning=not bad.all()))
    off = np.where(bad, 0.0, off)
    at = int(off.argmax())
    if off[at] > EXACT * max(size, EXACT):
        said = f"the exact solution is off by {off[at]:.2g} at {where(points, at)}"
        found.append(Fault(said, text, 0, len(text), label))
    return found


def _symmetry_off(system: System, condition: Condition, text: str) -> list[Fault]:
    exact = system.exact.get(condition.field)
    if exact is None or not is_known(exact, system.known_leaves):
        return []
    x = condition.coordinate
    low, high = system.frame.domain[x]
    here, there = inner_points(system.frame), inner_points(system.frame)
    (inside,) = values_of([exact], here, system.frame, system.known_leaves)
    sign = -1.0 if condition.kind is Kind.ODD else 1.0
    if condition.kind is Kind.PERIODIC:
        here[x], there[x] = np.full(len(here[x]), low), np.full(len(here[x]), high)
    else:
        there[x] = 2 * condition.centre - here[x]
    (a,) = values_of([exact], here, system.frame, system.known_leaves)
    (b,) = values_of([exact], there, system.frame, system.known_leaves)
    return _said_off(np.abs(a - sign * b), max(map(largest, (a, b, inside))), here, text, condition.label)


@np.errstate(all="ignore")  # values there are none of are looked for
def vanishing_divisors(system: System) -> list[Fault]:
    """What is divided by and is zero somewhere: with the exact solution, by a condition, or by itself. Warnings."""
    found: dict[tuple[str, Expression], Fault] = {}
    for residual, label in zip(system.residuals, system.residual_labels, strict=True):
        for node in postorder(residual):
            if isinstance(node, Power) and is_divisor(node) and not isinstance(node.base, Number):
                said = _vanishes(system, node.base)
                if said:
                    found.setdefault((label, node.base), Fault(said, label=label, warning=True))
    return list(found.values())


def meaningless_numbers(system: System) -> list[Fault]:
    """What means nothing once its parameters are the numbers that they are: a division by k where k is 0."""
    values: dict[Expression, Expression] = {
        Parameter(name): number(value) for name, value in system.frame.parameters.items()
    }
    found: list[Fault] = []
    labelled = [*zip(system.residuals, system.residual_labels, strict=True)]
    labelled += [(each.residual, each.label) for each in system.conditions if each.residual is not None]
    for node, label in labelled:
        try:
            substituted(node, values)
        except TooLarge:
            raise
        except TreeError as error:
            fault = Fault(f"with the parameters' numbers it means nothing: {error}", label=label)
            found += [fault] if fault not in found else []
    return found


@np.errstate(all="ignore")  # values there are none of are looked for
def without_values(system: System) -> list[Fault]:
    """What is known and has no value: sqrt(x - 2) where x < 2. Of a condition, at an end alone, it is a warning."""
    found: list[Fault] = []
    numbers = {Parameter(name): number(value) for name, value in system.frame.parameters.items()}
    for residual, label in zip(system.residuals, system.residual_labels, strict=True):
        chosen = any(isinstance(node, Choice) for node in postorder(residual))  # what is not chosen needs no value
        for node in () if chosen else known_parts([substituted(residual, numbers)]):
            found += [fault for fault in _no_value(system, node, [], "", label) if not fault.warning]
    for each in given(system):
        found += _no_value(system, each.value, [each.place], each.condition.text, each.condition.label)
    return list({(fault.label, fault.warning): fault for fault in reversed(found)}.values())


def _no_value(system: System, node: Expression, places: list[Place], text: str, label: str) -> list[Fault]:
    points = points_at(places, system.frame)
    (values,) = values_of([node], points, system.frame)
    bad = ~np.isfinite(values)
    if not bad.any():
        return []
    inside = np.ones(len(values), dtype=bool)
    fixed = {x for place in places for x in (place.coordinate, *dict(place.point))}
    for name, (low, high) in system.frame.domain.items():
        if name not in fixed:
            inside &= (points[name] > low) & (points[name] < high)
    at = int((bad & inside if (bad & inside).any() else bad).argmax())
    said = f"{shown(node)} has no value at {where(points, at)}"
    return [Fault(said, text, 0, len(text), label, warning=not (bad & inside).any())]


def _or_none(make: Callable[..., Expression | None], *arguments: object) -> Expression | None:
    """An expression, or None where there is none: what can't be looked at is not said to vanish."""
    try:
        return make(*arguments)
    except TreeError:
        return None


def _vanishes(system: System, base: Expression) -> str:
    candidates: list[tuple[Expression | None, list[Place], str]] = [(None, [], "")]
    if not has_field(base):
        candidates = [(base, [], "")]
    elif system.exact:
        candidates = [(_or_none(system.at_exact, base), [], "with the exact solution ")]
    for each in system.conditions:
        if each.kind in _VALUES and each.right is not None and {f.name for f in fields_in(base)} == {each.field}:
            plain = system.names.field(each.field)
            if all(not leaf.by for leaf in fields_in(base)):
                value = _or_none(substituted, base, {plain: each.right})
                on_sides = each.place.kind is Where.BOUNDARY and system.frame.is_box
                places = system.frame.sides() if on_sides else [each.place]
                candidates += [(value, [place], f"by {each.label} ") for place in places]
    for value, places, why in candidates:
        if value is None or not is_known(value, system.known_leaves):
            continue
        points = points_at(places, system.frame)
        (values,) = values_of([value], points, system.frame, system.known_leaves)
        finite = np.where(np.isfinite(values), values, largest(values))
        at = int(np.abs(finite).argmin())
        if finite.min() < 0 < finite.max() or finite[at] == 0 or _root_beside(system, value, points, at):
            return f"it divides by {shown(base)}, which {why}is 0 at or near {where(points, at)}"
    return ""


def _root_beside(system: System, value: Expression, points: Mapping[str, np.ndarray], at: int) -> bool:
    """Whether a value that is small at one point is rounding, or grows many times over within a hair's breadth of it.

    Small beside the largest value means nothing: 1 + exp(40*x) is never 0.
    """
    here = {name: np.repeat(each[at], 1 + 2 * len(points)) for name, each in points.items()}
    for k, (name, (low, high)) in enumerate(system.frame.domain.items()):
        here[name][1 + 2 * k : 3 + 2 * k] += np.array([-NUDGE, NUDGE]) * (high - low)
    (values,) = values_of([value], here, system.frame, system.known_leaves)
    return largest(values[1:]) > 2 * abs(values[0])
