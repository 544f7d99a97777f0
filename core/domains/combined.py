"""Domains made of others: unions, differences and intersections; and `Domain`, any of them all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter, model_validator

from core.domains.polygons import picked
from core.domains.sequences import halton
from core.domains.shapes import Annulus, Ball, Box, Disk, Ellipse, Polygon, Primitive, Shape

MOST_PARTS = 100
DEEPEST = 12
NEAR = 1e-9
"""How far to all sides of a point it is looked, as a part of the domain's size, where parts may touch."""
TURN = np.array([[0.36, 0.48, 0.8], [-0.8, 0.6, 0.0], [-0.48, -0.64, 0.6]])
AROUND = {
    1: np.array([[1.0], [-1.0]]),
    2: np.array([[0.94, 0.34], [-0.34, 0.94], [-0.94, -0.34], [0.34, -0.94]]),
    3: np.array(list(itertools.product((1.0, -1.0), repeat=3))) @ TURN / 3**0.5,
}
"""Directions to all sides, along none that one would draw."""
LOOKS = (256, 4096, 65536)
"""Points at which a domain is looked for before it is called empty."""


class Combined(Shape):
    """What all combinations have in common."""

    @property
    def operands(self) -> tuple[Shape, ...]:
        """The domains that it is made of."""
        raise NotImplementedError

    @property
    def dimension(self):
        return self.operands[0].dimension

    @model_validator(mode="before")
    @classmethod
    def _is_not_too_deep(cls, data: Any) -> Any:
        """Said once, before every level of it would be at fault."""
        level, deep = [data], 0
        while level := [part for each in level for part in _parts_in(each)]:
            deep += 1
            if deep > DEEPEST:
                raise ValueError(f"its parts are nested more than {DEEPEST} deep")
            if len(level) > MOST_PARTS:
                raise ValueError(f"it has more than {MOST_PARTS} parts")
        return data

    @model_validator(mode="after")
    def _is_a_domain(self):
        dimensions = {part.dimension for part in self.operands}
        if len(dimensions) > 1:
            raise ValueError(
                f"its parts have {' and '.join(map(str, sorted(dimensions)))} dimensions; they need as many"
            )
        if max(dimensions) > 3:
            raise ValueError("domains are combined in one to three dimensions")
        if (parts := sum(1 for _ in primitives(self))) > MOST_PARTS:
            raise ValueError(f"it has {parts} parts; a domain may have {MOST_PARTS}")
        self._check_parts()
        return self

    def _check_parts(self) -> None:
        """Raise ValueError where nothing is left, or a part has no effect."""


class Union(Combined):
    """All that lies in one of its parts or in several. Parts that don't touch are allowed."""

    kind: Literal["union"] = "union"
    parts: tuple[Domain, ...] = Field(min_length=1, max_length=MOST_PARTS, description="The domains themselves.")

    @property
    def operands(self):
        return self.parts

    def box(self):
        boxes = np.array([part.box() for part in self.parts])
        return np.stack([boxes[..., 0].min(axis=0), boxes[..., 1].max(axis=0)], axis=1)

    def contains(self, points):
        found = np.any([part.contains(points) for part in self.parts], axis=0)
        left = np.flatnonzero(~found)
        # where parts touch, what lies on their common side lies inside: all around it is
        for direction in AROUND[self.dimension]:
            near = points[left] + direction * (NEAR * self.size)
            left = left[np.any([part.contains(near) for part in self.parts], axis=0)]
        found[left] = True
        return found


class Difference(Combined):
    """What is left of a domain when others are taken away."""

    kind: Literal["difference"] = "difference"
    of: Domain = Field(description="What is taken from.")
    less: tuple[Domain, ...] = Field(min_length=1, max_length=MOST_PARTS, description="What is taken away.")

    @property
    def operands(self):
        return (self.of, *self.less)

    def box(self):
        return self.of.box()

    def contains(self, points):
        return self.of.contains(points) & ~np.any([part.contains(points) for part in self.less], axis=0)

    def _check_parts(self):
        if not any(self.contains(candidates(self.of, n)).any() for n in LOOKS):
            raise ValueError("nothing is left: what is taken away covers the whole domain")
        for k, part in enumerate(self.less, start=1):
            if not any(self.of.contains(candidates(part, n)).any() for n in LOOKS):
                raise ValueError(f"hole {k} ({part.kind}) lies outside the domain that it is taken from")


class Intersection(Combined):
    """What lies in all of its parts."""

    kind: Literal["intersection"] = "intersection"
    parts: tuple[Domain, ...] = Field(min_length=1, max_length=MOST_PARTS, description="The domains themselves.")

    @property
    def operands(self):
        return self.parts

    def box(self):
        boxes = np.array([part.box() for part in self.parts])
        return np.stack([boxes[..., 0].max(axis=0), boxes[..., 1].min(axis=0)], axis=1)

    def contains(self, points):
        return np.all([part.contains(points) for part in self.parts], axis=0)

    @property
    def smallest(self) -> Shape:
        """The part with the smallest box, in which points are looked for."""
        return min(self.parts, key=lambda part: np.ptp(part.box(), axis=1).prod())

    def _check_parts(self):
        if not any(self.contains(candidates(self.smallest, n)).any() for n in LOOKS):
            raise ValueError("nothing is left: its parts have nothing in common")


Domain = Annotated[
    Box | Disk | Ball | Ellipse | Annulus | Polygon | Union | Difference | Intersection, Field(discriminator="kind")
]
for _combined in (Union, Difference, Intersection):
    _combined.model_rebuild()

_ADAPTER = TypeAdapter(Domain)


def parse_domain(data: dict) -> Shape:
    """A domain from plain data. Raises pydantic.ValidationError, whose messages are a line each."""
    return _ADAPTER.validate_python(data)


def primitives(domain: Shape) -> Iterator[Primitive]:
    """The shapes by themselves that a domain is made of."""
    if isinstance(domain, Combined):
        for part in domain.operands:
            yield from primitives(part)
    else:
        yield domain


def _parts_in(data: Any) -> list[Any]:
    """The parts of a domain that is not yet known to be one."""
    if isinstance(data, Combined):
        return list(data.operands)
    if not isinstance(data, dict):
        return []
    parts = [data[key] for key in ("parts", "less") if isinstance(data.get(key), list | tuple)]
    return [*(part for each in parts for part in each), *([data["of"]] if "of" in data else [])]


def spread_over(domain: Shape, unit: np.ndarray) -> np.ndarray:
    """Those of n points (n, d) of the unit cube that fall into the domain, evenly spread over it, (m, d)."""
    return spread(domain, unit)[0]


def spread(domain: Shape, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`spread_over`, and which of the n points each is, (m,)."""
    match domain:
        case Union():
            extents = np.array([_extent(part) for part in domain.parts])
            part, rest = picked(unit[:, 0], extents)
            pieces = []
            for k, shape in enumerate(domain.parts):
                own = np.flatnonzero(part == k)
                points, which = spread(shape, np.column_stack([rest[own], unit[own, 1:]]))
                first = ~np.any([np.zeros(len(points), bool), *(each.contains(points) for each in domain.parts[:k])], 0)
                pieces.append((points[first], own[which[first]]))
            points, which = (np.concatenate([piece[k] for piece in pieces]) for k in range(2))
            order = np.argsort(which)
            return points[order], which[order]
        case Combined():
            points, which = spread(_drawn_from(domain), unit)
            inside = domain.contains(points)
            return points[inside], which[inside]
        case _:
            return domain.mapped(unit), np.arange(len(unit))


def _drawn_from(domain: Difference | Intersection) -> Shape:
    return domain.of if isinstance(domain, Difference) else domain.smallest


def _extent(domain: Shape) -> float:
    """The measure of what `spread` draws from before it rejects any."""
    if isinstance(domain, Union):
        return sum(map(_extent, domain.parts))
    return _extent(_drawn_from(domain)) if isinstance(domain, Combined) else domain.measure()


def candidates(domain: Shape, n: int) -> np.ndarray:
    """Points of the domain, at most n, always the same."""
    return spread_over(domain, halton(n, domain.dimension, np.zeros(domain.dimension)))
