"""What lies inside a closed surface, and how far it is to one."""

from __future__ import annotations

import numpy as np

from core.domains import polygons
from core.domains.combined import TURN

BLOCK = 2**19
"""Pairs of a point and a triangle that are looked at together."""
FIRST = 7
"""Facets of a class that are looked at after its nearest one; then twice as many in all, and so on."""
MOST_LISTED = 2**24
"""Places in the grid's cells that triangles may have together."""


def crossed(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Whether points (n, d) lie inside of closed sides (m, 2, 2) or triangles (m, 3, 3), by counting crossings."""
    if corners.shape[-1] == 2:
        return polygons.crossed(points, corners[:, 0], corners[:, 1])
    return crossed_in_space(points, corners)


def crossed_in_space(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Whether a ray from points (n, 3) crosses an odd number of triangles (m, 3, 3).

    Rays go along a direction that no one would draw along; triangles are found by a grid across it.
    """
    turn = TURN @ np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
    points, corners = points @ turn.T, corners @ turn.T
    low, high = corners[..., :2].min(axis=(0, 1)), corners[..., :2].max(axis=(0, 1))
    lines = int(np.clip(np.sqrt(len(corners)), 1, 512))

    def cell(at: np.ndarray) -> np.ndarray:
        step = (high - low) / lines * (1 + 1e-12)
        return np.clip(((at - low) / step).astype(int), 0, lines - 1)

    while True:
        first, last = cell(corners[..., :2].min(axis=1)), cell(corners[..., :2].max(axis=1))
        spans = last - first + 1
        count = spans.prod(axis=1)
        if lines == 1 or count.sum() <= MOST_LISTED:
            break
        lines //= 2  # many large triangles among small ones
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


def nearest_facets(points: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (n,) of points (n, d) to the nearest of sides (m, 2, 2) or triangles (m, 3, 3), and which these are.

    Facets of like size are looked at together, the nearest middles first, until the next middle is so far away that no
    facet about it can be nearer than what was found.
    """
    from scipy.spatial import cKDTree

    middles = corners.mean(axis=1)
    reach = np.linalg.norm(corners - middles[:, None], axis=2).max(axis=1)
    sizes = np.frexp(reach)[1]
    best = _Best(points, corners, reach)
    classes = [(cKDTree(middles[own]), own) for own in (np.flatnonzero(sizes == each) for each in np.unique(sizes))]
    every = np.arange(len(points))
    for tree, own in classes:  # so that few are left to look at for whoever is near to one of another class
        off, found = tree.query(points, k=[1])
        best.improve(every, off, own[found])
    for tree, own in classes:
        left, seen = every, 1
        while len(left) and seen < len(own):
            more = min(max(seen, FIRST), len(own) - seen)
            open_ = []
            for part in np.array_split(left, 1 + len(left) * more // BLOCK):
                off, found = tree.query(points[part], k=np.arange(seen + 1, seen + more + 1))
                best.improve(part, off, own[found])
                open_.append(part[off[:, -1] - reach[own].max() < best.distance[part]])
            left, seen = np.concatenate(open_), seen + more
    return best.distance, best.which


class _Best:
    """The nearest facets found so far."""

    def __init__(self, points: np.ndarray, corners: np.ndarray, reach: np.ndarray):
        self.points, self.corners, self.reach = points, corners, reach
        self.distance, self.which = np.full(len(points), np.inf), np.zeros(len(points), int)

    def improve(self, part: np.ndarray, off: np.ndarray, found: np.ndarray) -> None:
        """Look at facets (p, k) with middles so far (p, k) from some of the points (p,), in the order of that."""
        row, column = np.nonzero(off - self.reach[found] < self.distance[part][:, None])
        if not len(row):
            return
        facet = found[row, column]
        distance = _to_facets(self.points[part[row]], self.corners[facet])
        order = np.lexsort((distance, row))
        first = order[np.unique(row[order], return_index=True)[1]]
        nearer = first[distance[first] < self.distance[part[row[first]]]]
        self.distance[part[row[nearer]]] = distance[nearer]
        self.which[part[row[nearer]]] = facet[nearer]


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
