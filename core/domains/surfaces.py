"""Pieces of a domain's boundary in space: rectangles and ellipsoids; and the names of any domain's boundaries."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.domains.arithmetic import Number, both, sqrt
from core.domains.boundaries import STEP, numbered, pieces
from core.domains.combined import Combined, Difference
from core.domains.sequences import halton
from core.domains.shapes import Annulus, Box, Round, Shape, ball_measure, directions

LOOKS = 4096
ROUND_LINES = 24
FLAT_LINES = 12


@dataclass(frozen=True)
class Face:
    """A rectangle; its primitive lies against its normal."""

    name: str
    corner: tuple[float, float, float]
    axis: int
    sign: int
    extent: tuple[float, float, float]
    """Of its box."""

    @property
    def key(self) -> tuple:
        """What all faces in one plane have in common."""
        return ("plane", self.axis, round(self.corner[self.axis], 9))

    @property
    def size(self) -> float:
        """Its longer side."""
        return max(length for k, length in enumerate(self.extent) if k != self.axis)

    @property
    def area(self) -> float:
        """Of the whole rectangle."""
        return float(np.prod([length for k, length in enumerate(self.extent) if k != self.axis]))

    def sample(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points spread evenly, and outward normals, (n, 3) each."""
        points = np.tile(np.array(self.corner), (len(unit), 1))
        others = [k for k in range(3) if k != self.axis]
        points[:, others] += unit[:, :2] * np.array(self.extent)[others]
        normal = np.zeros(3)
        normal[self.axis] = self.sign
        return points, np.tile(normal, (len(unit), 1))

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, 3) and triangles (m, 3) that show it."""
        s = np.linspace(0, 1, FLAT_LINES + 1)
        unit = np.stack(np.meshgrid(s, s, indexing="ij"), axis=-1).reshape(-1, 2)
        return self.sample(unit)[0], _grid_triangles(FLAT_LINES + 1, FLAT_LINES + 1)

    whole = False

    def trimming(self, x: tuple[Number, ...]) -> Number:
        """Positive beside the rectangle, zero at its edges."""
        parts = []
        for k in range(3):
            if k != self.axis:
                off = x[k] - (self.corner[k] + self.extent[k] / 2)
                parts.append(self.extent[k] / 4 - off * off * (1 / self.extent[k]))
        return both(*parts)

    def implicit(self, x: tuple[Number, ...]) -> Number:
        """Zero in its plane, slope 1, positive on its primitive's side."""
        return (x[self.axis] - self.corner[self.axis]) * float(-self.sign)


@dataclass(frozen=True)
class Spheroid:
    """A sphere, of up to five dimensions, or an ellipsoid along the axes; `inward` where its primitive lies outside."""

    name: str
    centre: tuple[float, ...]
    semi: tuple[float, ...]
    inward: bool = False

    whole = True

    @property
    def key(self) -> tuple:
        """What tells it from others."""
        return ("ellipsoid", *(round(v, 9) for v in (*self.centre, *self.semi)))

    @property
    def size(self) -> float:
        """Its largest semi-axis."""
        return max(self.semi)

    def _stretch(self, out: np.ndarray) -> np.ndarray:
        """By how much more area there is than on the unit sphere, (n,)."""
        return np.prod(self.semi) * np.sqrt(((out / self.semi) ** 2).sum(axis=1))

    @property
    def area(self) -> float:
        """Of all of it; an ellipsoid's by a product of Gauss's and the trapezoidal rule."""
        d = len(self.semi)
        if len(set(self.semi)) == 1:
            return d * ball_measure(d) * self.semi[0] ** (d - 1)
        z, weights = np.polynomial.legendre.leggauss(64)
        turn = np.arange(128) / 128
        unit = np.stack(np.meshgrid(turn, (1 - z) / 2, indexing="ij"), axis=-1).reshape(-1, 2)
        return float(self._stretch(directions(unit, 3)).reshape(128, 64).mean(axis=0) @ weights * 2 * np.pi)

    def sample(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points spread evenly, and outward normals; fewer than asked for where it is stretched."""
        out = directions(unit, len(self.semi))
        if len(set(self.semi)) > 1:
            stretch = self._stretch(out)
            lot = halton(len(out), 1, np.array([unit[:, 0].sum() % 1]))[:, 0]
            highest = np.prod(self.semi) / min(self.semi)
            out = out[lot * highest < stretch]
        points = np.array(self.centre) + out * self.semi
        normals = out / self.semi
        normals /= np.linalg.norm(normals, axis=1)[:, None]
        return points, -normals if self.inward else normals

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Points and triangles that show it."""
        s = np.linspace(0, 1, ROUND_LINES + 1)
        unit = np.stack(np.meshgrid(s, (1 - np.cos(np.pi * s)) / 2, indexing="ij"), axis=-1).reshape(-1, 2)
        points = np.array(self.centre) + directions(unit, 3) * self.semi
        return points, _grid_triangles(ROUND_LINES + 1, ROUND_LINES + 1)

    def implicit(self, x: tuple[Number, ...]) -> Number:
        """Zero on it, slope 1 there, positive on its primitive's side."""
        p = [(v - c) * (1 / a) for v, c, a in zip(x, self.centre, self.semi, strict=True)]
        f = 1.0 - p[0] * p[0]
        for each in p[1:]:
            f = f - each * each
        side = -1.0 if self.inward else 1.0
        if len(set(self.semi)) == 1:
            return f * (side * self.semi[0] / 2)
        slope = sum((q * q) * (4 / a**2) for q, a in zip(p[1:], self.semi[1:], strict=True))
        slope = p[0] * p[0] * (4 / self.semi[0] ** 2) + slope
        return f * side / sqrt(f * f * (1 / min(self.semi) ** 2) + slope)


def _grid_triangles(rows: int, columns: int) -> np.ndarray:
    at = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]))
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


@functools.lru_cache(maxsize=32)
def faces(domain: Shape) -> tuple[Face | Spheroid, ...]:
    """All primitives' boundaries of a domain in space, of which parts may not be its own."""
    return tuple(_faces(domain, "outer", itertools.count(1)))


def _faces(domain: Shape, default: str, holes: Iterator[int]) -> Iterator[Face | Spheroid]:
    match domain:
        case Combined():
            for k, part in enumerate(domain.operands):
                yield from _faces(part, "hole" if k and isinstance(domain, Difference) else default, holes)
        case Box():
            name = numbered(domain.name, default, holes) if not domain.sides else ""
            extent = tuple(b - a for a, b in zip(domain.low, domain.high, strict=True))
            for axis in range(3):
                for end in range(2):
                    corner = list(domain.low)
                    corner[axis] = (domain.low, domain.high)[end][axis]
                    yield Face(domain.side(axis, end) or name, tuple(corner), axis, 2 * end - 1, extent)
        case Round():
            yield Spheroid(numbered(domain.name, default, holes), tuple(domain.centre), tuple(map(float, domain.semi)))
        case Annulus():
            yield Spheroid(numbered(domain.name, default, holes), tuple(domain.centre), (domain.outer,) * 3)
            inner = numbered(domain.inner_name, "hole", holes)
            yield Spheroid(inner, tuple(domain.centre), (domain.inner,) * 3, inward=True)


def sides(domain: Shape, face: Face | Spheroid, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """1 where the domain lies against the normals of points of a face, −1 where along them, 0 on both sides or none.

    What lies on an earlier face too, of the same orientation, counts there alone.
    """
    step = normals * (STEP * domain.size)
    found = domain.contains(points - step).astype(int) - domain.contains(points + step)
    for other in faces(domain):
        if other is face:
            break
        if other.key == face.key:
            found[_covered(other, points)] = 0
    return found


def _covered(face: Face | Spheroid, points: np.ndarray) -> np.ndarray:
    if isinstance(face, Spheroid):
        return np.ones(len(points), bool)
    low, extent = np.array(face.corner), np.array(face.extent)
    return np.all([(points[:, k] > low[k]) & (points[:, k] < low[k] + extent[k]) for k in range(3) if k != face.axis],
                  axis=0)  # fmt: skip


@functools.lru_cache(maxsize=32)
def own_areas(domain: Shape) -> tuple[float, ...]:
    """The area of what of each face is the domain's boundary; exact where all or nothing is, else to 1 %."""
    areas, d = [], domain.dimension - 1
    for face in faces(domain):
        points, normals = face.sample(halton(LOOKS, d, np.zeros(d)))
        areas.append(face.area * float(np.mean(sides(domain, face, points, normals) != 0)))
    return tuple(areas)


@functools.lru_cache(maxsize=256)
def crosses_itself(domain: Shape, face: Face | Spheroid) -> bool:
    """Whether a part of a face that is not the domain's boundary lies inside the domain."""
    points, normals = face.sample(halton(LOOKS, 2, np.zeros(2)))
    step = normals * (STEP * domain.size)
    return bool((domain.contains(points) & domain.contains(points + step) & domain.contains(points - step)).any())


def boundary_names(domain: Shape) -> tuple[str, ...]:
    """The names of a domain's boundaries, for `on: NAME` of conditions."""
    if domain.dimension < 3:
        return tuple(dict.fromkeys(piece.name for piece in pieces(domain)))
    own = zip(faces(domain), own_areas(domain), strict=True)
    return tuple(dict.fromkeys(face.name for face, area in own if area))
