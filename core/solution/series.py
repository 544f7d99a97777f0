"""A ParaView time series: one file for each moment and the .pvd collection that orders them, in a zip archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import quoteattr

from core.solution.export import export_bytes, sampled_grid
from core.solution.sampled import Sampled


def series_bytes(moments: Iterable[tuple[float, Sampled]], suffix: str, name: str = "series") -> bytes:
    """The archive's content: `NAME.pvd`, and `NAME/0000.SUFFIX` and so on, each read again as every export is.

    Args:
        moments: (time, grid or mesh of that moment), in order.
        suffix: of the moments' files, one of `core.solution.export.FORMATS` that ParaView collects: not .xdmf.
        name: of the collection and its folder.

    Raises:
        LabError: a moment can't be written in that format.
    """
    lines = ['<?xml version="1.0"?>', '<VTKFile type="Collection" version="0.1" byte_order="LittleEndian">']
    lines.append("  <Collection>")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:  # VTK's files are compressed already
        for k, (time, grid) in enumerate(moments):
            file = f"{name}/{k:04d}.{suffix}"
            archive.writestr(file, export_bytes(grid, suffix))
            lines.append(f'    <DataSet timestep="{time!r}" group="" part="0" file={quoteattr(file)}/>')
        lines += ["  </Collection>", "</VTKFile>", ""]
        archive.writestr(f"{name}.pvd", "\n".join(lines))
    return made.getvalue()


def mesh_series_bytes(path: Path) -> bytes:
    """All moments of a solution that was sampled on a mesh, as .vtu and a .pvd in a zip archive. Raises LabError."""
    mesh = sampled_grid(path)
    return series_bytes(((float(time), mesh.at_time(k)) for k, time in enumerate(mesh.times)), "vtu", "solution")
