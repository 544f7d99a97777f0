"""A domain of a config, ready to be asked: the same questions whether it is made of shapes or is a mesh file."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter

from core.data_folder import digests_at, kept_copy, locate, place_of
from core.domains.combined import AROUND, Difference, Intersection, Union
from core.domains.images import IMAGE_OF, images
from core.domains.local_features import HoleFeatures, LocalFeatures, local_features
from core.domains.mesh_child import read_apart
from core.domains.mesh_file import MeshFile
from core.domains.mesh_memory import kept_mesh
from core.domains.normals import nearest_normals
from core.domains.points import DENSER, FLAT, WALL_POINTS, BoundaryPoints, boundary, interior, towards
from core.domains.sequences import halton, shift_of
from core.domains.shapes import Annulus, Ball, Box, Disk, Ellipse, Polygon, Shape, ball_points
from core.domains.surfaces import boundary_names
from core.errors import LabError

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

    from core.domains.mesh import Mesh

AnyDomain = Annotated[
    Box | Disk | Ball | Ellipse | Annulus | Polygon | Union | Difference | Intersection | MeshFile,
    Field(discriminator="kind"),
]
"""What a config may have as a domain: plain data."""
KINDS = ("box", "disk", "ball", "ellipse", "annulus", "polygon", "union", "difference", "intersection", "mesh")
SMOOTH = 4.0
"""A corner with an exponent π/ω of so much has no features of its own."""
MOST_AROUND, OF_EACH_HOLE = 0.4, 0.1
"""Of the points of one set, about all holes at most, and for each hole."""
OF_IMAGES = 0.4
WEIGHTS = (1.0, 3.0)
"""Of holes' features, beside one another's."""
LOOKS = 2048
"""Points of the boundary at which it is looked how near it is."""
ON_IT = 1e-9
"""What is nearer to the boundary than this part of the domain's size lies on it."""


_ADAPTER = TypeAdapter(AnyDomain)


def domain_of(data: Any) -> Any:
    """A domain of a config from plain data; None for none. Raises pydantic.ValidationError."""
    return None if data is None else _ADAPTER.validate_python(data)


class Region:
    """A domain that is made of shapes."""

    def __init__(self, domain: Shape):
        self.domain = domain
        self.dimension = domain.dimension
        self.size = domain.size

    def look(self) -> None:
        """Raise LabError where it has no boundary, or one of which curves can't be made."""
        self.names  # noqa: B018
        self.local_features  # noqa: B018

    def box(self) -> np.ndarray:
        """Lower and upper ends, (d, 2)."""
        return self.domain.box()

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """Of its boundaries."""
        return boundary_names(self.domain)

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether points (n, d) lie inside."""
        return self.domain.contains(points)

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Whether points (n, d) lie inside or, but for rounding, on the boundary."""
        found = self.contains(points)
        for direction in self._around:
            left = np.flatnonzero(~found)
            found[left] = self.contains(points[left] + ON_IT * self.size * direction)
        return found

    def contains_well(self, points: np.ndarray) -> np.ndarray:
        """Whether points (n, d) lie inside and not, but for rounding, on the boundary."""
        found = self.contains(points)
        for direction in self._around:
            kept = np.flatnonzero(found)
            found[kept] = self.contains(points[kept] + ON_IT * self.size * direction)
        return found

    @property
    def _around(self) -> np.ndarray:
        d = self.dimension
        return AROUND.get(d, np.concatenate([np.eye(d), -np.eye(d)]))

    def interior(self, unit: np.ndarray, walls: float = 0.0) -> np.ndarray:
        """As many points as `unit` (n, d + e) has in the unit cube, (n, d + e); see `core.domains.points.interior`.

        With `walls` some of them lie about the holes, even in their inverted coordinates: features of these need them.
        """
        around = self._around_holes(unit) if walls else unit[:0]
        rest = interior(self.domain, unit[len(around) :], walls=walls, corners=walls)
        return np.concatenate([rest, around])

    def _around_holes(self, unit: np.ndarray) -> np.ndarray:
        d, own = self.dimension, [each for each in self.local_features if each.kind == "hole" and each.weight >= 1]
        shares = np.array([each.weight for each in own])
        found = [unit[:0]]
        for k, (hole, part) in enumerate(zip(own, shares / max(shares.sum(), 1), strict=True)):
            count = round(min(MOST_AROUND, OF_EACH_HOLE * len(own)) * part * len(unit))
            lots = halton(2 * count, unit.shape[1], shift_of(unit, unit.shape[1]), start=2 * k * len(unit))
            inverted = ball_points(lots[:, :d], d)
            square = np.square(inverted).sum(axis=1, keepdims=True)
            points = np.array(hole.place) + hole.radius * inverted / np.maximum(square, 1e-12)
            inside = self.contains(points)
            found.append(np.concatenate([points[inside], lots[inside, d:]], axis=1)[:count])
        return np.concatenate(found)

    def boundary(self, unit: np.ndarray, on: str | Iterable[str] | None = None, least: float = 0.0) -> BoundaryPoints:
        """As many points on the boundary as `unit` (n, d) has; see `core.domains.points.boundary`."""
        return boundary(self.domain, unit, on, least=least)

    def normals(self, points: np.ndarray, on: Sequence[str] | None = None) -> np.ndarray:
        """Outward unit normals (n, d) where the boundary is nearest to points (n, d)."""
        return nearest_normals(self.domain, points, on or self.names)

    @functools.cached_property
    def local_features(self) -> tuple[LocalFeatures, ...]:
        """Features of its holes, of what mirrors them in walls near them, and of its corners."""
        found = [self._measured(each) if each.kind == "hole" else each
                 for each in _without_flat(local_features(self.domain, every_corner=True))]  # fmt: skip
        of_holes = {each.name: each for each in found if each.kind == "hole"}
        return (*found, *(self._seen_in(each, of_holes) for each in images(self.domain)))

    def _measured(self, hole: HoleFeatures) -> HoleFeatures:
        """With the gap between its edge and the next one, and its radius over that, within bounds, as its weight."""
        gap = self._gap(hole, 0.01 * hole.radius)
        return replace(hole, gap=gap, weight=float(np.clip(hole.radius / gap, *WEIGHTS)))

    def _seen_in(self, image: HoleFeatures, of_holes: Mapping[str, HoleFeatures]) -> HoleFeatures:
        """An image's gap: what its hole has of an order fades away from there and again from here to the domain."""
        own, radius = of_holes[image.name.removeprefix(IMAGE_OF)], image.radius
        both = (1 + own.gap / own.radius) * (1 + self._gap(image, 0.0) / radius)
        return replace(image, gap=(both - 1) * radius, weight=OF_IMAGES)

    def _gap(self, hole: HoleFeatures, least: float) -> float:
        """Between a hole's edge and what of the boundary is nearest beyond `least`."""
        off = np.linalg.norm(self._edges - hole.place, axis=1) - hole.radius
        others = off[off > least]
        return float(others.min()) if len(others) else np.inf

    @functools.cached_property
    def _edges(self) -> np.ndarray:
        d = self.dimension
        return self.boundary(halton(LOOKS, d, np.zeros(d)), least=0.5).points


class MeshRegion(Region):
    """A domain that is a mesh, which it asks for anew each time: problems are remembered for long, large meshes not.

    Args:
        mesh: gives it.
    """

    def __init__(self, mesh: Callable[[], Mesh]):
        self._mesh, found = mesh, mesh()
        self.dimension = found.dimension
        self.size = found.size
        self.names = found.names

    @property
    def domain(self) -> Mesh:
        """The mesh."""
        return self._mesh()

    def interior(self, unit, walls=0.0):
        """See `Region.interior`; corners of a mesh draw no points of their own."""
        d, mesh = self.dimension, self.domain
        if not walls:
            return np.concatenate([mesh.interior(unit[:, :d]), unit[:, d:]], axis=1)
        (n, columns), found, have, tried = unit.shape, [], 0, 0
        shift = shift_of(unit, columns + 1)
        while have < n:
            lots = halton(max(1024, 2 * n), columns + 1, shift, start=tried)
            tried += len(lots)
            points = mesh.interior(lots[:, :d])
            # the last coordinate decides which are kept
            kept = lots[:, -1] * DENSER**walls < towards(self._wall, points, mesh.box()) ** walls
            found.append(np.concatenate([points, lots[:, d:-1]], axis=1)[kept])
            have += len(found[-1])
        return np.concatenate(found)[:n]

    @functools.cached_property
    def _wall(self) -> cKDTree:
        from scipy.spatial import cKDTree

        d = self.dimension
        return cKDTree(self.domain.boundary(halton(WALL_POINTS, d, np.zeros(d))).points)

    def boundary(self, unit, on=None, least=0.0):
        """See `Region.boundary`."""
        return self.domain.boundary(unit, on, least=least)

    def normals(self, points, on=None):
        """See `Region.normals`."""
        return self.domain.normals(points, on or self.names)

    @functools.cached_property
    def local_features(self):
        """Those of a mesh: its curves are of straight sides, so its flat corners are none."""
        found = _without_flat(self.domain.local_features())
        return tuple(replace(each, gap=self._gap(each, 0.01 * each.radius)) if each.kind == "hole" else each
                     for each in found)  # fmt: skip


def _without_flat(found: Iterable[LocalFeatures]) -> tuple[LocalFeatures, ...]:
    """Without corners that are nearly straight, of which a curve drawn as a polygon has many, and the sharpest ones."""
    return tuple(each for each in found if each.kind == "hole" or (abs(each.angle - math.pi) > FLAT
                                                                   and each.exponent < SMOOTH))  # fmt: skip


class _ChangedError(LabError):
    """A file is no longer what its id says."""


def region(domain: Any) -> Region:
    """What answers for a domain; made once for each value.

    Raises:
        LabError: its mesh file is not there, or no mesh that can be used.
    """
    if not isinstance(domain, MeshFile):
        return _of_shape(domain)
    path = mesh_path(domain)
    found = _of_mesh(path, digests_at(path).git_blob, domain.file)
    if isinstance(found, str):
        raise LabError(found)
    return found


@functools.lru_cache(maxsize=64)
def _of_shape(domain: Shape) -> Region:
    return Region(domain)


@functools.lru_cache(maxsize=64)
def _of_mesh(path: Path, git_blob: str, name: str) -> Region | str:
    """What answers for a mesh, or what is wrong with it: a file that is none is not read again with each look."""

    def read() -> Mesh:
        if digests_at(path).git_blob != git_blob:
            raise _ChangedError(f"The mesh {name!r} was changed meanwhile. Load the page again.")
        return read_apart(path, name)

    try:
        return MeshRegion(functools.partial(kept_mesh, name, git_blob, read))
    except _ChangedError:
        raise  # no fault of these bytes
    except LabError as error:
        return str(error)


def as_it_is(domain: Any) -> Any:
    """A domain that stays the same: a mesh file without a version gets the one that it has now, if it is there."""
    if not isinstance(domain, MeshFile) or domain.version:
        return domain
    try:
        return domain.model_copy(update={"version": digests_at(locate(domain.file)).git_blob})
    except LabError:
        return domain  # reading it says why


def mesh_path(mesh: MeshFile) -> Path:
    """Where the bytes of a mesh are: the kept version that is pinned, else the file in the data folder.

    Raises:
        LabError: they are gone, or are not what the version's id says, or the name leads out of the folder.
    """
    if not mesh.version:
        return locate(mesh.file)
    kept = kept_copy(mesh.version)
    for path in (kept, place_of(mesh.file)):
        if path.is_file() and digests_at(path).git_blob == mesh.version:
            return path
    raise LabError(f"Version {mesh.version[:12]} of the mesh {mesh.file!r} is not in this lab. Upload it again.")
