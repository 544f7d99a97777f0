"""What lies inside a closed surface, and how far it is to one."""

from __future__ import annotations

import numpy as np

from core.domains.combined import TURN

BLOCK = 2**21
"""Pairs of a point and a triangle that are looked at together."""
NEAREST = 24
"""Triangles with the nearest middles among which the nearest one is looked for."""


def crossed_in_space(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Whether a ray from points (n, 3) crosses an odd number of triangles (m, 3, 3).

    Rays go along a direction that no one would draw along; triangles are found by a grid across it.
    """
    turn = TURN @ np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
    points, corners = points @ turn.T, corners @ turn.T
    low, high = corners[..., :2].min(axis=(0, 1)), corners[..., :2].max(axis=(0, 1))
    lines = int(np.clip(np.sqrt(len(corners)), 1, 512))
    step = (high - low) / lines * (1 + 1e-12)

    def cell(at: np.ndarray) -> np.ndarray:
        return np.clip(((at - low) / step).astype(int), 0, lines - 1)

    first, last = cell(corners[..., :2].min(axis=1)), cell(corners[..., :2].max(axis=1))
    spans = last - first + 1
    count = spans.prod(axis=1)
    triangle = np.repeat(np.arange(len(corners)), count)
    within = np.arange(len(triangle)) - np.repeat(np.cumsum(count) - count, count)
    column, row = np.divmod(within, spans[triangle, 1])
    cells = (first[triangle, 0] + column) * lines + first[triangle, 1] + row
    order = np.argsort(cells, kind="stable")
    listed, starts = triangle[order], np.searchsorted(cells[order], np.arange(lines * lines + 1))
    out = np.zeros(len(points), bool)
    among = np.flatnonzero(((points[:, :2] >= low) & (points[:, :2] <= high)).all(axis=1))
    own = cell(points[among, :2])
    own = own[:, 0] * lines + own[:, 1]
    many = starts[own + 1] - starts[own]
    ends = np.cumsum(many)
    begin = 0
    while begin < len(among):
        stop = max(begin + 1, int(np.searchsorted(ends, (ends[begin - 1] if begin else 0) + BLOCK)))
        part, some = among[begin:stop], many[begin:stop]
        which = np.repeat(np.arange(len(part)), some)
        place = np.arange(len(which)) - np.repeat(np.cumsum(some) - some, some)
        hits = _hits(points[part[which]], corners[listed[starts[own[begin:stop]][which] + place]])
        out[part] = np.bincount(which[hits], minlength=len(part)) % 2 == 1
        begin = stop
    return out


def _hits(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Whether the ray from p upwards crosses the triangle."""
    a, b, c = t[:, 0], t[:, 1], t[:, 2]

    def side(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return (v[:, 0] - u[:, 0]) * (p[:, 1] - u[:, 1]) - (v[:, 1] - u[:, 1]) * (p[:, 0] - u[:, 0])

    wa, wb, wc = side(b, c), side(c, a), side(a, b)
    inside = ((wa > 0) == (wb > 0)) & ((wb > 0) == (wc > 0))
    total = np.where(inside, wa + wb + wc, 1.0)
    return inside & ((wa * a[:, 2] + wb * b[:, 2] + wc * c[:, 2]) / np.where(total == 0, 1, total) > p[:, 2])


def distances(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Distances (n,) of points (n, d) to the nearest of sides (m, 2, 2) or triangles (m, 3, 3)."""
    return _to_nearest(points, corners)[0].min(axis=0)


def nearest_facets(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Which of the sides or triangles is nearest to each of points (n, d), (n,)."""
    off, found = _to_nearest(points, corners)
    return found[np.arange(len(points)), off.argmin(axis=0)]


def _to_nearest(points: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (k, n) to the k facets of which the middles are nearest, and which these are, (n, k)."""
    from scipy.spatial import cKDTree

    nearest = min(NEAREST, len(corners))
    _, found = cKDTree(corners.mean(axis=1)).query(points, k=nearest)
    found = found.reshape(len(points), nearest)
    return np.array([_to_facets(points, corners[found[:, k]]) for k in range(nearest)]), found


def _to_facets(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The distance of each point to one side or triangle."""
    corners = t.shape[1]
    pairs = [(0, 1)] if corners == 2 else [(0, 1), (1, 2), (2, 0)]
    out = np.min([_to_segments(p, t[:, a], t[:, b]) for a, b in pairs], axis=0)
    if corners == 2:
        return out
    u, v, w = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0], p - t[:, 0]
    uu, uv, vv = (np.einsum("ni,ni->n", *pair) for pair in ((u, u), (u, v), (v, v)))
    wu, wv = np.einsum("ni,ni->n", w, u), np.einsum("ni,ni->n", w, v)
    det = uu * vv - uv * uv
    det = np.where(det > 0, det, 1)
    s, r = (vv * wu - uv * wv) / det, (uu * wv - uv * wu) / det
    over = (s >= 0) & (r >= 0) & (s + r <= 1)
    flat = np.linalg.norm(w - s[:, None] * u - r[:, None] * v, axis=1)
    return np.where(over, np.minimum(out, flat), out)


def _to_segments(p: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    along = b - a
    length = np.einsum("ni,ni->n", along, along)
    s = np.clip(np.einsum("ni,ni->n", p - a, along) / np.where(length > 0, length, 1), 0, 1)
    return np.linalg.norm(p - a - s[:, None] * along, axis=1)
