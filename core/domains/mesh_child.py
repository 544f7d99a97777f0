"""Reading a mesh in a process of its own: a small file can unpack to much, and its readers are C and h5py."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.apart import Told, answering, asked
from core.domains.local_features import HoleFeatures
from core.domains.mesh import Mesh, read_mesh
from core.errors import LabError

SECONDS = 120.0
"""Longest that reading a mesh may take."""
MEMORY = 6 * 2**30
"""Bytes that the child may take, the program itself included."""
ARRAYS = ("points", "simplices", "facets", "which")


def read_apart(path: Path, name: str, told: Told = lambda part: None) -> Mesh:
    """`core.domains.mesh.read_mesh` in a child, without what an export needs; what `told` raises ends it and goes on.

    Raises LabError: the file's own fault, or that it took too long or too much memory.
    """
    with tempfile.TemporaryDirectory(prefix="lab-mesh-") as folder:
        answer = Path(folder) / "mesh.npz"
        said = asked("core.domains.mesh_child", [str(path), name, str(answer)], name, SECONDS, MEMORY, told)
        with np.load(answer, allow_pickle=False) as arrays:
            found = [arrays[each] for each in ARRAYS]
    points, simplices, facets, which = found
    holes = tuple(HoleFeatures(**each | {"place": tuple(each["place"])}) for each in said["holes"])
    return Mesh(points, simplices, facets, tuple(said["names"]), which, holes, tuple(said["remarks"]), None)


def read_bytes_apart(name: str, data: bytes, told: Told = lambda part: None) -> Mesh:
    """The same of a file's bytes that lie nowhere yet. Raises LabError."""
    with tempfile.TemporaryDirectory(prefix="lab-mesh-") as folder:
        path = Path(folder) / "file"
        try:
            path.write_bytes(data)
        except OSError as error:
            raise LabError(f"{name} can't be read: there is no room in {folder} ({error.strerror}).") from None
        return read_apart(path, name, told)


def main(source: str, name: str, answer: str, *limits: str) -> None:
    """The child's side."""
    with answering(name, *limits) as say:
        mesh = read_mesh(Path(source), name)
        arrays = {each: getattr(mesh, each) for each in ARRAYS}
        np.savez(answer, **{each: array.astype(np.int32) if array.dtype.kind == "i" else array
                            for each, array in arrays.items()})  # fmt: skip
        say(names=mesh.names, remarks=mesh.remarks, holes=[asdict(each) for each in mesh.holes])


if __name__ == "__main__":
    main(*sys.argv[1:])
