"""Integrals over domains made of shapes, and over their boundaries, as sums over Gauss nodes."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.domains.boundaries import pieces
from core.domains.combined import Combined
from core.domains.curves import Arc, Curve, End
from core.domains.inspection import measure
from core.domains.shapes import Shape
from core.domains.spans import Fixed, changes, ends, spans
from core.domains.surfaces import Face, Spheroid, faces, own_areas, sides
from core.errors import LabError

ORDERS = (32, 24, 20, 16, 12, 10, 8, 7, 6, 5)
"""Nodes of a panel along one coordinate, the most that fit."""
LOOKS = 24
"""Between two ends of primitives it is looked at so many heights which boundaries lines meet."""
MANY, THIN = 40, 3
"""Of so many bands thin ones have fewer nodes across, so many at least."""
MOST_PARTS = {2: 24, 3: 9}
"""Curves or faces of a combined domain, in how many dimensions: of more it takes too long to see where they meet."""
SAME = 1e-11
"""Of a domain's size: heights that are nearer are one."""
OFF = 1e-3
"""Of a domain's measure: what misses it by more has overlooked a part."""


@dataclass(frozen=True)
class Rule:
    """Nodes and weights: the integral of f is the sum of weights times f at the points."""

    points: np.ndarray
    """(n, d)."""
    weights: np.ndarray
    """(n,)."""


@dataclass(frozen=True)
class BoundaryRule(Rule):
    """The same on a boundary."""

    normals: np.ndarray
    """Outward (n, d)."""


def nested(domain: Shape, over: Sequence[int], fixed: Fixed, count: int) -> Rule:
    """Gauss nodes along lines in the last coordinate integrated over, of lines in the one before, and so on.

    Heights are spread by cosines between those where lines meet other boundaries, so that what begins like a root, as
    a disk's chords do, is smooth.

    Args:
        domain: made of shapes.
        over: coordinates, by their place.
        fixed: numbers of all others.
        count: nodes of a panel along a coordinate.
    """
    found, weights = [np.empty((0, domain.dimension))], [np.empty(0)]
    for chosen, weight in _outer(domain, tuple(over[1:]), dict(fixed), count):
        for low, high, *_ in spans(domain, over[0], chosen):
            nodes, own = gauss(count, low, high)
            points = np.tile([chosen.get(k, 0.0) for k in range(domain.dimension)], (len(nodes), 1))
            points[:, over[0]] = nodes
            found.append(points)
            weights.append(weight * own)
    return Rule(np.concatenate(found), np.concatenate(weights))


def _outer(domain, left: tuple[int, ...], fixed: dict, count: int) -> Iterator[tuple[dict, float]]:
    """Values of the coordinates that are left, with their weights, the last one first."""
    if not left:
        yield fixed, 1.0
        return
    axis, size = left[-1], domain.size
    heights = _heights(domain, left, fixed)
    for low, high in pairwise(heights):
        thin = 1.0 if len(heights) < MANY else min(1.0, MANY * (high - low) / size)
        own = max(THIN, math.ceil(count * thin**0.5))
        for at, weight in zip(*by_cosines(own, low, high), strict=True):
            for chosen, further in _outer(domain, left[:-1], fixed | {axis: float(at)}, count):
                yield chosen, float(weight) * further


def _heights(domain: Shape, left: tuple[int, ...], fixed: dict) -> list[float]:
    axis, near = left[-1], SAME * domain.size
    known = _apart(ends(domain, axis, fixed), near)
    if isinstance(domain, Combined):
        more = [at for low, high in pairwise(known)
                for at in changes(lambda at: _structure(domain, left, fixed, at), low, high, LOOKS)]  # fmt: skip
        known = _apart([*known, *more], near)
    return known


def _structure(domain: Shape, left: tuple[int, ...], fixed: dict, at: float) -> object:
    """Which boundaries are met by lines in the remaining coordinates, in order, at a height."""
    chosen = fixed | {left[-1]: at}
    if len(left) == 1:
        (along,) = set(range(domain.dimension)) - set(chosen)
        return tuple(span[2:] for span in spans(domain, along, chosen))
    heights = _heights(domain, left[:-1], chosen)
    middles = [(a + b) / 2 for a, b in pairwise(heights)]
    return tuple(_structure(domain, left[:-1], chosen, middle) for middle in middles)


def _apart(values, near: float) -> list[float]:
    """Sorted, without what is nearer than `near` to the one before; the last one stays."""
    found: list[float] = []
    for value in sorted(values):
        if found and value - found[-1] <= near:
            continue
        found.append(value)
    return found


def gauss(count: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Legendre's nodes and weights of an interval."""
    nodes, weights = _unit_gauss(count)
    return (low + high) / 2 + (high - low) / 2 * nodes, (high - low) / 2 * weights


def by_cosines(count: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of an interval that are denser towards its ends, as where a root begins or a hole is near."""
    angles, weights = gauss(count, 0.0, math.pi)
    half = (high - low) / 2
    return (low + high) / 2 + half * np.cos(angles), half * np.sin(angles) * weights


@functools.lru_cache(maxsize=64)
def _unit_gauss(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(count)


def inside(domain: Shape, most: int) -> Rule | None:
    """A rule over all of a domain with at most so many nodes; None where those are too few.

    Raises:
        LabError: the rule misses the domain's measure.
    """
    own = {2: pieces, 3: faces}.get(domain.dimension)
    if own and isinstance(domain, Combined) and len(own(domain)) > MOST_PARTS[domain.dimension]:
        return None
    every, fewest = range(domain.dimension), ORDERS[-1]
    bands = len(_heights(domain, tuple(every[1:]), {})) - 1 if domain.dimension == 2 else 1
    if bands * THIN * fewest > most:
        return None
    found = nested(domain, every, {}, fewest)
    if len(found.weights) > most:
        return None
    room = (most / len(found.weights)) ** (1 / domain.dimension)
    count = next(count for count in ORDERS if count <= room * fewest)
    return _whole(nested(domain, every, {}, count), domain)


def _whole(found: Rule, domain: Shape) -> Rule:
    if not abs(found.weights.sum() / measure(domain) - 1) <= OFF:
        raise LabError("No integral is known over this domain: a part of it is too thin to be found. Make it wider.")
    return found


def on_curves(domain: Shape, names: Collection[str], most: int) -> BoundaryRule:
    """A rule over boundaries of a domain on the line or in the plane; with more nodes where so many are too few."""
    own = [piece for piece in pieces(domain) if piece.name in names]
    if isinstance(own[0], End):
        at = np.array([[end.at] for end in own])
        return BoundaryRule(at, np.ones(len(own)), np.array([[-float(end.side)] for end in own]))
    parts = [(curve, a, b) for curve in own for a, b in pairwise(_cuts(curve))]
    count = next((each for each in ORDERS if each * len(parts) <= most), ORDERS[-1])
    found = []
    for curve, a, b in parts:
        s, weights = gauss(count, a, b)
        found.append((curve.points(s), weights * np.hypot(*curve.velocities(s).T), curve.normals(s)))
    return BoundaryRule(*(np.concatenate([each[k] for each in found]) for k in range(3)))


def _cuts(curve: Curve) -> np.ndarray:
    """Panels along a curve, at most a quarter of an ellipse each."""
    turned = abs(curve.end - curve.start) if isinstance(curve, Arc) else 0.0
    return np.linspace(0, 1, max(1, math.ceil(turned / (math.pi / 2) - 1e-9)) + 1)


def on_faces(domain: Shape, names: Collection[str], most: int) -> BoundaryRule:
    """A rule over boundaries of a domain in space.

    Raises:
        LabError: a face of which a part alone is the domain's boundary.
    """
    own = [(face, area) for face, area in zip(faces(domain), own_areas(domain), strict=True)
           if area and face.name in names]  # fmt: skip
    for face, area in own:
        if area < face.area * (1 - 1e-9):
            raise LabError(f"No integral is known over the boundary {face.name!r}: parts of its faces are cut away.")
    d = domain.dimension
    count = next((each for each in ORDERS if len(own) * each ** (d - 1) <= most), ORDERS[-1])
    found = []
    for face, _ in own:
        points, weights, normals = (_on_face if isinstance(face, Face) else _on_sphere)(face, count)
        outwards = sides(domain, face, points, normals)
        found.append((points, weights, normals * outwards[:, None]))
    return BoundaryRule(*(np.concatenate([each[k] for each in found]) for k in range(3)))


def _on_face(face: Face, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nodes, weights = gauss(count, 0.0, 1.0)
    unit = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    points, normals = face.sample(unit)
    return points, np.outer(weights, weights).ravel() * face.area, normals


def _on_sphere(face: Spheroid, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angles of spherical coordinates: Gauss's nodes, around evenly; stretched to an ellipsoid."""
    semi = np.array(face.semi)
    d = len(semi)
    turn = 2 * np.pi * (np.arange(2 * count) + 0.5) / (2 * count)
    angles, own = gauss(count, 0.0, math.pi)
    grids = np.meshgrid(*(d - 2) * (angles,), turn, indexing="ij")
    weights = np.full(2 * count, math.pi / count)
    for k in range(d - 2):  # the area of a sphere has sin^(k + 1) of its k-th angle from the last one
        weights = np.multiply.outer(own * np.sin(angles) ** (k + 1), weights)
    out, left = [], 1.0
    for angle in grids[:-1]:
        out.append((left * np.cos(angle)).ravel())
        left = left * np.sin(angle)
    out += [(left * np.cos(grids[-1])).ravel(), (left * np.sin(grids[-1])).ravel()]
    unit = np.stack(out, axis=1)
    normals = unit / semi
    stretch = np.linalg.norm(normals, axis=1)
    normals = normals / stretch[:, None] * (-1 if face.inward else 1)
    return np.array(face.centre) + unit * semi, weights.ravel() * stretch * semi.prod(), normals
