"""A mesh file, read with care: known formats only, nothing that leads to other files, limits before and after reading.

What is not trusted should be read in a child with limits of time and memory, since a small file can unpack to much.
"""

from __future__ import annotations

import io
import mmap
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from core.errors import LabError
from core.frozen import Frozen

if TYPE_CHECKING:
    import meshio

FORMATS = {
    ".msh": "gmsh", ".vtu": "vtu", ".vtk": "vtk", ".stl": "stl", ".obj": "obj", ".med": "med", ".off": "off",
    ".ply": "ply", ".mesh": "medit", ".su2": "su2",
}  # fmt: skip
"""Suffix → meshio's name. Those that can name further files to read (.xdmf, .inp …) are left out."""
MOST_CELLS = 10**7
LARGEST_FILE = 2 * 2**30
HEAD = 2**16
MOST_GROUPS = 10_000
"""Groups of an HDF5 file that are looked through; a mesh of MED has some dozens."""
LONGEST_PATH = 100
"""Characters of a group's path that are told."""


class MeshFile(Frozen):
    """A mesh as a domain, by its file in the lab's data folder."""

    kind: Literal["mesh"] = "mesh"
    file: str = Field(min_length=1, max_length=200, description="File in the lab's data folder.")
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = Field(
        None, description="Its Git blob id. Empty: the file as it is at launch, which the run then keeps."
    )


def read_file(path: Path, name: str | None = None) -> meshio.Mesh:
    """What a mesh file holds, by meshio.

    Args:
        path: of the file.
        name: what people call it; its end says the format. None: the path's own.

    Raises:
        LabError: an unknown format, more than a lab can use, or no mesh.
    """
    import meshio

    name = name or path.name
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise LabError(f"{name} is no mesh that is read here; the formats are {', '.join(FORMATS)}. Convert it first.")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise LabError(f"{name} is larger than {LARGEST_FILE / 2**30:.0f} GiB. Make the mesh coarser.")
        refuse_too_many(name, announced_cells(path, suffix))
    except OSError as error:
        raise LabError(f"{name} can't be read: {error.strerror or error}.") from error
    try:
        _refuse_references(path, suffix, name)
        with np.errstate(over="ignore"):  # meshio multiplies what may be no count yet
            source = _med_with_families(path) if suffix == ".med" else str(path)
            mesh = getattr(meshio, FORMATS[suffix]).read(source)
    except LabError:
        raise
    except MemoryError:
        raise LabError(f"{name} needs more memory than there is. Make the mesh coarser.") from None
    except (Exception, SystemExit) as error:  # a reader of ten formats raises anything on a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise LabError(f"{name} is no {suffix} mesh, or is damaged: {reason}.") from error
    refuse_too_many(name, sum(len(block.data) for block in mesh.cells))
    return mesh


def refuse_too_many(name: str, cells: int) -> None:
    """Raise LabError where a mesh has more cells than are used here."""
    if cells >= MOST_CELLS:
        raise LabError(f"{name} has {cells:,} cells; fewer than {MOST_CELLS:,} are used here. Make the mesh coarser.")


def announced_cells(path: Path, suffix: str) -> int:
    """How many cells a file says it has, before it is read; 0 where its format does not say."""
    size = path.stat().st_size
    if size == 0:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        head = content[:HEAD]
        if suffix == ".stl":
            count = int(np.frombuffer(head[80:84], "<u4")[0]) if size >= 84 else 0
            return count if size == 84 + 50 * count else 0
        if suffix == ".msh":
            at = content.find(b"$Elements")
            numbers = content[at : at + 200].split()[1:5] if at >= 0 else []
            place = 1 if re.search(rb"\$MeshFormat\s+4", head) else 0
            return int(numbers[place]) if len(numbers) > place and numbers[place].isdigit() else 0
        pattern = {
            ".vtu": rb'NumberOfCells\s*=\s*"\s*(\d+)', ".ply": rb"element face (\d+)", ".off": rb"OFF\s+\d+\s+(\d+)",
            ".vtk": rb"\bCELLS (\d+)", ".su2": rb"NELEM\s*=\s*(\d+)",
        }.get(suffix)  # fmt: skip
        found = re.search(pattern, head) if pattern else None
        return int(found[1]) if found else 0


def _refuse_references(path: Path, suffix: str, name: str) -> None:
    """Raise LabError where a file leads to others, or declares entities that unpack without a limit."""
    if suffix == ".vtu":
        with path.open("rb") as file:
            if re.search(rb"<!\s*(DOCTYPE|ENTITY)", file.read(HEAD), re.IGNORECASE):
                raise LabError(f"{name} declares XML entities, which no mesh needs. It is not read.")
    if suffix == ".msh":
        with path.open("rb") as file:
            if b"$MeshFormat" not in file.read(HEAD):
                raise LabError(f"{name} is no mesh of Gmsh, whose .msh is the only one read here. Convert it first.")
    if suffix == ".med":
        import h5py

        with h5py.File(path, "r") as file:
            _refuse_links(file, name)


def _med_with_families(path: Path) -> str | io.BytesIO:
    """A MED file in which cells of each type have families: meshio reads none where some lack them, as is usual.

    MED leaves out the numbers where all are 0, so of the inside when groups name the boundary alone.
    """
    import h5py

    with h5py.File(path, "r") as file:
        names = [f"ENS_MAA/{mesh}/{step}/MAI" for mesh in file.get("ENS_MAA", {}) for step in file["ENS_MAA"][mesh]]
        types = [f"{name}/{kind}" for name in names if name in file for kind in file[name]]
        without = [name for name in types if "FAM" not in file[name]]
    if len(without) in (0, len(types)):
        return str(path)
    whole = io.BytesIO(path.read_bytes())
    with h5py.File(whole, "r+") as file:
        for name in without:
            file[name]["FAM"] = np.zeros(int(file[name]["NOD"].attrs["NBR"]), int)
    return whole


def _refuse_links(file, name: str) -> None:
    """Raise LabError where anything in a file of HDF5 leads to another file, or a group lies within itself.

    What several hard links lead to is looked at once; HDF5 itself knows it by its address.
    """
    import h5py

    seen, waiting = set(), [(file, "", ())]
    while waiting:
        group, where, around = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in around:
            raise LabError(f"{name}: the group {where!r} lies within itself. No mesh is written so; it is not read.")
        if address in seen:
            continue
        seen.add(address)
        if len(seen) > MOST_GROUPS:
            raise LabError(f"{name} has more than {MOST_GROUPS:,} groups, which no mesh needs. It is not read.")
        for key in group:
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise LabError(f"{name} leads to another file at {key!r}. Only files that hold all of a mesh are read.")
            if isinstance(link, h5py.SoftLink):
                continue
            part = group[key]
            if isinstance(part, h5py.Group):
                waiting.append((part, f"{where}/{key}"[-LONGEST_PATH:], (*around, address)))
            elif isinstance(part, h5py.Dataset) and (part.external or part.is_virtual):
                raise LabError(f"{name} keeps numbers of {key!r} in another file. Only files that hold all are read.")
