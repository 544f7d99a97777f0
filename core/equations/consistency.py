"""Whether what is typed agrees: conditions at corners, the exact solution, what is divided by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.equations.algebra import is_divisor, number
from core.equations.calculus import derivatives, substituted
from core.equations.conditions import Condition, Kind
from core.equations.faults import Fault
from core.equations.places import Frame, Place, Where
from core.equations.sampling import inner_points, is_known, normals_at, points_at, values_of, where
from core.equations.structure import fields_in, has_field
from core.equations.system import System
from core.equations.tree import Expression, Normal, Number, Parameter, Power, TooLarge, TreeError, postorder
from core.equations.writing import text_of

AGREE = 1e-9
"""Of the values' size: nearer than this, two values are the same."""
EXACT = 1e-8
"""Of the largest term: an exact solution leaves less."""
NUDGE = 1e-9
"""Of a coordinate's length: so near to a root, a value is nothing but what the last digits leave of it."""
MOST_PAIRS = 20_000
CORNER_POINTS = 40
_VALUES = (Kind.VALUE, Kind.INITIAL_VALUE, Kind.POINT_VALUE)


@dataclass(frozen=True)
class _Given:
    """That one derivative of a field is a known expression at one place."""

    condition: Condition
    place: Place
    by: tuple[str, ...]
    value: Expression


@np.errstate(all="ignore")  # values there are none of are looked for
def contradictions(system: System, jumps: bool = False) -> list[Fault]:
    """Conditions that give one field two values where they meet.

    Args:
        system: whose conditions.
        jumps: whether values may jump at corners; they are then said as warnings.
    """
    given = _given(system)
    sizes = dict.fromkeys(system.names.fields, 0.0)
    for each in (each for each in given if not each.by):
        sizes[each.condition.field] = max(sizes[each.condition.field], _size(system, each))
    worst: dict[tuple[int, int], tuple[float, Fault]] = {}
    pairs = 0
    for i, first in enumerate(given):
        for second in given[i + 1 :]:
            pairs += 1
            if pairs > MOST_PAIRS:
                return [fault for _, fault in worst.values()]
            if first.condition.field != second.condition.field or not _meet(first.place, second.place, system.frame):
                continue
            found = _clash(system, first, second, sizes[first.condition.field], jumps)
            key = (id(first.condition), id(second.condition))
            if found is not None and found[0] > worst.get(key, (0.0,))[0]:
                worst[key] = found
    return [fault for _, fault in worst.values()]


def _given(system: System) -> list[_Given]:
    found = []
    for each in system.conditions:
        if each.right is None or not each.field or each.kind is Kind.ROBIN or not is_known(each.right):
            continue
        on_boundary = each.place.kind in (Where.BOUNDARY, Where.NAMED)
        if on_boundary and each.by:
            continue
        places = system.frame.sides() if on_boundary and system.frame.is_box else [each.place]
        found += [_Given(each, place, each.by, each.right) for place in places]
    return found


def _meet(a: Place, b: Place, frame: Frame) -> bool:
    """Whether two places have points in common that can be found."""
    if not frame.is_box and (a.name or b.name or Where.BOUNDARY in (a.kind, b.kind)):
        kinds = {a.kind, b.kind}
        if kinds <= {Where.NAMED, Where.BOUNDARY}:
            return bool(set(frame.named(a)) & set(frame.named(b)))
        return Where.POINT not in kinds
    fixed = [dict(each.point) or {each.coordinate: each.value} for each in (a, b)]
    return all(fixed[1].get(name, value) == value for name, value in fixed[0].items())


def _size(system: System, given: _Given) -> float:
    """The largest value that a condition gives, over all of its place."""
    return _largest(values_of([given.value], points_at([given.place], system.frame), system.frame)[0])


def _clash(system: System, a: _Given, b: _Given, size: float, jumps: bool) -> tuple[float, Fault] | None:
    """How far two conditions are apart where they meet, and what to say of it."""
    if a.by and b.by and a.by != b.by:
        return None
    if a.by and not b.by:
        a, b = b, a
    across = a.by != b.by
    if across and set(b.by) & _fixed(a.place):
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


def _fixed(place: Place) -> set[str]:
    return set(dict(place.point)) or {place.coordinate} - {""}


def _largest(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0


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
    return _said_off(np.abs(values.sum(0)), max(_largest(values), _largest(inside)), points, text, label)


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
    return _said_off(np.abs(a - sign * b), max(map(_largest, (a, b, inside))), here, text, condition.label)


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


def _or_none(make: Callable[..., Expression | None], *arguments: object) -> Expression | None:
    """An expression, or None where there is none: what can't be looked at is not said to vanish."""
    try:
        return make(*arguments)
    except TreeError:
        return None


def _vanishes(system: System, base: Expression) -> str:
    shown = text_of(base)
    if len(shown) > 60:
        shown = f"{shown[:57]}…"
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
        finite = np.where(np.isfinite(values), values, _largest(values))
        at = int(np.abs(finite).argmin())
        if finite.min() < 0 < finite.max() or finite[at] == 0 or _root_beside(system, value, points, at):
            return f"it divides by {shown}, which {why}is 0 at or near {where(points, at)}"
    return ""


def _root_beside(system: System, value: Expression, points: Mapping[str, np.ndarray], at: int) -> bool:
    """Whether a value that is small at one point is rounding, or grows many times over within a hair's breadth of it.

    Small beside the largest value means nothing: 1 + exp(40*x) is never 0.
    """
    here = {name: np.repeat(each[at], 1 + 2 * len(points)) for name, each in points.items()}
    for k, (name, (low, high)) in enumerate(system.frame.domain.items()):
        here[name][1 + 2 * k : 3 + 2 * k] += np.array([-NUDGE, NUDGE]) * (high - low)
    (values,) = values_of([value], here, system.frame, system.known_leaves)
    return _largest(values[1:]) > 2 * abs(values[0])
