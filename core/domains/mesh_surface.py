"""The surface of a mesh: which faces are its boundary, whether it is closed, where out is, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.domains.mesh_distance import crossed_in_space
from core.errors import LabError

if TYPE_CHECKING:
    from core.domains.mesh_cells import Sorted

MERGED = 1e-9
"""Points of a surface that are nearer than this part of its size are one: STL repeats them for each triangle."""


@dataclass(frozen=True)
class Hull:
    """The boundary of a mesh."""

    points: np.ndarray
    facets: np.ndarray
    """(k, d), with normals outwards."""
    names: tuple[str, ...]
    which: np.ndarray
    hollows: tuple[tuple[str, np.ndarray], ...]
    """Name and corners (k, d, d) of each part of the boundary that lies around a hole."""
    remarks: tuple[str, ...]


def measures(corners: np.ndarray) -> np.ndarray:
    """Signed areas of triangles (m, 3, 2), volumes of tetrahedra (m, 4, 3)."""
    edges = corners[:, 1:] - corners[:, :1]
    if corners.shape[-1] == 2:
        return (edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]) / 2
    return np.einsum("ni,ni->n", edges[:, 0], np.cross(edges[:, 1], edges[:, 2])) / 6


def enclosed(corners: np.ndarray) -> float:
    """Area or volume that sides (k, 2, 2) or triangles (k, 3, 3) enclose; negative where they face inwards."""
    corners = corners - corners.reshape(-1, corners.shape[-1]).mean(axis=0)
    if corners.shape[-1] == 2:
        return float((corners[:, 0, 0] * corners[:, 1, 1] - corners[:, 1, 0] * corners[:, 0, 1]).sum() / 2)
    return float(np.einsum("ni,ni->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)


def numbered(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of whole numbers from −1 on told apart: the number of each; of each number its first row and its count."""
    width, code = int(rows.max()) + 2, rows[:, 0].astype(np.int64)
    for column in rows.T[1:]:
        _, first, code, count = np.unique(
            code * width + column, return_index=True, return_inverse=True, return_counts=True
        )
    if rows.shape[1] == 1:
        _, first, code, count = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    return code, first, count


def hull(cells: Sorted, name: str) -> Hull:
    """The boundary of a mesh's cells. Raises LabError where it is open, or no surface."""
    dimension, points, remarks = cells.points.shape[1], cells.points, []
    if len(cells.simplices):
        faces, middles = _outer_faces(cells, name)
    else:
        points, moved = _merged(points)
        faces, middles = np.where(cells.faces >= 0, moved[cells.faces], -1), None
        cells = _with_points(cells, moved)
    facets, origin = _split(faces, dimension)
    if middles is not None:
        facets = _turned_outwards(points, facets, middles[origin])
    else:
        flat = np.linalg.norm(np.cross(*(points[facets[:, k]] - points[facets[:, 0]] for k in (1, 2))), axis=1)
        small = flat <= 1e-14 * np.ptp(points[np.unique(facets)], axis=0).max() ** 2
        if small.any():
            remarks.append(f"{int(small.sum()):,} triangles without area were left out.")
            facets, origin = facets[~small], origin[~small]
    component = connected_parts(points, facets, name)
    if middles is None:
        facets = _consistent(points, facets, component, name)
    labels, called = _labels(points, facets, component)
    which = _groups(cells, faces, origin, labels)
    names = tuple(dict.fromkeys(which))
    hollows = tuple((str(which[component == k][0]), points[facets[component == k]]) for k in called)
    places = np.array([names.index(label) for label in which])
    return Hull(points, facets, names, places, hollows, tuple(remarks))


def _outer_faces(cells: Sorted, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Those faces that belong to one cell alone, and the middles of their cells."""
    _, first, count = numbered(np.sort(cells.faces, axis=1))
    if count.max() > 2:
        corner = cells.points[cells.faces[first[np.argmax(count)], 0]]
        raise LabError(
            f"{name}: near {_place(corner)} a side belongs to {count.max()} cells; two is the most. Mend it."
        )
    return cells.faces[first[count == 1]], cells.middles[first[count == 1]]


def _split(faces: np.ndarray, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Sides (k, 2), or triangles (k, 3) of triangles and quads; and of which face each is."""
    if dimension == 2:
        return faces[:, :2], np.arange(len(faces))
    quads = np.flatnonzero(faces[:, 3] >= 0)
    facets = np.concatenate([faces[:, :3], faces[quads][:, [0, 2, 3]]])
    return facets, np.concatenate([np.arange(len(faces)), quads])


def _merged(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points without repetition, and where each went."""
    grid = np.round((points - points.min(axis=0)) / (MERGED * np.ptp(points)))
    _, first, moved = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    return points[first], moved.ravel()


def _with_points(cells: Sorted, moved: np.ndarray) -> Sorted:
    named = tuple((label, np.where(group >= 0, moved[group], -1)) for label, group in cells.named)
    return replace(cells, named=named)


def _turned_outwards(points: np.ndarray, facets: np.ndarray, middles: np.ndarray) -> np.ndarray:
    corners = points[facets]
    along = corners[:, 1] - corners[:, 0]
    if points.shape[1] == 2:
        normals = np.stack([along[:, 1], -along[:, 0]], axis=1)
    else:
        normals = np.cross(along, corners[:, 2] - corners[:, 0])
    inwards = np.einsum("ni,ni->n", normals, corners.mean(axis=1) - middles) < 0
    facets = facets.copy()
    facets[inwards] = facets[inwards][:, ::-1]
    return facets


def _ridges(facets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where facets meet, sorted by number: their ends in the plane (k·2, 1), edges in space (k·3, 2); and whose."""
    if facets.shape[1] == 2:
        return facets.reshape(-1, 1), np.repeat(np.arange(len(facets)), 2)
    edges = facets[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    return edges, np.repeat(np.arange(len(facets)), 3)


def connected_parts(points: np.ndarray, facets: np.ndarray, name: str) -> np.ndarray:
    """To which connected part each facet belongs. Raises LabError where a ridge has one facet alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ridges, owner = _ridges(facets)
    at, first, count = numbered(np.sort(ridges, axis=1))
    keys = ridges[first]
    odd = np.flatnonzero(count % 2)
    if len(odd):
        ends = " to ".join(_place(points[k]) for k in keys[odd[0]])
        what = "edge from" if facets.shape[1] == 3 else "point"
        raise LabError(f"{name} is not closed: the {what} {ends} is open; so are {len(odd):,} in all. Mend the mesh.")
    graph = coo_array((np.ones(len(owner)), (owner, len(facets) + at)), shape=2 * (len(facets) + len(keys),))
    _, labels = connected_components(graph, directed=False)
    return np.unique(labels[: len(facets)], return_inverse=True)[1]


def _consistent(points: np.ndarray, facets: np.ndarray, component: np.ndarray, name: str) -> np.ndarray:
    """Triangles of closed surfaces turned so that their normals point out of what the surfaces enclose."""
    facets = _unturned(points, facets, name)
    for k in range(component.max() + 1):
        own = component == k
        inside_of = sum(
            bool(crossed_in_space(points[facets[own][:1]].mean(axis=1), points[facets[component == m]])[0])
            for m in range(component.max() + 1) if m != k
        )  # fmt: skip
        if (enclosed(points[facets[own]]) > 0) == bool(inside_of % 2):
            facets[own] = facets[own][:, ::-1]
    return facets


def _unturned(points: np.ndarray, facets: np.ndarray, name: str) -> np.ndarray:
    """Triangles such that neighbours go along their common edge in opposite directions. Raises LabError."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    facets = facets.copy()
    ridges, owner = _ridges(facets)
    at, first, count = numbered(np.sort(ridges, axis=1))
    keys, forward = ridges[first], ridges[:, 0] < ridges[:, 1]
    order = np.argsort(at, kind="stable")
    if (count != 2).any():
        edge = keys[np.argmax(count)]
        raise LabError(f"{name}: {count.max()} triangles meet along the edge from {_place(points[edge[0]])} to "
                       f"{_place(points[edge[1]])}; two is the most. Mend it.")  # fmt: skip
    one, two = order[::2], order[1::2]
    if (forward[one] != forward[two]).all():
        return facets
    # each facet stands twice, as it is and turned: what must be turned alike is connected
    same, a, b, n = (forward[one] == forward[two]).astype(int), owner[one], owner[two], len(facets)
    ends = np.concatenate([a, a + n]), np.concatenate([b + n * same, b + n * (1 - same)])
    _, label = connected_components(coo_array((np.ones(len(ends[0])), ends), shape=(2 * n, 2 * n)), directed=False)
    if (label[:n] == label[n:]).any():
        raise LabError(f"{name} has one side only, like a Möbius strip: it encloses nothing.")
    turned = label[:n] > label[n:]
    facets[turned] = facets[turned][:, ::-1]
    return facets


def _labels(points: np.ndarray, facets: np.ndarray, component: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """What facets are called that no group names, `outer` or `hole 1` …; and which parts lie around holes."""
    labels, hollow = np.full(len(facets), "outer", dtype=object), []
    for k in range(component.max() + 1):
        if enclosed(points[facets[component == k]]) < 0:
            hollow.append(k)
            labels[component == k] = f"hole {len(hollow)}"
    return labels, hollow


def _groups(cells: Sorted, faces: np.ndarray, origin: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The name of each facet's boundary: its group's, else what it has."""
    out = labels.copy()
    if not cells.named:
        return out
    groups = np.concatenate([group for _, group in cells.named])
    names = np.repeat([label for label, _ in cells.named], [len(group) for _, group in cells.named])
    both = np.concatenate([np.sort(groups, axis=1), np.sort(faces, axis=1)])
    number = numbered(both)[0]
    called = dict(zip(number[: len(groups)].tolist(), names.tolist(), strict=True))
    of_face = [called.get(key) for key in number[len(groups) :].tolist()]
    for k, face in enumerate(origin):
        if of_face[face] is not None:
            out[k] = of_face[face]
    return out


def _place(point: np.ndarray) -> str:
    return "(" + ", ".join(f"{c:.4g}" for c in point) + ")"
