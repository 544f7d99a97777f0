"""Collocation points: inside a domain, and on its boundary with normals and names. The same input, the same points."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.domains.boundaries import corners as all_corners
from core.domains.boundaries import loops, pieces
from core.domains.combined import spread
from core.domains.curves import End
from core.domains.polygons import picked
from core.domains.sequences import halton, shift_of
from core.domains.shapes import Shape
from core.domains.surfaces import boundary_names, faces, own_areas, sides
from core.errors import LabError

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

MOST_TRIES = 2**24
"""Candidates that are looked at for one set of points."""
WALL_POINTS = 8192
FLAT = 0.1 * np.pi
"""A corner that is nearer to a straight line than this is none: a curve drawn as a polygon has many."""
DENSER = 5.0
"""At most so many times denser than elsewhere points get near walls, and near corners."""


@dataclass(frozen=True)
class BoundaryPoints:
    """Points on a domain's boundary."""

    points: np.ndarray
    """(n, d)."""
    normals: np.ndarray
    """Outward unit normals (n, d)."""
    names: tuple[str, ...]
    """The boundaries' names."""
    which: np.ndarray
    """(n,): for each point the place of its boundary in `names`."""

    def on(self, name: str) -> np.ndarray:
        """Which points (n,) lie on the boundary of this name."""
        return self.which == self.names.index(name)


def interior(domain: Shape, unit: np.ndarray, *, walls: float = 0.0, corners: float = 0.0) -> np.ndarray:
    """As many points (n, d) inside as `unit` (n, d) has in the unit cube.

    They are those of `unit`, carried over with equal measure; what that lacks, where shapes were combined, is filled
    from Halton's sequence, moved around by what `unit` is.

    Args:
        domain: whose points.
        unit: points of the unit cube. Columns beyond the domain's dimension, such as time, stay beside their points.
        walls: 0 to 1: how much denser points get towards the boundary, at 1 like the inverse root of the distance.
        corners: the same towards corners of a plane domain that are not nearly straight.

    Raises:
        LabError: the domain is so thin in its parts that hardly any point falls into it.
    """
    n, d = unit.shape
    thinned = walls > 0 or corners > 0
    found = [] if thinned else [_with_rest(domain, unit)[0]]
    have, tried, shift = sum(map(len, found)), 0, shift_of(unit, d + 1)
    while have < n:
        if tried >= MOST_TRIES:
            raise LabError(
                f"Of {tried:,} points only {have:,} fell into the domain. It is too thin a part of the shapes that it "
                "is made of; make those smaller."
            )
        count = max(1024, 2 * n)
        lots = halton(count, d + 1, shift, start=tried)
        tried += count
        if not thinned:
            found.append(_with_rest(domain, lots[:, :d])[0])
        else:  # the last coordinate decides which are kept; each carries its own through, spread or rejected
            found.append(_kept(domain, lots, walls, corners))
        have += len(found[-1])
    return np.concatenate(found)[:n]


def _with_rest(domain: Shape, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points spread over the domain with what stands beside them in `unit`, and which of those each is."""
    d = domain.dimension
    points, which = spread(domain, unit[:, :d])
    return np.concatenate([points, unit[which, d:]], axis=1), which


def _kept(domain: Shape, lots: np.ndarray, walls: float, towards_corners: float) -> np.ndarray:
    d = domain.dimension
    whole, which = _with_rest(domain, lots[:, :-1])
    points = whole[:, :d]
    weight = np.ones(len(points))
    if walls:
        weight *= towards(_wall(domain), points, domain.box()) ** walls
    if towards_corners and d == 2:
        nearest = np.full(len(points), np.inf)
        for corner in all_corners(domain):
            if abs(corner.angle - np.pi) > FLAT:
                nearest = np.minimum(nearest, np.hypot(*(points - corner.at).T))
        weight *= _denser(nearest * (4 / domain.size)) ** towards_corners
    most = DENSER ** (walls + towards_corners)
    return whole[lots[which, -1] * most < weight]


@functools.lru_cache(maxsize=8)
def _wall(domain: Shape) -> cKDTree:
    """A tree of points on the boundary; that there are gaps between them matters little for how dense points are."""
    from scipy.spatial import cKDTree

    return cKDTree(boundary(domain, halton(WALL_POINTS, domain.dimension, np.zeros(domain.dimension))).points)


def towards(wall: cKDTree, points: np.ndarray, box: np.ndarray) -> np.ndarray:
    """How many times denser than elsewhere points (n, d) are to be, (n,), by their distance to a wall.

    Args:
        wall: of points on it.
        points: inside.
        box: ends of the domain's box, (d, 2).
    """
    return _denser(wall.query(points)[0] * (4 / np.ptp(box, axis=1).min()))


def _denser(part: np.ndarray) -> np.ndarray:
    return 1 / np.sqrt(np.clip(part, DENSER**-2, 1))


def boundary(
    domain: Shape, unit: np.ndarray, on: str | Iterable[str] | None = None, *, least: float = 0.0
) -> BoundaryPoints:
    """As many points on the boundary as `unit` (n, d) has in the unit cube, even by length or area.

    Args:
        domain: whose boundary.
        unit: points of the unit cube; one coordinate less is used than it has.
        on: names of the boundaries that are meant; None: all.
        least: what a closed curve, or a face, gets at least, as a part of what it would get if all had as many: the
            edge of a small hole needs points, too.

    Raises:
        LabError: there is no boundary of such a name.
    """
    names = boundary_names(domain)
    wanted = names if on is None else tuple(dict.fromkeys([on] if isinstance(on, str) else on))
    for name in wanted:
        if name not in names:
            raise LabError(f"The domain has no boundary {name!r}; it has {', '.join(names)}.")
    if domain.dimension == 1:
        ends = [piece for piece in pieces(domain) if piece.name in wanted]
        which = np.arange(len(unit)) % len(ends)
        found = [(np.array([[end.at]]), np.array([[-float(end.side)]]), end.name) for end in ends]
        points, normals = (np.concatenate([each[k] for each in found])[which] for k in range(2))
        return _named([names.index(found[k][2]) for k in which], points, normals, names)
    return (_on_curves if domain.dimension == 2 else _on_faces)(domain, unit, names, wanted, least)


def _named(which, points, normals, names) -> BoundaryPoints:
    return BoundaryPoints(points, normals, names, np.array(which, dtype=int))


def shares(sizes: np.ndarray, group: np.ndarray, least: float) -> np.ndarray:
    """The sizes (m,) of pieces, those of a group (m,) of too small a sum enlarged together."""
    sums = np.bincount(group, sizes)
    return sizes * (np.maximum(sums, least * sums.mean()) / sums)[group]


def _on_curves(domain, unit, names: tuple[str, ...], wanted: tuple[str, ...], least: float) -> BoundaryPoints:
    loop_of = {piece: k for k, loop in enumerate(loops(domain)) for piece in loop.pieces} if least else {}
    curves = [piece for piece in pieces(domain) if piece.name in wanted and not isinstance(piece, End)]
    group = np.unique([loop_of.get(curve, 0) for curve in curves], return_inverse=True)[1]
    part, rest = picked(unit[:, 0], shares(np.array([curve.length for curve in curves]), group, least))
    points, normals = np.empty((len(unit), 2)), np.empty((len(unit), 2))
    for k, curve in enumerate(curves):
        s = curve.along(rest[part == k])
        points[part == k], normals[part == k] = curve.points(s), curve.normals(s)
    return _named([names.index(curves[k].name) for k in part], points, normals, names)


def _on_faces(domain, unit, names: tuple[str, ...], wanted: tuple[str, ...], least: float) -> BoundaryPoints:
    d = domain.dimension
    chosen = [(face, area) for face, area in zip(faces(domain), own_areas(domain), strict=True)
              if area and face.name in wanted]  # fmt: skip
    part = picked(unit[:, 0], shares(np.array([area for _, area in chosen]), np.arange(len(chosen)), least))[0]
    points, normals, shift = np.empty((len(unit), d)), np.empty((len(unit), d)), shift_of(unit, d - 1)
    for k, (face, _) in enumerate(chosen):
        place = np.flatnonzero(part == k)
        at, out = _own_of_face(domain, face, len(place), shift)
        points[place], normals[place] = at, out
    return _named([names.index(chosen[k][0].name) for k in part], points, normals, names)


def _own_of_face(domain: Shape, face, n: int, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    d = domain.dimension
    found, have, tried = [(np.empty((0, d)), np.empty((0, d)))], 0, 0
    while have < n:
        if tried >= MOST_TRIES:
            raise LabError(f"Hardly any of the boundary {face.name!r} belongs to the domain. Make its parts smaller.")
        count = max(256, 2 * n)
        points, normals = face.sample(halton(count, d - 1, shift, start=tried))
        tried += count
        side = sides(domain, face, points, normals)
        found.append((points[side != 0], normals[side != 0] * side[side != 0, None]))
        have += int((side != 0).sum())
    return tuple(np.concatenate([each[k] for each in found])[:n] for k in range(2))
