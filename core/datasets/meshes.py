"""Mesh files among the datasets: read in a child, remembered by their bytes, described in a few lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.apart import Told
from core.data_folder import read
from core.digests import digests_of
from core.domains import Mesh
from core.domains.mesh_child import read_bytes_apart
from core.domains.mesh_file import FORMATS
from core.domains.mesh_memory import kept_mesh

MESHES = tuple(FORMATS)
"""Endings of mesh files."""


def is_mesh(name: str) -> bool:
    """Whether a file of this name is a mesh, by its ending."""
    return Path(name).suffix.lower() in FORMATS


def mesh_of_bytes(name: str, data: bytes, git_blob: str | None = None, told: Told = lambda part: None) -> Mesh:
    """What the bytes of a mesh file hold, without its source; it is remembered while there is room.

    Args:
        name: of the file; its end says the format.
        data: its bytes.
        git_blob: their id, where it is known already.
        told: is called while one waits; what it raises ends the reading.

    Raises:
        LabError: what the file has instead of a mesh that encloses something, or that it is too much to read.
    """
    return kept_mesh(name, git_blob or digests_of(data).git_blob, lambda: read_bytes_apart(name, data, told))


def mesh(name: str, git_blob: str | None = None) -> Mesh:
    """A mesh's version, or the file as it is now. Raises LabError."""
    data, found = read(name, git_blob)
    return mesh_of_bytes(name, data, found.git_blob)


def described(mesh: Mesh) -> tuple[str, ...]:
    """What a mesh is, a sentence each: cells, extent, boundaries by name, and what one should know of it."""
    plane = mesh.dimension == 2
    inside, facets = ("triangles", "sides") if plane else ("tetrahedra", "triangles")
    cells = f"{len(mesh.simplices):,} {inside}" if len(mesh.simplices) else "A closed surface"
    extent = ", ".join(f"{axis} from {low:.6g} to {high:.6g}"
                       for axis, (low, high) in zip("xyz", mesh.box(), strict=False))  # fmt: skip
    counts = np.bincount(mesh.which, minlength=len(mesh.names))
    named = ", ".join(f"{name} ({count:,})" for name, count in zip(mesh.names, counts, strict=True))
    return (
        f"{cells}, {len(mesh.facets):,} {facets} on its boundary; {'area' if plane else 'volume'} {mesh.measure:.6g}.",
        f"It reaches in {extent}.",
        f"Boundaries for conditions: {named}.",
        *mesh.remarks,
    )
