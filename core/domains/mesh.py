"""A mesh as a domain: points inside by volume, on its named boundaries by area, and what lies inside."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.domains.boundaries import Corner, corner_between
from core.domains.hole_places import place_in
from core.domains.inspection import Outline
from core.domains.local_features import MOST, HoleFeatures, LocalFeatures, of_corner, outside
from core.domains.mesh_cells import Sorted, sorted_cells
from core.domains.mesh_distance import crossed, nearest_facets
from core.domains.mesh_file import read_file
from core.domains.mesh_surface import connected_parts, enclosed, hull, measures
from core.domains.points import MOST_TRIES, BoundaryPoints, shares
from core.domains.polygons import picked
from core.domains.sequences import halton, shift_of
from core.domains.shapes import ball_measure
from core.errors import LabError

if TYPE_CHECKING:
    import meshio

NOT_SMOOTH = "A mesh has no smooth distance, so conditions on its boundary are weighted rows."
"""Why no ansatz meets conditions on a mesh, as pages say it."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """A domain of two or three dimensions, from a file."""

    points: np.ndarray
    """(n, d)."""
    simplices: np.ndarray
    """Triangles or tetrahedra of the inside, (m, d+1); none where the file has a closed surface alone."""
    facets: np.ndarray
    """Sides or triangles of the boundary, (k, d), such that their normals point outwards."""
    names: tuple[str, ...]
    """Of the boundaries."""
    which: np.ndarray
    """(k,): for each facet the place of its boundary in `names`."""
    holes: tuple[HoleFeatures, ...]
    """Features of what is hollow inside."""
    remarks: tuple[str, ...]
    """What one should know of it, a sentence each."""
    source: meshio.Mesh | None = field(repr=False)
    """As it was read, for an export on the same cells; None where it was read in another process."""

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.points.shape[1]

    def box(self) -> np.ndarray:
        """Lower and upper ends, (d, 2)."""
        corners = self.points[np.unique(self.facets)]
        return np.stack([corners.min(axis=0), corners.max(axis=0)], axis=1)

    @property
    def bytes(self) -> int:
        """What it takes in memory, without its source."""
        return sum(each.nbytes for each in (self.points, self.simplices, self.facets, self.which))

    @property
    def size(self) -> float:
        """The largest extent."""
        return float(np.ptp(self.box(), axis=1).max())

    @functools.cached_property
    def measure(self) -> float:
        """Area or volume."""
        return float(enclosed(self.points[self.facets]))

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether points (n, d) lie inside; on the boundary either."""
        return crossed(points, self.points[self.facets])

    def distance(self, points: np.ndarray) -> np.ndarray:
        """The distance (n,) of points (n, d) to the boundary: positive inside; with kinks, so for weights alone."""
        found, _ = nearest_facets(points, self.points[self.facets])
        return np.where(self.contains(points), found, -found)

    def interior(self, unit: np.ndarray) -> np.ndarray:
        """As many points (n, d) inside as `unit` (n, d) has in the unit cube, even by volume. Raises LabError."""
        if not len(self.simplices):
            return self._rejected(unit)
        which, rest = picked(unit[:, 0], self._simplex_measures)
        cuts = np.sort(np.column_stack([rest, unit[:, 1:]]), axis=1)
        weights = np.diff(cuts, axis=1, prepend=0, append=1)
        return np.einsum("ni,nij->nj", weights, self.points[self.simplices[which]])

    @functools.cached_property
    def _simplex_measures(self) -> np.ndarray:
        return np.abs(measures(self.points[self.simplices]))

    def _rejected(self, unit: np.ndarray) -> np.ndarray:
        (low, high), d, n = self.box().T, self.dimension, len(unit)
        shift, tried, have, found, candidates = shift_of(unit, d), 0, 0, [], unit
        while True:
            points = low + (high - low) * candidates
            found.append(points[self.contains(points)])
            have += len(found[-1])
            if have >= n:
                return np.concatenate(found)[:n]
            if tried >= MOST_TRIES:
                raise LabError(f"Of {tried:,} points only {have:,} fell into the mesh. It is too thin for its box.")
            candidates = halton(max(1024, 2 * n), d, shift, start=tried)
            tried += len(candidates)

    def boundary(
        self, unit: np.ndarray, on: str | Iterable[str] | None = None, *, least: float = 0.0
    ) -> BoundaryPoints:
        """As many points on the boundary as `unit` (n, d) has, even by length or area, with outward normals.

        Args:
            unit: points of the unit cube; one coordinate less is used than it has.
            on: names of the boundaries that are meant; None: all.
            least: what a connected part of the boundary gets at least, as `core.domains.points.boundary` has it.

        Raises:
            LabError: there is no boundary of such a name.
        """
        wanted = self.names if on is None else ([on] if isinstance(on, str) else list(on))
        for name in wanted:
            if name not in self.names:
                raise LabError(f"The mesh has no boundary {name!r}; it has {', '.join(self.names)}.")
        own = np.flatnonzero(np.isin(self.which, [self.names.index(name) for name in wanted]))
        corners = self.points[self.facets[own]]
        normals = facet_normals(corners)
        sizes = np.linalg.norm(normals, axis=1)
        group = np.unique(self._parts[own], return_inverse=True)[1]
        part, rest = picked(unit[:, 0], shares(sizes, group, least))
        cuts = np.sort(np.column_stack([rest, unit[:, 1 : self.dimension - 1]]), axis=1)
        weights = np.diff(cuts, axis=1, prepend=0, append=1)
        points = np.einsum("ni,nij->nj", weights, corners[part])
        return BoundaryPoints(points, normals[part] / sizes[part, None], self.names, self.which[own[part]])

    @functools.cached_property
    def _parts(self) -> np.ndarray:
        return connected_parts(self.points, self.facets, "The mesh")

    def normals(self, points: np.ndarray, on: Iterable[str]) -> np.ndarray:
        """Outward unit normals (n, d) of the facets of some boundaries that are nearest to points (n, d)."""
        own = np.flatnonzero(np.isin(self.which, [self.names.index(name) for name in on]))
        corners = self.points[self.facets[own]]
        normals = facet_normals(corners)[nearest_facets(points, corners)[1]]
        return normals / np.linalg.norm(normals, axis=1, keepdims=True)

    def local_features(self, least: float = 1.1 * np.pi) -> tuple[LocalFeatures, ...]:
        """Features of holes and, in the plane, of corners with at least this angle, in radians.

        A curve of straight sides has corners everywhere, just above π.
        """
        if self.dimension == 3:
            return outside(self, self.holes)
        found = sorted((each for each in self._corners() if each.angle >= least), key=lambda each: -each.angle)
        return (*outside(self, self.holes), *(of_corner(each, self.size, self.contains) for each in found[:MOST]))

    def _corners(self) -> Iterator[Corner]:
        """Corners between two sides; where more than two meet is none."""
        after = dict(zip(self.facets[:, 0].tolist(), range(len(self.facets)), strict=True))
        met = np.bincount(self.facets[:, 0], minlength=len(self.points))
        for k, (_, vertex) in enumerate(self.facets.tolist()):
            if met[vertex] == 1:
                names = self.names[self.which[k]], self.names[self.which[after[vertex]]]
                directions = [np.diff(self.points[self.facets[side]], axis=0)[0] for side in (k, after[vertex])]
                yield corner_between(*directions, self.points[vertex], names)

    def outline(self) -> Outline:
        """The boundary by name: each side a line in the plane, triangles in space."""
        parts = [(name, self.facets[self.which == k]) for k, name in enumerate(self.names)]
        if self.dimension == 3:
            return Outline(surfaces=tuple((name, self.points, facets) for name, facets in parts))
        return Outline(lines=tuple((name, self.points[side]) for name, facets in parts for side in facets))


def facet_normals(corners: np.ndarray) -> np.ndarray:
    """Normals of sides (k, 2, 2) or triangles (k, 3, 3), as long as the side, or as twice the area; (k, d)."""
    along = corners[:, 1] - corners[:, 0]
    if corners.shape[-1] == 2:
        return np.stack([along[:, 1], -along[:, 0]], axis=1)
    return np.cross(along, corners[:, 2] - corners[:, 0])


def read_mesh(path: Path, name: str | None = None) -> Mesh:
    """The mesh in a file, checked.

    Raises LabError: no mesh, too large a one, one that is not closed, with inverted or flat cells, with coordinates
    that are no numbers, or with cells of several dimensions that don't belong together; the sentence says where.
    """
    name = name or path.name
    return made(read_file(path, name), name)


def made(source: meshio.Mesh, name: str) -> Mesh:
    """A domain of what meshio has read. Raises LabError as `read_mesh` does."""
    cells: Sorted = sorted_cells(source, name)
    surface = hull(cells, name)
    every = surface.points[surface.facets]
    holes = []
    for label, corners in surface.hollows:
        extent, dimension = abs(enclosed(corners)), corners.shape[-1]
        place = place_in(corners, every, functools.partial(crossed, corners=every))
        if place is not None:
            holes.append(HoleFeatures(label, place, float((extent / ball_measure(dimension)) ** (1 / dimension))))
    remarks = (*cells.remarks, *surface.remarks)
    parts = (surface.points, cells.simplices, surface.facets, surface.names, surface.which)
    return Mesh(*parts, tuple(holes), remarks, source)


def mesh_for_export(mesh: Mesh) -> meshio.Mesh:
    """The very points and cells that were read, with their groups and without other data, for values to be added."""
    import meshio

    source = mesh.source
    groups = {key: value for key, value in source.cell_data.items() if np.asarray(value[0]).dtype.kind in "iu"}
    out = meshio.Mesh(source.points.copy(), [(block.type, block.data.copy()) for block in source.cells],
                      cell_data={key: [np.array(part) for part in value] for key, value in groups.items()},
                      field_data=dict(source.field_data), cell_sets=dict(source.cell_sets))  # fmt: skip
    for tags in ("cell_tags", "point_tags"):
        if hasattr(source, tags):
            setattr(out, tags, dict(getattr(source, tags)))
    return out
