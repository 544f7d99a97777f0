"""Features that follow the domain: what a solution does around each hole and into each corner.

A solution outside a hole goes on inside it only as far as a singularity there, which functions of x and y alone follow
badly. Functions of the inverted coordinates R(x−c)/|x−c|², and log |x−c| (in space R/|x−c|), do it naturally: the
Laplacian of f∘T is |T′|² (Δf)∘T. Into a corner of angle ω, harmonic functions that vanish on both of its sides begin as
r^{π/ω} sin(πθ/ω), whose derivatives are infinite at a re-entrant one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.domains.arithmetic import Number, atan, chosen, cos, exp, log, reciprocal, sin, sqrt, value_of
from core.domains.boundaries import Corner, Loop, corners, loops
from core.domains.combined import Combined, Difference
from core.domains.curves import Arc
from core.domains.hole_places import place_in
from core.domains.shapes import Annulus, Round, Shape

WHOLE = 1e-6
"""An exponent π/ω that is nearer than this to a whole number is one: there a logarithm comes in."""
AT_CORNER = 1e-12
"""Added to r in its square, over the domain's size: at the corner itself the functions have values, which are 0."""
MOST = 32
LOOKS = 500
"""Points of the line behind a corner."""


@dataclass(frozen=True)
class HoleFeatures:
    """Of a hole: inverted coordinates for a network to read, and one function beside them."""

    name: str
    place: tuple[float, ...]
    """A point inside the hole, its centre where it has one."""
    radius: float
    """Of a ball of the hole's area or volume."""
    weight: float = 1.0
    """How many features it should have beside others: more where its edge is near others'."""
    gap: float = math.inf
    """From its edge to what is singular next: the domain's other boundaries, beyond which it has mirror images."""
    kind: Literal["hole"] = "hole"

    def inputs(self, x: tuple[Number, ...]) -> list[Number]:
        """Inverted coordinates: of size 1 at the hole's edge, 0 far away; each (n,)."""
        off, square = self._off(x)
        inverse = reciprocal(square) * self.radius
        return [each * inverse for each in off]

    def functions(self, x: tuple[Number, ...]) -> list[Number]:
        """log(r/R) in the plane, R/r in space: what no function of the inverted coordinates is."""
        square = self._off(x)[1]
        if len(self.place) == 2:
            return [log(square * (1 / self.radius**2)) * 0.5]
        return [reciprocal(sqrt(square)) * self.radius]

    def _off(self, x: tuple[Number, ...]) -> tuple[list[Number], Number]:
        off = [v - c for v, c in zip(x, self.place, strict=False)]
        square = off[0] * off[0]
        for each in off[1:]:
            square = square + each * each
        return off, square


@dataclass(frozen=True)
class CornerFeatures:
    """Of a corner: the functions with which a solution goes into it."""

    name: str
    """Of the boundaries that meet there."""
    place: tuple[float, float]
    angle: float
    """Inside the domain, in radians."""
    towards: tuple[float, float]
    """The direction into the domain that halves it."""
    size: float
    """The length by which r is measured: that of the domain."""
    depth: float | None = None
    """How far behind it the angle may be cut open, where the straight line behind it comes back into the domain: a
    hole's corner, or a bay's."""
    sides: tuple[str, str] = ("", "")
    """Names of the boundaries before and after it, going round with the domain on the left."""
    kind: Literal["corner"] = "corner"

    @property
    def exponent(self) -> float:
        """π/ω."""
        return math.pi / self.angle

    def polar(self, x: tuple[Number, ...]) -> tuple[Number, Number]:
        """The radius r over the domain's size, and θ from 0 to ω inside the domain, from the side after it on.

        With a `depth` both are those of w/(1 + w/depth) for w = r e^{iθ}, the same near the corner: analytic but on a
        line from the corner to the point `depth` behind it, which is outside the domain.
        """
        (cx, cy), (ux, uy) = self.place, self.towards
        p, q = (x[0] - cx) * (1 / self.size), (x[1] - cy) * (1 / self.size)
        along, across = p * ux + q * uy, q * ux - p * uy
        r = sqrt(p * p + q * q + AT_CORNER**2)
        if self.depth is None:
            return r, _angle(along, across, r) + self.angle / 2
        d, square = self.depth / self.size, across * across
        beyond = sqrt((along + d) * (along + d) + square)
        theta = _angle(along * (along + d) + square, across * d, r * beyond)
        return r * d * reciprocal(beyond), theta + self.angle / 2

    def exponents(self, most: float, mixed: bool = False) -> list[float]:
        """The m = kπ/ω, or (k − ½)π/ω, up to `most`."""
        first = self.exponent * (0.5 if mixed else 1)
        return [first + k * self.exponent for k in range(math.floor((most - first) / self.exponent + WHOLE) + 1)]

    def functions(
        self, x: tuple[Number, ...], count: int = 1, neumann: bool = False, mixed: bool = False
    ) -> list[Number]:
        """r^{kπ/ω} sin(kπθ/ω) for k = 1 … count, each (n,); zero on both sides of the corner, harmonic.

        Where kπ/ω is a whole number m these are polynomials, and what a solution has instead is
        r^m (log r sin mθ + θ cos mθ). At the corner itself their derivatives are beyond all bounds.

        With a `depth` sines and cosines come both, 2·count, and vanish on the sides in their first order alone: what is
        left is for other features. They are harmonic all the same.

        Args:
            x: coordinates, as arrays, tensors or jets.
            count: how many.
            neumann: cosines instead, whose normal derivatives vanish on both sides.
            mixed: k − ½ in the place of k: zero on the side after the corner, the normal derivative on the side
                before; with `neumann` the other way round.
        """
        r, theta = self.polar(x)
        logarithm, first, second = log(r), [], []
        for k in range(1, count + 1):
            m = (k - 0.5 if mixed else k) * self.exponent
            power = exp(logarithm * m)
            s, c = sin(theta * m), cos(theta * m)
            if abs(m - round(m)) < WHOLE:
                first.append(power * (logarithm * s + theta * c))
                second.append(power * (logarithm * c - theta * s))
            else:
                first.append(power * s)
                second.append(power * c)
        if self.depth is not None:
            return first + second
        return second if neumann else first


def _angle(along: Number, across: Number, r: Number) -> Number:
    """The angle of a point at distance r, from −π to π, by that of two forms of its half that does not cancel."""
    forward = value_of(along) >= 0
    half = atan(across / chosen(forward, r + along, r))
    if not forward.all():
        divisor = chosen(np.abs(value_of(across)) > 0, across, r)
        half = chosen(forward, half, atan((r - along) / divisor))
    return half * 2.0


LocalFeatures = HoleFeatures | CornerFeatures


def local_features(domain: Shape, every_corner: bool = False, most: int = MOST) -> tuple[LocalFeatures, ...]:
    """The features of a domain's holes, and of its corners.

    Args:
        domain: whose features.
        every_corner: of convex corners too, where a solution is less singular; else of re-entrant ones.
        most: so many corners at most, those with the largest angles; a curve drawn as a polygon has hundreds.
    """
    if domain.dimension == 1:
        return ()
    if domain.dimension > 2:
        return outside(domain, _holes_in_space(domain))
    holes = outside(domain, _holes(domain))
    found = [each for each in corners(domain) if every_corner or each.angle > math.pi + 1e-6]
    sharpest = sorted(found, key=lambda each: -each.angle)[:most]
    return (*holes, *(of_corner(each, domain.size, domain.contains) for each in sharpest))


def outside(domain: Any, holes: Iterable[HoleFeatures]) -> tuple[HoleFeatures, ...]:
    """The holes whose features are singular outside the domain: not those around an island, in which the place lies."""
    return tuple(each for each in holes if not domain.contains(np.array([each.place])).any())


def of_corner(corner: Corner, size: float, contains: Callable[[np.ndarray], np.ndarray]) -> CornerFeatures:
    """The features of a corner of a domain of this size; `contains` says of points (n, 2) whether they are inside."""
    name = " and ".join(dict.fromkeys(corner.names))
    behind = np.geomspace(1e-4, 2, LOOKS) * size
    inside = contains(np.array(corner.at) - behind[:, None] * corner.towards)
    depth = float(behind[np.argmax(inside)] / 2) if inside.any() else None
    return CornerFeatures(name, corner.at, corner.angle, corner.towards, size, depth, corner.names)


def _holes(domain: Shape) -> list[HoleFeatures]:
    every = [_sides(loop) for loop in loops(domain)]
    found = []
    for loop, sides in zip(loops(domain), every, strict=True):
        if loop.area >= 0:
            continue
        first, place = loop.pieces[0], None
        if all(isinstance(piece, Arc) and piece.key == first.key for piece in loop.pieces):
            place = first.centre
        if place is None or domain.contains(np.array([place]))[0]:
            place = place_in(sides, np.concatenate(every), domain.contains)
        if place is not None:
            found.append(HoleFeatures(first.name, place, math.sqrt(-loop.area / math.pi)))
    return found


def _sides(loop: Loop) -> np.ndarray:
    """The edge of a loop as straight sides (k, 2, 2)."""
    s = np.linspace(0, 1, 65)[:-1]
    ring = np.concatenate([piece.points(s) for piece in loop.pieces])
    return np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)


def _holes_in_space(domain: Shape):
    """Balls, ellipsoids and inner spheres that are taken away and lie inside."""
    taken = domain.less if isinstance(domain, Difference) else ()
    count = 0
    for part in (domain.of, *taken) if taken else (domain,):
        if isinstance(part, Annulus):
            count += 1
            yield HoleFeatures(part.inner_name or f"hole {count}", tuple(part.centre), part.inner)
        elif part in taken and not isinstance(part, Combined):
            middle = part.middle if isinstance(part, Round) else part.box().mean(axis=1)
            count += 1
            radius = (part.measure() * 3 / (4 * math.pi)) ** (1 / 3)
            yield HoleFeatures(part.name or f"hole {count}", tuple(map(float, middle)), radius)
