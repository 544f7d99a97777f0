"""A mesh's cells sorted: which fill the domain, which name its boundary, and which are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.domains.mesh_surface import measures
from core.domains.shapes import LARGEST
from core.errors import LabError

if TYPE_CHECKING:
    import meshio

CORNERS = {
    "vertex": (0, 1), "line": (1, 2), "line3": (1, 2), "triangle": (2, 3), "triangle6": (2, 3), "triangle7": (2, 3),
    "quad": (2, 4), "quad8": (2, 4), "quad9": (2, 4), "tetra": (3, 4), "tetra10": (3, 4), "hexahedron": (3, 8),
    "hexahedron20": (3, 8), "hexahedron27": (3, 8), "wedge": (3, 6), "wedge15": (3, 6), "pyramid": (3, 5),
    "pyramid13": (3, 5),
}  # fmt: skip
"""Type → dimension and number of corners; what a cell has beside them is left out."""
SPLITS = {
    (2, 3): [[0, 1, 2]], (2, 4): [[0, 1, 2], [0, 2, 3]], (3, 4): [[0, 1, 2, 3]],
    (3, 5): [[0, 1, 2, 4], [0, 2, 3, 4]], (3, 6): [[0, 1, 2, 5], [0, 1, 5, 4], [0, 4, 5, 3]],
    (3, 8): [[0, 1, 2, 6], [0, 2, 3, 6], [0, 3, 7, 6], [0, 7, 4, 6], [0, 4, 5, 6], [0, 5, 1, 6]],
}  # fmt: skip
"""Triangles and tetrahedra of a cell."""
FACES = {
    (2, 3): [[0, 1], [1, 2], [2, 0]], (2, 4): [[0, 1], [1, 2], [2, 3], [3, 0]],
    (3, 4): [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]],
    (3, 5): [[0, 3, 2, 1], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]],
    (3, 6): [[0, 2, 1], [3, 4, 5], [0, 1, 4, 3], [1, 2, 5, 4], [2, 0, 3, 5]],
    (3, 8): [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]],
}  # fmt: skip
FLAT = 1e-13
"""A cell with less volume than this part of its longest side's cube has none."""
GROUPS = ("gmsh:physical", "cell_tags", "medit:ref", "su2:tag", "CellEntityIds")
"""Cell data that number groups, as the formats call them."""


@dataclass(frozen=True)
class Sorted:
    """The cells of a mesh by what they are for."""

    points: np.ndarray
    """(n, d), d being the domain's dimension."""
    simplices: np.ndarray
    """Triangles or tetrahedra that fill the domain, (m, d+1); none of a surface in space."""
    faces: np.ndarray
    """Faces of the cells that fill it, (f, 4), or of a surface its own cells; −1 where they have fewer corners."""
    middles: np.ndarray
    """(f, d): of the cell that each face belongs to."""
    named: tuple[tuple[str, np.ndarray], ...]
    """Names and cells (k, 4) that name parts of the boundary."""
    remarks: tuple[str, ...]


def sorted_cells(mesh: meshio.Mesh, name: str) -> Sorted:
    """The cells of a mesh by what they are for. Raises LabError."""
    unknown = sorted({block.type for block in mesh.cells} - set(CORNERS))
    if unknown:
        raise LabError(f"{name} has cells of the type {', '.join(unknown)}, which are not read here. "
                       "Write it with triangles, quads, tetrahedra, hexahedra, wedges or pyramids.")  # fmt: skip
    blocks = [(CORNERS[block.type], np.asarray(block.data, int)) for block in mesh.cells]
    top = max((kind[0] for kind, data in blocks if len(data)), default=0)
    if top < 2:
        raise LabError(f"{name} has no triangles or volumes: {'lines' if top else 'points'} alone are no domain.")
    points = _checked_points(np.asarray(mesh.points, float), [data for _, data in blocks], name)
    used = points[np.unique(np.concatenate([data[:, : kind[1]].ravel() for kind, data in blocks if kind[0] == top]))]
    flat = np.ptp(used, axis=0) <= 1e-12 * np.ptp(used)
    surface = top == 2 and points.shape[1] == 3 and not flat.any()
    if top == 2 and points.shape[1] == 3 and not surface:
        if not flat[2]:
            axis = "xyz"[int(np.argmax(flat))]
            raise LabError(f"{name} lies in a plane of constant {axis}. A plane mesh has to lie in x and y; turn it.")
        points = points[:, :2]
    simplices, faces, middles = [np.empty((0, top + 1), int)], [], []
    for kind, data in blocks:
        if kind[0] == top:
            corners = data[:, : kind[1]]
            if surface:
                faces.append(_padded(corners))
                middles.append(points[corners].mean(axis=1))
            else:
                faces += [_padded(corners[:, face]) for face in FACES[kind]]
                middles += [points[corners].mean(axis=1)] * len(FACES[kind])
                simplices.append(corners[:, SPLITS[kind]].reshape(-1, top + 1))
    if not surface:
        _check_volumes(points, blocks, top, name)
    named = tuple(_named(mesh, blocks, top if surface else top - 1))
    return Sorted(points, np.concatenate(simplices) if not surface else np.empty((0, 4), int), np.concatenate(faces),
                  np.concatenate(middles), named, _remarks(blocks, top))  # fmt: skip


def _remarks(blocks: list, top: int) -> tuple[str, ...]:
    rounded = any(data.shape[1] > kind[1] for kind, data in blocks if kind[0] == top)
    return ("Its curved cells are taken with straight sides between their corners.",) if rounded else ()


def _padded(corners: np.ndarray) -> np.ndarray:
    return np.pad(corners, ((0, 0), (0, 4 - corners.shape[1])), constant_values=-1)


def _checked_points(points: np.ndarray, data: list[np.ndarray], name: str) -> np.ndarray:
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise LabError(f"{name} has points of {points.shape[-1]} coordinates; meshes of 2 and 3 are read here.")
    for cells in data:
        if len(cells) and (cells.min() < 0 or cells.max() >= len(points)):
            raise LabError(f"{name} has a cell with point {cells.max()}, and {len(points):,} points. It is damaged.")
    bad = np.flatnonzero(~(np.abs(points) <= LARGEST).all(axis=1))
    if len(bad):
        at = ", ".join(f"{c:g}" for c in points[bad[0]])
        raise LabError(f"{name}: point {bad[0]} is at ({at}), no number or beyond 1e9; {len(bad):,} are in all.")
    return points


def _check_volumes(points: np.ndarray, blocks: list, top: int, name: str) -> None:
    """Raise LabError where a cell is inside out against the others, or flat."""
    lows, highs, longest, cells = [], [], [], []
    for number, (kind, data) in enumerate(blocks):
        if kind[0] == top and len(data):
            corners = data[:, : kind[1]]
            sizes = measures(points[corners[:, SPLITS[kind]]].reshape(-1, top + 1, top)).reshape(len(data), -1)
            lows.append(sizes.min(axis=1))
            highs.append(sizes.max(axis=1))
            longest.append(np.ptp(points[corners], axis=1).max(axis=1))
            cells.append(sum(len(other) for _, other in blocks[:number]) + np.arange(len(data)))
    low, high, reach, cell = map(np.concatenate, (lows, highs, longest, cells))
    what, none = ("area", FLAT * reach**2) if top == 2 else ("volume", FLAT * reach**3)
    empty = np.flatnonzero(np.minimum(np.abs(low), np.abs(high)) <= none)
    if len(empty):
        where = _at(points, blocks, cell[empty[0]])
        raise LabError(f"{name}: cell {cell[empty[0]]}, at {where}, has no {what}; {len(empty):,} have none. Mend it.")
    if (low + high).sum() < 0:  # all the other way round is as good
        low, high = -high, -low
    inverted = np.flatnonzero(low < 0)
    if len(inverted):
        where = f"cell {cell[inverted[0]]}, at {_at(points, blocks, cell[inverted[0]])},"
        raise LabError(f"{name}: {where} is inverted against the others; {len(inverted):,} are. Mend the mesh.")


def _at(points: np.ndarray, blocks: list, cell: int) -> str:
    for kind, data in blocks:
        if cell < len(data):
            return "(" + ", ".join(f"{c:.4g}" for c in points[data[cell, : kind[1]]].mean(axis=0)) + ")"
        cell -= len(data)
    return "(?)"


def _named(mesh: meshio.Mesh, blocks: list, dimension: int):
    """Names of groups and their cells (k, 4), of one dimension."""
    for label, places in (mesh.cell_sets or {}).items():
        for (kind, data), chosen in zip(blocks, places, strict=True):
            if kind[0] == dimension and chosen is not None and len(chosen) and not label.startswith("gmsh:"):
                yield spelled(label) or "group without a name", _padded(data[np.asarray(chosen, int), : kind[1]])
    tags = getattr(mesh, "cell_tags", {})
    called = {place: label for label, place in group_numbers(mesh).items()}
    for key in GROUPS:
        for (kind, data), numbers in zip(blocks, mesh.cell_data.get(key, []), strict=False):
            if kind[0] != dimension:
                continue
            for number in np.unique(numbers):
                if number == 0:
                    continue  # of no group
                label = called.get((int(number), dimension)) or " ".join(tags.get(int(number), []))
                yield spelled(label) or f"group {number}", _padded(data[np.asarray(numbers) == number, : kind[1]])


def group_numbers(mesh: meshio.Mesh) -> dict[str, tuple[int, int]]:
    """Name → number and dimension of the groups that a file has names for; what else stands there is none."""
    return {label: (int(each[0]), int(each[1])) for label, each in mesh.field_data.items()
            if len(each) == 2 and all(isinstance(number, int | np.integer) for number in each)}  # fmt: skip


def spelled(label: str) -> str:
    """A group's name as a condition can have it: formats of fixed width pad names, and people leave blanks."""
    return " ".join(label.replace("\x00", " ").split())
