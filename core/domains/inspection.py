"""What a domain measures, of how many pieces it is, and what a picture of it shows."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from core.domains.boundaries import loops, pieces
from core.domains.combined import Combined, Difference, candidates
from core.domains.curves import Segment
from core.domains.sequences import halton
from core.domains.shapes import Shape
from core.domains.surfaces import faces, sides

LOOKS = 2**17
ARC_POINTS = 129


@dataclass(frozen=True)
class Outline:
    """What of a domain's boundary can be drawn."""

    lines: tuple[tuple[str, np.ndarray], ...] = ()
    """Name of a boundary and points (n, 2) or (n, 1) of a line along it."""
    surfaces: tuple[tuple[str, np.ndarray, np.ndarray], ...] = ()
    """Name of a boundary, points (n, 3) and triangles (m, 3) of it."""


@functools.lru_cache(maxsize=64)
def measure(domain: Shape) -> float:
    """Length, area or volume; exact to rounding but for combinations in space, which are right to about 1e-4."""
    if not isinstance(domain, Combined):
        return domain.measure()
    if domain.dimension == 1:
        return sum(-end.side * end.at for end in pieces(domain))
    if domain.dimension == 2:
        return sum(loop.area for loop in loops(domain))
    if isinstance(domain, Difference) and _apart(domain):
        return measure(domain.of) - sum(map(measure, domain.less))
    box = domain.box()
    points = box[:, 0] + np.ptp(box, axis=1) * halton(LOOKS, 3, np.zeros(3))
    return float(np.ptp(box, axis=1).prod() * domain.contains(points).mean())


def _apart(domain: Difference) -> bool:
    """Whether what is taken away lies wholly inside, each part by itself."""
    unit = halton(1024, domain.dimension, np.zeros(domain.dimension))
    on_surface = [np.concatenate([face.sample(unit)[0] for face in faces(part)]) for part in domain.less]
    for k, part in enumerate(domain.less):
        if not domain.of.contains(on_surface[k]).all():
            return False
        if any(part.contains(points).any() for m, points in enumerate(on_surface) if m != k):
            return False
    return True


def remarks(domain: Shape) -> list[str]:
    """What one should know of a domain before solving on it, a sentence each; mostly nothing."""
    if domain.dimension == 2:
        parts = sum(loop.area > 0 for loop in loops(domain))
    elif domain.dimension == 1:
        parts = len(pieces(domain)) // 2
    else:
        parts = _components(domain)
    if parts > 1:
        return [f"The domain is {parts} parts that don't touch. Each is solved by itself and needs its own conditions."]
    return []


def _components(domain: Shape) -> int:
    """Of a union in space: into how many groups its parts fall, by points that they share."""
    if not isinstance(domain, Combined) or domain.kind != "union":
        return 1
    points = [candidates(part, 4096) for part in domain.parts]
    group = list(range(len(points)))
    for a, part in enumerate(domain.parts):
        for b, others in enumerate(points):
            if group[a] != group[b] and part.contains(others).any():
                group = [group[a] if each == group[b] else each for each in group]
    return len(set(group))


def outline(domain: Shape) -> Outline:
    """The boundary by name, as lines of a plane domain, as triangles in space."""
    if domain.dimension == 1:
        return Outline(lines=tuple((end.name, np.array([[end.at]])) for end in pieces(domain)))
    if domain.dimension == 2:
        return Outline(lines=tuple(_line(piece) for loop in loops(domain) for piece in loop.pieces))
    surfaces = []
    for face in faces(domain):
        points, triangles = face.grid()
        corners = points[triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        length = np.linalg.norm(normals, axis=1)
        real = length > 1e-12 * length.max()
        middles, units = corners[real].mean(axis=1), normals[real] / length[real, None]
        # the middle of a triangle lies a little inside a sphere; the look to both sides must reach over that
        kept = _shown(domain, face, middles, units)
        surfaces.append((face.name, points, triangles[real][kept]))
    return Outline(surfaces=tuple(each for each in surfaces if len(each[2])))


def _shown(domain: Shape, face, middles: np.ndarray, units: np.ndarray) -> np.ndarray:
    for _ in range(3):  # onto the surface, by Newton's steps along the normal
        f = face.implicit(tuple(middles.T))
        slope = (face.implicit(tuple((middles + 1e-6 * face.size * units).T)) - f) / (1e-6 * face.size)
        middles = middles - units * (f / slope)[:, None]
    return sides(domain, face, middles, units) != 0


def _line(piece) -> tuple[str, np.ndarray]:
    s = np.array([0.0, 1.0]) if isinstance(piece, Segment) else np.linspace(0, 1, ARC_POINTS)
    return piece.name, piece.points(s)
