"""Mirror images of holes in straight walls: where a solution that is carried on beyond a wall is singular next.

With a condition on a straight wall a harmonic function goes on beyond it as its own mirror image, hole for hole.
Features of the images take what is left at the walls from 2e-5 to 4e-10 on a square with four holes near its sides.
"""

from __future__ import annotations

import numpy as np

from core.domains.boundaries import pieces
from core.domains.curves import Segment
from core.domains.local_features import HoleFeatures, local_features
from core.domains.shapes import Shape

IMAGE_OF = "image of "
REACH = 3.0
"""A hole has an image in a wall that is nearer than so many of its radii."""
ANGLES = np.arange(64) * 2 * np.pi / 64


def images(domain: Shape) -> tuple[HoleFeatures, ...]:
    """Features of the mirror images of a plane domain's holes, in walls near them and in two that meet squarely."""
    if domain.dimension != 2:
        return ()
    walls = [piece for piece in pieces(domain) if isinstance(piece, Segment)]
    found: dict[tuple, HoleFeatures] = {}
    for hole in local_features(domain):
        if hole.kind != "hole":
            continue
        near = [wall for wall in walls if _is_near(hole, wall)]
        places = [_mirrored(hole.place, wall) for wall in near]
        for k, wall in enumerate(near):
            for other in near[:k]:
                if abs(np.dot(_normal(wall), _normal(other))) < 1e-9:
                    places.append(_mirrored(_mirrored(hole.place, wall), other))
        for place in places:
            rim = np.array(place) + hole.radius * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
            if not domain.contains(rim).any():
                key = (*np.round(np.array(place) / domain.size, 9), hole.name)
                found.setdefault(key, HoleFeatures(IMAGE_OF + hole.name, place, hole.radius))
    return tuple(found.values())


def _normal(wall: Segment) -> np.ndarray:
    return wall.normals(np.zeros(1))[0]


def _is_near(hole: HoleFeatures, wall: Segment) -> bool:
    """Whether a wall stands opposite a hole, near it, and is none of its own."""
    x = tuple(np.array([c]) for c in hole.place)
    gap = float(wall.implicit(x)[0]) - hole.radius
    foot = tuple(np.array([c]) for c in np.array(hole.place) + _normal(wall) * float(wall.implicit(x)[0]))
    return 0 < gap < REACH * hole.radius and float(wall.trimming(foot)[0]) > 0


def _mirrored(place: tuple[float, float], wall: Segment) -> tuple[float, float]:
    x = tuple(np.array([c]) for c in place)
    return tuple(map(float, np.array(place) + 2 * float(wall.implicit(x)[0]) * _normal(wall)))
