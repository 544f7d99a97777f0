"""Polygons: whether they are any, what is inside, and their division into triangles."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

MOST = 2000
"""Vertices of a ring."""
BLOCK = 2**22
"""Pairs of a point and a side that are looked at together."""


def signed_area(ring: np.ndarray) -> float:
    """Positive counter-clockwise; taken about the first vertex, so that a far origin costs no digits."""
    x, y = (ring - ring[0]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def oriented(vertices: Sequence, sign: int) -> np.ndarray:
    """A ring (n, 2) that goes round counter-clockwise, or with −1 clockwise, from its first vertex."""
    ring = np.array(vertices, float)
    return ring if signed_area(ring) * sign > 0 else np.roll(ring[::-1], 1, axis=0)


def check(vertices: Sequence, holes: Sequence) -> None:
    """Raise ValueError, one line, where rings cut themselves or each other, are flat, or holes lie elsewhere."""
    rings = [np.array(vertices, float), *(np.array(hole, float) for hole in holes)]
    for k, ring in enumerate(rings):
        what = f"hole {k}" if k else "the polygon"
        if len(ring) < 3:
            raise ValueError(f"{what} needs 3 vertices, not {len(ring)}")
        if len(ring) > MOST:
            raise ValueError(f"{what} has {len(ring):,} vertices; it may have {MOST:,}")
        double = np.flatnonzero((ring == np.roll(ring, -1, axis=0)).all(axis=1))
        if len(double):
            raise ValueError(f"{what} has vertex {double[0] + 1} twice, at {_at(ring[double[0]])}. Leave one out")
        if (pair := crossing(ring)) is not None:
            raise ValueError(f"{what} cuts itself: {_side(ring, pair[0])} meets {_side(ring, pair[1])}")
        if abs(signed_area(ring)) < 1e-12 * np.ptp(ring, axis=0).max() ** 2:
            raise ValueError(f"{what} has no area: its vertices lie on a line")
    for k, hole in enumerate(rings[1:], start=1):
        if (pair := crossing(rings[0], hole)) is not None:
            raise ValueError(
                f"hole {k} cuts the polygon's boundary: its {_side(hole, pair[1])} meets {_side(rings[0], pair[0])}. "
                "Take it away as a difference instead"
            )
        if not inside(hole[:1], rings[:1])[0]:
            raise ValueError(f"hole {k} lies outside the polygon, at {_at(hole[0])}")
        for m, other in enumerate(rings[1:k], start=1):
            if crossing(hole, other) is not None:
                raise ValueError(f"hole {k} cuts hole {m}. Make one of the two")
            if inside(hole[:1], [other])[0] or inside(other[:1], [hole])[0]:
                raise ValueError(f"of hole {k} and hole {m} one lies inside the other. Leave that one out")


def _at(point: np.ndarray) -> str:
    return f"({point[0]:g}, {point[1]:g})"


def _side(ring: np.ndarray, k: int) -> str:
    return f"side {k + 1}, from {_at(ring[k])} to {_at(ring[(k + 1) % len(ring)])}"


def crossing(ring: np.ndarray, other: np.ndarray | None = None) -> tuple[int, int] | None:
    """The first two sides that meet where they should not: of one ring, or of two."""
    a, b = ring, np.roll(ring, -1, axis=0)
    c, d = (a, b) if other is None else (other, np.roll(other, -1, axis=0))
    turn = _turns(a, b, c), _turns(a, b, d), _turns(c, d, a).T, _turns(c, d, b).T
    meet = (turn[0] * turn[1] <= 0) & (turn[2] * turn[3] <= 0)
    for k in range(2):  # of those on one line only that overlap
        low, high = np.minimum(a, b)[:, k], np.maximum(a, b)[:, k]
        meet &= (low[:, None] <= np.maximum(c, d)[:, k]) & (np.minimum(c, d)[:, k] <= high[:, None])
    if other is None:
        n, rows = len(ring), np.arange(len(ring))
        following = (rows + 1) % n
        back = np.einsum("ij,ij->i", b - a, b[following] - b) < 0
        spike = (turn[1][rows, following] == 0) & back  # the next side goes back on this one
        meet[rows, rows] = False
        meet[rows, following], meet[following, rows] = spike, False
    found = np.argwhere(meet)
    return (int(found[0][0]), int(found[0][1])) if len(found) else None


def _turns(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """On which side of each line a → b (m, 2) each point c (n, 2) lies, to rounding: −1, 0 or 1, (m, n)."""
    along, to = (b - a)[:, None], c[None] - a[:, None]
    cross = along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]
    reach = np.abs(along).sum(-1) * np.maximum(np.abs(to).sum(-1), np.abs(along).sum(-1))
    return np.where(np.abs(cross) < 1e-13 * reach, 0, np.sign(cross))


def inside(points: np.ndarray, rings: list[np.ndarray]) -> np.ndarray:
    """Whether points (n, 2) lie inside an odd number of rings."""
    starts = np.concatenate(rings)
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    return crossed(points, starts, ends)


def crossed(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Whether a ray to the right of points (n, 2) crosses an odd number of the sides (m, 2)."""
    out = np.zeros(len(points), bool)
    block = max(1, BLOCK // len(starts))
    rise = ends[:, 1] - starts[:, 1]
    slope = (ends[:, 0] - starts[:, 0]) / np.where(rise == 0, 1, rise)
    for k in range(0, len(points), block):
        x, y = points[k : k + block].T[:, :, None]
        spans = (starts[:, 1] > y) != (ends[:, 1] > y)
        out[k : k + block] = (spans & (x < starts[:, 0] + (y - starts[:, 1]) * slope)).sum(axis=1) % 2
    return out


def triangles(rings: list[np.ndarray]) -> np.ndarray:
    """Triangles (m, 3, 2) that cover what lies inside an odd number of rings, each place once.

    Vertices cut the plane into horizontal bands; in a band sides don't cross, and every second gap is inside.
    """
    starts = np.concatenate(rings)
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    heights = np.unique(starts[:, 1])
    out = []
    for low, high in itertools.pairwise(heights):
        over = (np.minimum(starts[:, 1], ends[:, 1]) <= low) & (np.maximum(starts[:, 1], ends[:, 1]) >= high)
        a, b = starts[over], ends[over]
        slope = (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
        x = a[:, 0] + (np.array([[low], [high]]) - a[:, 1]) * slope
        order = np.argsort(x.sum(axis=0))
        left, right = x[:, order[::2]], x[:, order[1::2]]
        ring = ((left[0], low), (right[0], low), (right[1], high), (left[1], high))
        corners = np.array([np.stack([at, np.full_like(at, y)], axis=1) for at, y in ring])
        out += [corners[[0, 1, 2]].transpose(1, 0, 2), corners[[0, 2, 3]].transpose(1, 0, 2)]
    made = np.concatenate(out)
    return made[areas(made) > 0]


def areas(corners: np.ndarray) -> np.ndarray:
    """Areas of triangles (m, 3, 2)."""
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2


def spread(unit: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Points of the unit square (n, 2) spread evenly over triangles (m, 3, 2)."""
    which, rest = picked(unit[:, 0], areas(corners))
    root = np.sqrt(rest)
    weights = np.stack([1 - root, root * (1 - unit[:, 1]), root * unit[:, 1]], axis=1)
    return np.einsum("ni,nij->nj", weights, corners[which])


def picked(unit: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One of the weighted parts for each number in [0, 1), and where in that part it lies, again in [0, 1)."""
    ends = np.cumsum(weights) / weights.sum()
    which = np.minimum(np.searchsorted(ends, unit, side="right"), len(weights) - 1)
    starts = np.concatenate([[0.0], ends[:-1]])
    return which, np.clip((unit - starts[which]) / (ends - starts)[which], 0, 1 - 1e-16)
