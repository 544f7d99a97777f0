"""Where lines along a coordinate lie inside a domain made of shapes: intervals, and which boundary each end is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from core.domains.combined import Difference, Intersection, Union
from core.domains.shapes import Annulus, Box, Polygon, Round, Shape

Key = tuple[int, ...]
"""Of a boundary: the place of its primitive in the domain, and which of its sides."""
Span = tuple[float, float, Key, Key]
"""From where to where a line is inside, and on which boundaries it enters and leaves."""
Fixed = Mapping[int, float]
"""Coordinate, by its place → the number that it has."""
TOUCHING = 1e-12
"""What is nearer than this part of a domain's size touches."""


def spans(domain: Shape, axis: int, fixed: Fixed, key: Key = ()) -> list[Span]:
    """The parts inside of a line along one coordinate, in order.

    Args:
        domain: what is cut.
        axis: the coordinate that changes.
        fixed: all others.
        key: where the domain is in one that it is part of.
    """
    near = TOUCHING * domain.size
    match domain:
        case Union():
            return _joined(_each(domain.parts, axis, fixed, key), near)
        case Intersection():
            first, *rest = _each(domain.parts, axis, fixed, key)
            for other in rest:
                first = _common(first, other, near)
            return first
        case Difference():
            first, *rest = _each((domain.of, *domain.less), axis, fixed, key)
            for other in rest:
                first = _less(first, other, near)
            return first
        case Annulus():
            outer = _in_ellipsoid(domain.centre, (domain.outer,) * domain.dimension, axis, fixed, (*key, 0))
            inner = _in_ellipsoid(domain.centre, (domain.inner,) * domain.dimension, axis, fixed, (*key, 1))
            return _less(outer, inner, near)
        case Box():
            low, high = domain.box().T
            inside = all(low[k] < value < high[k] for k, value in fixed.items())
            return [(low[axis], high[axis], (*key, 2 * axis), (*key, 2 * axis + 1))] if inside else []
        case Polygon():
            return _in_polygon(domain, axis, fixed[1 - axis], key)
        case Round() if domain.dimension == 2:
            return _in_ellipse(domain, axis, fixed[1 - axis], key)
        case Round():
            return _in_ellipsoid(domain.centre, domain.semi, axis, fixed, key)
    raise TypeError(type(domain).__name__)


def ends(domain: Shape, axis: int, fixed: Fixed) -> Iterator[float]:
    """Where each primitive begins and ends along a coordinate, some others being fixed; a polygon's vertices, too."""
    match domain:
        case Union() | Intersection() | Difference():
            for part in domain.operands:
                yield from ends(part, axis, fixed)
        case Polygon():
            for ring in domain.rings:
                yield from map(float, ring[:, axis])
        case Annulus():
            for radius in (domain.outer, domain.inner):
                yield from _ellipsoid_ends(domain.centre, (radius,) * domain.dimension, axis, fixed)
        case Round() if domain.dimension > 2:
            yield from _ellipsoid_ends(domain.centre, domain.semi, axis, fixed)
        case _:
            yield from map(float, domain.box()[axis])


def _each(parts: tuple[Shape, ...], axis: int, fixed: Fixed, key: Key) -> list[list[Span]]:
    return [spans(part, axis, fixed, (*key, k)) for k, part in enumerate(parts)]


def _ellipsoid_ends(centre, semi, axis: int, fixed: Fixed) -> Iterator[float]:
    left = 1 - sum(((value - centre[k]) / semi[k]) ** 2 for k, value in fixed.items())
    if left > 0:
        reach = semi[axis] * left**0.5
        yield from (float(centre[axis] - reach), float(centre[axis] + reach))


def _in_ellipsoid(centre, semi, axis: int, fixed: Fixed, key: Key) -> list[Span]:
    found = list(_ellipsoid_ends(centre, semi, axis, fixed))
    return [(*found, (*key, 0), (*key, 1))] if found else []


def _in_ellipse(domain: Round, axis: int, at: float, key: Key) -> list[Span]:
    """Along a line x = c + s e: |A(x − centre)|² = 1 is quadratic in s."""
    stretch = domain.axes / domain.semi[:, None]
    along, across = stretch[:, axis], stretch[:, 1 - axis] * (at - domain.middle[1 - axis])
    a, b, c = along @ along, along @ across, across @ across - 1
    root = b * b - a * c
    if root <= 0:
        return []
    low, high = domain.middle[axis] + (-b + np.array([-1, 1]) * root**0.5) / a
    return [(float(low), float(high), (*key, 0), (*key, 1))]


def _in_polygon(domain: Polygon, axis: int, at: float, key: Key) -> list[Span]:
    starts = np.concatenate(domain.rings)
    stops = np.concatenate([np.roll(ring, -1, axis=0) for ring in domain.rings])
    cut = np.flatnonzero((starts[:, 1 - axis] <= at) != (stops[:, 1 - axis] <= at))
    a, b = starts[cut], stops[cut]
    part = (at - a[:, 1 - axis]) / (b[:, 1 - axis] - a[:, 1 - axis])
    where = a[:, axis] + part * (b[:, axis] - a[:, axis])
    order = np.argsort(where)
    pairs = zip(order[::2], order[1::2], strict=True)
    return [(float(where[i]), float(where[j]), (*key, int(cut[i])), (*key, int(cut[j]))) for i, j in pairs]


def _joined(lists: list[list[Span]], near: float) -> list[Span]:
    found: list[Span] = []
    for low, high, enters, leaves in sorted(span for each in lists for span in each):
        if found and low <= found[-1][1] + near:
            if high > found[-1][1]:
                found[-1] = (found[-1][0], high, found[-1][2], leaves)
        else:
            found.append((low, high, enters, leaves))
    return found


def _common(one: list[Span], other: list[Span], near: float) -> list[Span]:
    pairs = ((a, b) for a in one for b in other)
    met = ((max(a, b, key=lambda s: s[0]), min(a, b, key=lambda s: s[1])) for a, b in pairs)
    return sorted((first[0], last[1], first[2], last[3]) for first, last in met if last[1] - first[0] > near)


def _less(one: list[Span], other: list[Span], near: float) -> list[Span]:
    for low, high, enters, leaves in other:
        cut: list[Span] = []
        for a, b, first, last in one:
            cut += [(a, min(b, low), first, last if b <= low else enters)] if min(b, low) - a > near else []
            cut += [(max(a, high), b, first if a >= high else leaves, last)] if b - max(a, high) > near else []
        one = sorted(cut)
    return one


def changes(structure: Callable[[float], object], low: float, high: float, looks: int) -> Iterator[float]:
    """Where between two numbers what a function says changes, to rounding: found by looking, then by halving."""
    at = low + (high - low) * (np.arange(looks) + 0.5) / looks
    known = [structure(float(value)) for value in at]
    for k in range(looks - 1):
        a, before = float(at[k]), known[k]
        while before != known[k + 1]:
            b = float(at[k + 1])
            while (middle := (a + b) / 2) not in (a, b):
                a, b = (middle, b) if structure(middle) == before else (a, middle)
            yield b
            a, before = b, structure(b)
            if a >= at[k + 1]:
                break
