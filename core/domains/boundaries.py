"""The boundary of a domain on the line or in the plane: the parts of its primitives' boundaries that are its own.

A point of a primitive's boundary belongs to the domain's where the domain lies on one side of it only. So unions,
differences and intersections, also of parts that touch along a side, need no cases of their own.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.domains.combined import Combined, Difference
from core.domains.curves import Arc, Curve, End, Segment
from core.domains.shapes import Annulus, Box, Polygon, Round, Shape
from core.errors import LabError

SAMPLES = 1024
"""Points of a piece at which it is first looked which parts are the domain's boundary."""
LOOKS = np.array([0.23, 0.41, 0.5, 0.62, 0.79])
"""Where on a part it is asked once more on which side the domain lies."""
STEP = 1e-7
"""How far to both sides of a boundary it is looked, as a part of the domain's size."""
SAME = 1e-9
"""What is nearer than this part of the domain's size is one place."""


@dataclass(frozen=True)
class Corner:
    """Where two pieces meet at an angle."""

    at: tuple[float, float]
    angle: float
    """Inside the domain, in radians: above π it is re-entrant."""
    towards: tuple[float, float]
    """The direction from the corner into the domain that halves the angle."""
    names: tuple[str, str]
    """Of the boundary before it and after it, going round with the domain on the left."""


@dataclass(frozen=True)
class Loop:
    """A closed curve of pieces; its area is negative where it is a hole's edge."""

    pieces: tuple[Curve, ...]
    corners: tuple[Corner, ...]
    area: float


@functools.lru_cache(maxsize=32)
def pieces(domain: Shape) -> tuple[Curve | End, ...]:
    """All pieces of the boundary of a domain of one or two dimensions."""
    if domain.dimension == 1:
        return tuple(_ends(domain))
    curves = list(named_curves(domain, "outer", itertools.count(1)))
    found: list[Curve] = []
    if isinstance(domain, Combined):
        s = np.linspace(0, 1, max(8, min(64, 4096 // len(curves))))
        near = [(curve.points(s), np.full(len(s), curve.size)) for curve in curves]
        places, reach = (np.concatenate([each[k] for each in near]) for k in range(2))
        for curve in curves:
            found += _own_parts(domain, curve, found, places, reach)
    else:
        found = curves
    if not found:
        raise LabError("The domain has no boundary. Nothing is left of it, or less than its rounding.")
    return tuple(found)


def numbered(name: str | None, default: str, holes: Iterator[int]) -> str:
    """A boundary's name: its own, or the default, or as a hole the next number."""
    return name or (f"hole {next(holes)}" if default == "hole" else default)


def named_curves(domain: Shape, default: str, holes: Iterator[int]) -> Iterator[Curve]:
    """Every primitive's own boundary in the plane, the primitive on the left."""
    match domain:
        case Difference():
            yield from named_curves(domain.of, default, holes)
            for part in domain.less:
                yield from named_curves(part, "hole", holes)
        case Combined():
            for part in domain.operands:
                yield from named_curves(part, default, holes)
        case Box():
            name = numbered(domain.name, default, holes) if not domain.sides else ""
            (x0, y0), (x1, y1) = domain.low, domain.high
            ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
            for k, (axis, end) in enumerate([(1, 0), (0, 1), (1, 1), (0, 0)]):
                yield Segment(domain.side(axis, end) or name, ring[k], ring[(k + 1) % 4])
        case Polygon():
            yield from _rings(domain, default, holes)
        case Round():
            name, turn = numbered(domain.name, default, holes), math.atan2(domain.axes[0, 1], domain.axes[0, 0])
            yield Arc(name, tuple(domain.centre), tuple(map(float, domain.semi)), turn)
        case Annulus():
            name = numbered(domain.name, default, holes)
            yield Arc(name, tuple(domain.centre), (domain.outer,) * 2)
            inner = Arc(numbered(domain.inner_name, "hole", holes), tuple(domain.centre), (domain.inner,) * 2)
            yield inner.reversed()


def _rings(polygon: Polygon, default: str, holes: Iterator[int]) -> Iterator[Segment]:
    outer, *inner = polygon.rings
    names = list(polygon.sides)
    if names and tuple(outer[1]) != tuple(map(float, polygon.vertices[1])):
        names = names[::-1]  # turned round: from the first vertex backwards, the last side first
    name = numbered(polygon.name, default, holes) if not names else ""
    for k, ring in enumerate([outer, *inner]):
        if k:
            name = numbered(polygon.hole_names[k - 1] if polygon.hole_names else None, "hole", holes)
        corners = [tuple(map(float, corner)) for corner in ring]
        for m, corner in enumerate(corners):
            side = names[m] if names and k == 0 else name
            yield Segment(side, corner, corners[(m + 1) % len(corners)])


def _ends(domain: Shape) -> Iterator[End]:
    step, known = STEP * domain.size, set()
    for name, at in _named_ends(domain, "outer", itertools.count(1)):
        below, above = domain.contains(np.array([[at - step], [at + step]]))
        if below != above and not any(abs(at - other) < step for other in known):
            known.add(at)
            yield End(name, at, 1 if above else -1, key=("end", at))


def _named_ends(domain: Shape, default: str, holes: Iterator[int]) -> Iterator[tuple[str, float]]:
    if isinstance(domain, Combined):
        for k, part in enumerate(domain.operands):
            yield from _named_ends(part, "hole" if k and isinstance(domain, Difference) else default, holes)
        return
    name = numbered(domain.name, default, holes) if not domain.sides else ""
    yield domain.side(0, 0) or name, domain.low[0]
    yield domain.side(0, 1) or name, domain.high[0]


def _own_parts(domain: Shape, curve: Curve, earlier: list[Curve], places: np.ndarray, reach: np.ndarray) -> list[Curve]:
    """The parts of a primitive's boundary that are the domain's, the domain on their left.

    Args:
        domain: whose boundary.
        curve: of the primitive.
        earlier: parts that were found already.
        places: points (n, 2) on all primitives' boundaries, next to which it is looked too: what is small may cut.
        reach: (n,): how large the piece is that each of them is on.
    """
    size = domain.size

    def side(s: np.ndarray) -> np.ndarray:
        """1 where the domain lies on the curve's left, −1 on its right, 0 on both, none, or as another's boundary."""
        at, normal = curve.points(s), curve.normals(s) * (STEP * size)
        sides = domain.contains(at - normal).astype(int) - domain.contains(at + normal)
        for other in earlier:
            sides[lies_on(other, at, SAME * size)] = 0
        return sides

    beside = curve.nearest(places)
    beside = beside[np.linalg.norm(curve.points(beside) - places, axis=1) <= reach]
    beside = np.concatenate([[0.0], np.unique(beside), [1.0]])
    s = np.unique(np.concatenate([(np.arange(SAMPLES) + 0.5) / SAMPLES, (beside[1:] + beside[:-1]) / 2]))
    known = side(s)
    changes = [_change(side, s[k], s[k + 1], known[k]) for k in np.flatnonzero(known[1:] != known[:-1])]
    cuts = [0.0, *(_polished(domain, curve, cut) for cut in changes), 1.0]
    wrapped = curve.whole and known[0] == known[-1]  # begins and ends within one part
    kept = []
    for low, high in itertools.pairwise(cuts):
        if high - low > SAME and (there := _mostly(side(low + (high - low) * LOOKS))):
            kept.append((low, high, there))
    if wrapped and len(kept) > 1 and kept[0][0] == 0 and kept[-1][1] == 1:
        (_, high, there), (low, _, _) = kept[0], kept[-1]
        kept = [*kept[1:-1], (low, 1 + high, there)]
    parts = [(curve if (low, high) == (0, 1) else curve.part(low, high), there) for low, high, there in kept]
    return [part if there > 0 else part.reversed() for part, there in parts]


def _mostly(sides: np.ndarray) -> int:
    """The side of a part; at some of its points alone another boundary may touch it."""
    return int(np.sign(sides.sum()))


def _change(side, low: float, high: float, before: int) -> float:
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if side(np.array([middle]))[0] == before else (low, middle)
    return (low + high) / 2


def _polished(domain: Shape, curve: Curve, s: float) -> float:
    """Where a curve meets the other one there, to rounding; the look to both sides found it to `STEP`."""
    others, size = list(named_curves(domain, "outer", itertools.count(1))), domain.size

    def value(other: Curve, at: float) -> float:
        x, y = curve.points(np.array([at])).T
        return float(other.implicit((x, y))[0])

    others = [other for other in others if other.key != curve.key and abs(value(other, s)) < 10 * STEP * size
              and lies_on(other, curve.points(np.array([s])), 10 * STEP * size)[0]]  # fmt: skip
    for other in others:
        step, at = 1e-6, s
        for _ in range(6):
            slope = (value(other, at + step) - value(other, at - step)) / (2 * step)
            if abs(slope) < 1e-3 * size:
                break  # they touch without crossing
            at -= value(other, at) / slope
        if abs(value(other, at)) < 1e-13 * size and abs(at - s) * curve.size < 100 * STEP * size:
            return min(max(at, 0.0), 1.0)
    return s


def lies_on(curve: Curve, at: np.ndarray, near: float) -> np.ndarray:
    """Whether points (n, 2) lie on a piece, its ends left out."""
    x = (at[:, 0], at[:, 1])
    on = np.abs(curve.implicit(x)) < near
    return on if curve.whole else on & (curve.trimming(x) > 0)


@functools.lru_cache(maxsize=32)
def loops(domain: Shape) -> tuple[Loop, ...]:
    """The boundary of a plane domain as closed loops, outer ones first."""
    near, found = 100 * STEP * domain.size, []
    every = pieces(domain)
    starts, ends = (np.concatenate([piece.points(np.array([s])) for piece in every]) for s in (0.0, 1.0))
    left = np.ones(len(every), bool)
    while left.any():
        first = last = int(np.argmax(left))
        chain, left[first] = [every[first]], False
        while not every[last].whole and math.dist(ends[last], starts[first]) > near:
            gaps = np.where(left, np.linalg.norm(starts - ends[last], axis=1), np.inf)
            if gaps.min() > near:
                raise LabError(
                    f"The domain's boundary is open near ({ends[last][0]:g}, {ends[last][1]:g}): two of its parts "
                    "touch there without overlapping. Move one of them a little."
                )
            last = int(np.argmin(gaps))
            left[last] = False
            chain.append(every[last])
        found.append(Loop(tuple(chain), tuple(_corners(chain)), sum(piece.swept for piece in chain)))
    return tuple(sorted(found, key=lambda loop: -loop.area))


def _corners(chain: list[Curve]) -> Iterator[Corner]:
    if chain[0].whole:
        return
    for before, after in zip([chain[-1], *chain[:-1]], chain, strict=True):
        arriving, leaving = before.velocities(np.array([1.0]))[0], after.velocities(np.array([0.0]))[0]
        corner = corner_between(arriving, leaving, after.points(np.array([0.0]))[0], (before.name, after.name))
        if abs(corner.angle - math.pi) > 1e-6:
            yield corner


def corner_between(arriving: np.ndarray, leaving: np.ndarray, at: np.ndarray, names: tuple[str, str]) -> Corner:
    """The corner at a point between two directions (2,) of a boundary that has the domain on its left."""
    (ux, uy), (vx, vy) = arriving, leaving
    angle = math.pi - math.atan2(ux * vy - uy * vx, ux * vx + uy * vy)
    half = math.atan2(vy, vx) + angle / 2
    return Corner(tuple(map(float, at)), angle, (math.cos(half), math.sin(half)), names)


def corners(domain: Shape) -> tuple[Corner, ...]:
    """All corners of a plane domain."""
    return tuple(corner for loop in loops(domain) for corner in loop.corners)
