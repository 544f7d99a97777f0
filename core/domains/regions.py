"""A domain of a config, ready to be asked: the same questions whether it is made of shapes or is a mesh file."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter

from core.data_folder import digests_at, kept_copy, locate, place_of
from core.domains.combined import AROUND, Difference, Intersection, Union
from core.domains.images import images
from core.domains.local_features import LocalFeatures, local_features
from core.domains.mesh_child import read_apart
from core.domains.mesh_file import MeshFile
from core.domains.normals import nearest_normals
from core.domains.points import BoundaryPoints, boundary, interior
from core.domains.shapes import Annulus, Ball, Box, Disk, Ellipse, Polygon, Shape
from core.domains.surfaces import boundary_names
from core.errors import LabError

if TYPE_CHECKING:
    from core.domains.mesh import Mesh

AnyDomain = Annotated[
    Box | Disk | Ball | Ellipse | Annulus | Polygon | Union | Difference | Intersection | MeshFile,
    Field(discriminator="kind"),
]
"""What a config may have as a domain: plain data."""
KINDS = ("box", "disk", "ball", "ellipse", "annulus", "polygon", "union", "difference", "intersection", "mesh")
FLAT = 0.1 * math.pi
"""A corner that is nearer to a straight line than this has no features of its own."""
SMOOTH = 4.0
"""Nor has one with an exponent π/ω of so much."""
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
        d, step = self.dimension, ON_IT * self.size
        for direction in AROUND.get(d, np.concatenate([np.eye(d), -np.eye(d)])):
            left = np.flatnonzero(~found)
            found[left] = self.contains(points[left] + step * direction)
        return found

    def interior(self, unit: np.ndarray, walls: float = 0.0) -> np.ndarray:
        """As many points as `unit` (n, d + e) has in the unit cube, (n, d + e); see `core.domains.points.interior`."""
        return interior(self.domain, unit, walls=walls, corners=walls)

    def boundary(self, unit: np.ndarray, on: str | Iterable[str] | None = None, least: float = 0.0) -> BoundaryPoints:
        """As many points on the boundary as `unit` (n, d) has; see `core.domains.points.boundary`."""
        return boundary(self.domain, unit, on, least=least)

    def normals(self, points: np.ndarray, on: Sequence[str] | None = None) -> np.ndarray:
        """Outward unit normals (n, d) where the boundary is nearest to points (n, d)."""
        return nearest_normals(self.domain, points, on or self.names)

    @functools.cached_property
    def local_features(self) -> tuple[LocalFeatures, ...]:
        """Features of its holes, of what mirrors them in walls near them, and of its corners."""
        found = local_features(self.domain, every_corner=True)
        return (*_without_flat(found), *images(self.domain))


class MeshRegion(Region):
    """A domain that is a mesh."""

    def __init__(self, mesh: Mesh):
        self.domain = mesh
        self.dimension = mesh.dimension
        self.size = mesh.size

    @property
    def names(self) -> tuple[str, ...]:
        """Of its boundaries."""
        return self.domain.names

    def interior(self, unit, walls=0.0):
        """See `Region.interior`; of a mesh they are even."""
        d = self.dimension
        return np.concatenate([self.domain.interior(unit[:, :d]), unit[:, d:]], axis=1)

    def boundary(self, unit, on=None, least=0.0):
        """See `Region.boundary`."""
        return self.domain.boundary(unit, on)

    def normals(self, points, on=None):
        """See `Region.normals`."""
        return self.domain.normals(points, on or self.names)

    @functools.cached_property
    def local_features(self):
        """Those of a mesh: its curves are of straight sides, so its flat corners are none."""
        return _without_flat(self.domain.local_features())


def _without_flat(found: Iterable[LocalFeatures]) -> tuple[LocalFeatures, ...]:
    """Without corners that are nearly straight, of which a curve drawn as a polygon has many, and the sharpest ones."""
    return tuple(each for each in found if each.kind == "hole" or (abs(each.angle - math.pi) > FLAT
                                                                   and each.exponent < SMOOTH))  # fmt: skip


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


@functools.lru_cache(maxsize=8)
def _of_mesh(path: Path, git_blob: str, name: str) -> Region | str:
    """What answers for a mesh, or what is wrong with it: a file that is none is not read again with each look."""
    try:
        return MeshRegion(read_apart(path, name))
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
