"""Domains as plain data: what an equation is asked on. Time, where there is one, is the caller's box around them.

Each primitive maps the unit cube onto itself with equal measure, so that points of low discrepancy stay such.
"""

from __future__ import annotations

import functools
import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from core.domains import polygons
from core.frozen import Frozen, shaped

LARGEST = 1e9
SMALLEST = 1e-9
FEWEST_DIGITS = 1e-6
"""A domain smaller than this part of its distance from the origin has too few digits left."""

Coordinate = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Length = Annotated[float, Field(gt=0, ge=SMALLEST, le=LARGEST)]
Name = Annotated[
    str, Field(max_length=60), shaped(r"[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", "text on one line")
]
Place = Annotated[tuple[Coordinate, ...], Field(min_length=1, max_length=3)]
Vertex = tuple[Coordinate, Coordinate]


class Shape(Frozen):
    """What all domains have in common."""

    @property
    def dimension(self) -> int:
        """1 to 3, of a ball to 5."""
        raise NotImplementedError

    def box(self) -> np.ndarray:
        """Lower and upper ends, (d, 2)."""
        raise NotImplementedError

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether points (n, d) lie inside; on the boundary either."""
        raise NotImplementedError

    @property
    def size(self) -> float:
        """The largest extent."""
        return float(np.ptp(self.box(), axis=1).max())


class Primitive(Shape):
    """A shape by itself."""

    name: Name | None = Field(
        None, description="Its boundary's name; empty: `outer`, or `hole 1`, `hole 2` … where it is taken away."
    )

    def measure(self) -> float:
        """Length, area or volume."""
        raise NotImplementedError

    def mapped(self, unit: np.ndarray) -> np.ndarray:
        """Points of the unit cube (n, d) spread evenly over the shape."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _has_digits(self):
        box = self.box()
        if (np.ptp(box, axis=1) < FEWEST_DIGITS * np.abs(box).max(axis=1)).any():
            raise ValueError("it is too small for how far it is from the origin. Move the origin nearer to it")
        return self


class Box(Primitive):
    """An interval, a rectangle or a cuboid."""

    kind: Literal["box"] = "box"
    low: Place = Field(description="Its corner with the smallest coordinates.")
    high: Place = Field(description="Its corner with the largest ones.")
    sides: tuple[Name, ...] = Field(
        (),
        description="Names of its sides: low and high end of the first coordinate, of the second …; empty: one name.",
    )

    @model_validator(mode="before")
    @classmethod
    def _ends_fit(cls, data):
        low, high, sides = (
            (data.get(part) for part in ("low", "high", "sides")) if isinstance(data, dict) else 3 * ((),)
        )
        if isinstance(low, list | tuple) and isinstance(high, list | tuple):
            if len(low) != len(high):
                raise ValueError(f"low has {len(low)} coordinates, high has {len(high)}; they need as many")
            if isinstance(sides, list | tuple) and sides and len(sides) != 2 * len(low):
                raise ValueError(f"{len(sides)} names of sides; this box has {2 * len(low)} sides")
            for i, (a, b) in enumerate(zip(low, high, strict=True)):
                if isinstance(a, int | float) and isinstance(b, int | float) and not b - a >= SMALLEST:
                    raise ValueError(f"coordinate {i + 1} goes from {a:g} to {b:g}; the first must be the smaller one")
        return data

    @property
    def dimension(self):
        return len(self.low)

    def box(self):
        return np.array([self.low, self.high], float).T

    def contains(self, points):
        low, high = self.box().T
        return ((points > low) & (points < high)).all(axis=1)

    def measure(self):
        return float(np.ptp(self.box(), axis=1).prod())

    def mapped(self, unit):
        low, high = self.box().T
        return low + (high - low) * unit[:, : self.dimension]

    def side(self, axis: int, end: int) -> str | None:
        """The name of one side."""
        return self.sides[2 * axis + end] if self.sides else self.name


class Round(Primitive):
    """Disks, balls, ellipses and ellipsoids: a stretched and turned unit ball."""

    @property
    def middle(self) -> np.ndarray:
        """Its centre, (d,)."""
        return np.array(self.centre, float)

    @property
    def semi(self) -> np.ndarray:
        """Its semi-axes, (d,)."""
        return np.full(self.dimension, self.radius)

    @property
    def axes(self) -> np.ndarray:
        """Their directions, one a row."""
        return np.eye(self.dimension)

    @property
    def dimension(self):
        return len(self.centre)

    def box(self):
        reach = np.sqrt(((self.semi[:, None] * self.axes) ** 2).sum(axis=0))
        return np.stack([self.middle - reach, self.middle + reach], axis=1)

    def contains(self, points):
        return ((((points - self.middle) @ self.axes.T) / self.semi) ** 2).sum(axis=1) < 1

    def measure(self):
        return float(ball_measure(self.dimension) * self.semi.prod())

    def mapped(self, unit):
        return self.middle + (ball_points(unit, self.dimension) * self.semi) @ self.axes


class Disk(Round):
    """A disk in the plane."""

    kind: Literal["disk"] = "disk"
    centre: Vertex = Field(description="x and y.")
    radius: Length = Field(description="Of the circle.")


class Ball(Round):
    """A ball in space, of three to five dimensions."""

    kind: Literal["ball"] = "ball"
    centre: Annotated[tuple[Coordinate, ...], Field(min_length=3, max_length=5)] = Field(
        description="One coordinate for each dimension."
    )
    radius: Length = Field(description="Of the sphere.")


class Ellipse(Round):
    """An ellipse, or in space an ellipsoid along the axes."""

    kind: Literal["ellipse"] = "ellipse"
    centre: Annotated[Place, Field(min_length=2)] = Field(description="One coordinate for each dimension.")
    semi_axes: tuple[Length, ...] = Field(min_length=2, max_length=3, description="One along each coordinate.")
    angle: float = Field(0.0, ge=-360, le=360, description="By how many degrees it is turned, counter-clockwise.")

    @model_validator(mode="after")
    def _fits(self):
        if len(self.semi_axes) != len(self.centre):
            raise ValueError(f"{len(self.semi_axes)} semi-axes for a centre of {len(self.centre)} coordinates")
        if self.angle and self.dimension == 3:
            raise ValueError("an ellipsoid lies along the axes; its angle must be 0")
        return self

    @property
    def semi(self):
        return np.array(self.semi_axes, float)

    @property
    def axes(self):
        turn = math.radians(self.angle)
        c, s = math.cos(turn), math.sin(turn)
        return np.array([[c, s], [-s, c]]) if self.dimension == 2 else np.eye(3)


class Annulus(Primitive):
    """What lies between two circles, or between two spheres, around the same centre."""

    kind: Literal["annulus"] = "annulus"
    centre: Annotated[Place, Field(min_length=2)] = Field(description="One coordinate for each dimension.")
    inner: Length = Field(description="Radius of the hole.")
    outer: Length = Field(description="Radius of the whole.")
    inner_name: Name | None = Field(None, description="Name of the inner boundary; empty: `hole 1` …")

    @model_validator(mode="after")
    def _inner_is_smaller(self):
        if self.outer - self.inner < FEWEST_DIGITS * self.outer:
            raise ValueError(f"the inner radius {self.inner:g} must be smaller than the outer one, {self.outer:g}")
        return self

    @property
    def dimension(self):
        return len(self.centre)

    def box(self):
        middle = np.array(self.centre, float)
        return np.stack([middle - self.outer, middle + self.outer], axis=1)

    def contains(self, points):
        r = np.sqrt(((points - self.centre) ** 2).sum(axis=1))
        return (r > self.inner) & (r < self.outer)

    def measure(self):
        return float(ball_measure(self.dimension) * (self.outer**self.dimension - self.inner**self.dimension))

    def mapped(self, unit):
        return np.array(self.centre) + self.outer * ball_points(unit, self.dimension, self.inner / self.outer)


class Polygon(Primitive):
    """A polygon in the plane, either way round, with holes that are polygons."""

    kind: Literal["polygon"] = "polygon"
    vertices: tuple[Vertex, ...] = Field(max_length=polygons.MOST, description="x and y of each, in order.")
    holes: tuple[tuple[Vertex, ...], ...] = Field((), max_length=100, description="The vertices of each hole.")
    sides: tuple[Name, ...] = Field((), description="A name for each side, from the first vertex to the second first.")
    hole_names: tuple[Name, ...] = Field((), description="A name for the boundary of each hole.")

    @model_validator(mode="before")
    @classmethod
    def _enough_vertices(cls, data):
        vertices = data.get("vertices") if isinstance(data, dict) else None
        if isinstance(vertices, list | tuple) and len(vertices) < 3:
            raise ValueError(f"a polygon needs 3 vertices, not {len(vertices)}")
        return data

    @model_validator(mode="after")
    def _has_digits(self):
        if self.sides and len(self.sides) != len(self.vertices):
            raise ValueError(f"{len(self.sides)} names of sides; this polygon has {len(self.vertices)} sides")
        if self.hole_names and len(self.hole_names) != len(self.holes):
            raise ValueError(f"{len(self.hole_names)} names of holes; this polygon has {len(self.holes)} holes")
        polygons.check(self.vertices, self.holes)
        return super()._has_digits()

    @property
    def dimension(self):
        return 2

    @property
    def rings(self) -> list[np.ndarray]:
        """The outer ring counter-clockwise, the holes clockwise."""
        return [polygons.oriented(self.vertices, 1), *(polygons.oriented(hole, -1) for hole in self.holes)]

    def box(self):
        corners = np.array(self.vertices, float)
        return np.stack([corners.min(axis=0), corners.max(axis=0)], axis=1)

    def contains(self, points):
        return polygons.inside(points, self.rings)

    def measure(self):
        return float(sum(polygons.signed_area(ring) for ring in self.rings))

    def mapped(self, unit):
        return polygons.spread(unit, _triangles(self))


@functools.lru_cache(maxsize=32)
def _triangles(polygon: Polygon) -> np.ndarray:
    return polygons.triangles(polygon.rings)


def ball_measure(dimension: int) -> float:
    """Area of the unit disk, volume of the unit ball."""
    return math.pi ** (dimension / 2) / math.gamma(dimension / 2 + 1)


def directions(unit: np.ndarray, dimension: int) -> np.ndarray:
    """Unit vectors (n, d), even over the circle or sphere, from the first d − 1 columns of `unit`."""
    if dimension == 2:
        turn = 2 * np.pi * unit[:, 0]
        return np.stack([np.cos(turn), np.sin(turn)], axis=1)
    part = unit[:, dimension - 2]
    if dimension > 3:  # (1 + z)/2 is distributed as beta((d − 1)/2, (d − 1)/2)
        from scipy.special import betaincinv

        part = betaincinv((dimension - 1) / 2, (dimension - 1) / 2, part)
    z = 1 - 2 * part
    across = np.sqrt(1 - z * z)
    return np.column_stack([across[:, None] * directions(unit, dimension - 1), z])


def ball_points(unit: np.ndarray, dimension: int, inner: float = 0.0) -> np.ndarray:
    """Points (n, d) of the unit cube spread evenly over the unit ball, or what of it lies beyond a radius `inner`."""
    hollow = inner**dimension
    radius = (hollow + (1 - hollow) * unit[:, 0]) ** (1 / dimension)
    return radius[:, None] * directions(unit[:, 1:], dimension)
