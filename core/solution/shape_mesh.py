"""A mesh of a domain made of shapes, for pictures and files: fitted to its boundary, so that holes are holes.

Imports scipy, in space also vtk: for the children that sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.domains.boundaries import pieces
from core.domains.distances import distance
from core.domains.shapes import Shape
from core.errors import LabError

if TYPE_CHECKING:
    from core.domains.mesh import Mesh

FEWEST_ON_A_CURVE = 24
"""Sides of a whole circle, however small: at fewer it looks like a polygon."""
ROUNDS = 12
"""How often sides of the boundary are halved that the triangles don't have."""
NEAR = 0.6
"""Inner points keep this part of a side's length away from the boundary."""
SLOPE = 0.35
"""How fast triangles become larger away from a finely divided boundary."""
GROWTH = 1.5
"""From one lattice of inner points to the next coarser one."""
MOST_TRIED = 4_000_000
"""Points of a lattice."""
SAME = 1e-9
FLAT = 1e-5
"""Triangles along a straight side with less area than this part of their longest side's square are left out."""
STEPS = 4
HEXAHEDRON = [0, 1, 3, 2, 4, 5, 7, 6]
"""The corners of VTK's voxel in a hexahedron's order."""
VTK_CELLS = {10: "tetra", 11: "hexahedron", 12: "hexahedron", 13: "wedge", 14: "pyramid"}


@dataclass(frozen=True)
class Cells:
    """Points (n, d) and what joins them: type of cell and corners (m, k), as meshio calls them."""

    points: np.ndarray
    blocks: tuple[tuple[str, np.ndarray], ...]


def mesh_of_shape(domain: Shape | Mesh, cells: int) -> Cells:
    """A mesh of a plane or spatial domain, also of what a closed surface encloses. Raises LabError.

    Args:
        domain: to be filled.
        cells: about so many lie along its largest extent.
    """
    return _plane(domain, domain.size / cells) if domain.dimension == 2 else _in_space(domain, cells)


def _plane(domain: Shape, h: float) -> Cells:
    """Delaunay triangles of points on the boundary and inside; the boundary's sides are among theirs."""
    curves = pieces(domain)
    ends = [np.linspace(0, 1, _parts(curve, h) + 1) for curve in curves]
    for _ in range(ROUNDS):
        boundary, sides, lengths = _on_boundary(domain, curves, ends)
        points = np.concatenate([boundary, _inside(domain, boundary, lengths, h)])
        triangles = _delaunay(points)
        missing = _missing(sides, triangles, len(points))
        if not missing.any():
            break
        ends = _halved(ends, missing)
    middles = points[triangles].mean(axis=1)
    u, v = (points[triangles[:, k]] - points[triangles[:, 0]] for k in (1, 2))
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    longest = np.maximum(np.square(u).sum(axis=1), np.square(v).sum(axis=1))
    kept = domain.contains(middles) & (np.abs(area) > FLAT * longest)
    triangles, area = triangles[kept], area[kept]
    triangles[area < 0] = triangles[area < 0][:, ::-1]
    return _used(points, (("triangle", triangles),))


def _parts(curve, h: float) -> int:
    """Into how many sides a curve is divided: one where it is straight and short, more where it bends."""
    normals = curve.normals(np.linspace(0, 1, 33))
    turns = np.arccos(np.clip(np.einsum("ni,ni->n", normals[1:], normals[:-1]), -1, 1)).sum() / (2 * math.pi)
    return max(1, math.ceil(curve.length / h - SAME), math.ceil(FEWEST_ON_A_CURVE * turns - 1e-6))


def _on_boundary(domain: Shape, curves, ends) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of the boundary, each once, pairs of them that are sides, in the order of `ends`; each point's side."""
    every = np.concatenate([curve.points(curve.along(s)) for curve, s in zip(curves, ends, strict=True)])
    keys = np.round(every / (SAME * domain.size)).astype(np.int64)
    _, first, moved = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    moved, starts, sides = moved.ravel(), np.cumsum([0, *map(len, ends)]), []
    for begin, s in zip(starts, ends, strict=False):
        at = moved[begin : begin + len(s)]
        sides.append(np.stack([at[:-1], at[1:]], axis=1))
    sides = np.concatenate(sides)
    points = every[first]
    lengths = np.full(len(points), np.inf)
    size = np.linalg.norm(points[sides[:, 0]] - points[sides[:, 1]], axis=1)
    for k in (0, 1):
        np.minimum.at(lengths, sides[:, k], size)
    return points, sides, lengths


def _inside(domain: Shape, boundary: np.ndarray, lengths: np.ndarray, h: float) -> np.ndarray:
    """Points inside, as dense near the boundary as its own sides are and h apart away from it."""
    from scipy.spatial import cKDTree

    tree = cKDTree(boundary)
    (x0, x1), (y0, y1) = domain.box()
    finest, kept = float(min(h, lengths.min())), np.empty((0, 2))
    pitches = [h]
    while pitches[-1] > 1.01 * finest:
        pitches.append(max(pitches[-1] / GROWTH, finest))
    for k, pitch in enumerate(pitches):
        grid = np.stack(np.meshgrid(np.arange(x0 + pitch / 3, x1, pitch),
                                    np.arange(y0 + pitch / 3, y1, pitch * math.sqrt(3) / 2)), axis=-1)  # fmt: skip
        if grid.size > 2 * MOST_TRIED:
            break  # a detail that is so small gets triangles of what is there
        grid[1::2, :, 0] += pitch / 2
        found = grid.reshape(-1, 2)
        far, nearest = tree.query(found)
        size = np.minimum(h, lengths[nearest] + SLOPE * far)
        fits = (far > NEAR * np.minimum(lengths[nearest], pitch)) & (size > pitch / math.sqrt(GROWTH))
        if k:
            fits &= size <= pitch * math.sqrt(GROWTH)
        found = found[fits]
        found = found[domain.contains(found)]
        if len(kept) and len(found):
            found = found[cKDTree(kept).query(found)[0] > 0.75 * pitch]
        kept = np.concatenate([kept, found])
    return kept


def _delaunay(points: np.ndarray) -> np.ndarray:
    from scipy.spatial import Delaunay

    return Delaunay((points - points.mean(axis=0)) / np.ptp(points)).simplices.astype(np.int64)


def _missing(sides: np.ndarray, triangles: np.ndarray, n: int) -> np.ndarray:
    """Which sides of the boundary are none of the triangles'."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    wanted = np.sort(sides, axis=1)
    return ~np.isin(wanted @ [n, 1], edges @ [n, 1]) & (wanted[:, 0] != wanted[:, 1])


def _halved(ends: list[np.ndarray], missing: np.ndarray) -> list[np.ndarray]:
    halved, begin = [], 0
    for s in ends:
        own = missing[begin : begin + len(s) - 1]
        begin += len(s) - 1
        halved.append(np.sort(np.concatenate([s, ((s[:-1] + s[1:]) / 2)[own]])))
    return halved


def _used(points: np.ndarray, blocks) -> Cells:
    """Without points that no cell has."""
    own = np.unique(np.concatenate([data.ravel() for _, data in blocks]))
    place = np.zeros(len(points), np.int64)
    place[own] = np.arange(len(own))
    return Cells(points[own], tuple((kind, place[data]) for kind, data in blocks))


def _in_space(domain: Shape, cells: int) -> Cells:
    """A grid of cells cut off at the boundary, the points of the cut moved onto it."""
    import pyvista

    low, high = domain.box().T
    count = np.maximum(np.ceil(cells * (high - low) / domain.size).astype(int), 2)
    grid = pyvista.ImageData(dimensions=count + 1, spacing=(high - low) / count, origin=low)
    values = _signed(domain, np.asarray(grid.points, float))
    values[np.abs(values) < SAME * domain.size] = 0.0  # of a box, whose sides are the grid's own
    grid.point_data["distance"] = values
    cut = grid.clip_scalar(scalars="distance", value=0.0, invert=False)
    if not cut.n_cells:
        raise LabError("The domain is too thin for a mesh of this resolution. Raise the resolution.")
    points = np.asarray(cut.points, float)
    h = domain.size / cells
    made = np.abs(np.asarray(cut.point_data["distance"])) < 1e-6 * h
    points = _moved(cut, _onto_where(domain, points, made, h))
    volumes = np.asarray(cut.compute_cell_sizes(length=False, area=False)["Volume"])
    blocks = []
    for kind, data in cut.cells_dict.items():
        if kind not in VTK_CELLS:
            raise LabError(f"The mesh of the domain has cells of a kind that is not written, VTK's {kind}.")
        data = data[volumes[cut.celltypes == kind] > SAME * h**3]  # where the cut goes through a corner some are flat
        blocks.append((VTK_CELLS[kind], np.asarray(data[:, HEXAHEDRON] if kind == 11 else data, np.int64)))
    return _used(points, blocks)


def _onto_where(domain: Shape, points: np.ndarray, made: np.ndarray, h: float) -> np.ndarray:
    moved = points.copy()
    moved[made] = _onto(domain, points[made], h)
    return moved


def _moved(cut, points: np.ndarray) -> np.ndarray:
    """Where points may go without turning a cell inside out; at such cells they stay."""
    at_first = np.asarray(cut.points, float)
    for _ in range(3):
        cut.points = points
        turned = np.flatnonzero(np.asarray(cut.compute_cell_sizes(length=False, area=False)["Volume"]) <= 0)
        if not len(turned):
            break
        back = np.unique(np.concatenate([cut.get_cell(k).point_ids for k in turned]))
        points[back] = at_first[back]
    return points


def _signed(domain: Shape | Mesh, points: np.ndarray) -> np.ndarray:
    if hasattr(domain, "facets"):
        return domain.distance(points)
    try:
        return np.array(distance(domain, tuple(points.T)), float)
    except LabError:  # parts that touch: no smooth distance, but a mesh needs none
        from scipy.spatial import cKDTree

        from core.domains.points import boundary
        from core.domains.sequences import halton

        on = boundary(domain, halton(40_000, 3, np.zeros(3))).points
        return np.where(domain.contains(points), 1, -1) * cKDTree(on).query(points)[0]


def _onto(domain: Shape, points: np.ndarray, h: float) -> np.ndarray:
    """Points near the boundary moved onto it by Newton's steps, none by more than half a cell in all."""
    start, small = points.copy(), 1e-5 * h
    for _ in range(STEPS):
        value = _signed(domain, points)
        ahead, behind = ([_signed(domain, points + sign * small * axis) for axis in np.eye(3)] for sign in (1, -1))
        slope = (np.stack(ahead, axis=1) - np.stack(behind, axis=1)) / (2 * small)
        square = np.einsum("ni,ni->n", slope, slope)
        step = slope * (value / np.where(square > 1e-4, square, np.inf))[:, None]
        points = points - step
    far = np.linalg.norm(points - start, axis=1) > h / 2
    points[far] = start[far]
    return points
