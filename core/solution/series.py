"""A ParaView time series: one file for each moment and the .pvd collection that orders them, in a zip archive."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from core.errors import LabError
from core.files import written_beside
from core.solution.export import export, export_bytes, sampled_grid
from core.solution.on_mesh import SolutionMesh
from core.solution.sampled import Sampled
from core.solution.scene import moments as moments_of


def series_bytes(moments: Iterable[tuple[float, Sampled]], suffix: str, name: str = "series") -> bytes:
    """The archive's content: `NAME.pvd`, and `NAME/0000.SUFFIX` and so on, each read again as every export is.

    Args:
        moments: (time, grid or mesh of that moment), in order.
        suffix: of the moments' files, one of `core.solution.export.FORMATS` that ParaView collects: not .xdmf.
        name: of the collection and its folder.

    Raises:
        LabError: a moment can't be written in that format.
    """
    made, times = io.BytesIO(), []
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:  # VTK's files are compressed already
        for k, (time, grid) in enumerate(moments):
            archive.writestr(f"{name}/{k:04d}.{suffix}", export_bytes(grid, suffix))
            times.append(time)
        archive.writestr(f"{name}.pvd", _collection(times, name, suffix))
    return made.getvalue()


def write_pvd(moments: Iterable[tuple[float, Sampled]], path: Path, suffix: str, single: bool = False) -> None:
    """The same beside each other on the disk: `NAME.pvd`, and its files in a folder `NAME`.

    The folder takes its name once it is whole, then the collection. Raises LabError; what is there is not touched.
    """
    folder = path.with_suffix("")
    if folder.exists():
        raise LabError(f"{folder} is there already; the series' files go there. Name another file, or move it.")
    try:
        with written_beside(path) as collection, tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as made:
            inner = Path(made) / folder.name
            inner.mkdir()
            times = []
            for k, (time, grid) in enumerate(moments):
                export(grid, inner / f"{k:04d}.{suffix}", single)
                times.append(time)
            collection.write_text(_collection(times, folder.name, suffix), encoding="utf-8")
            inner.rename(folder)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error


def _collection(times: Sequence[float], name: str, suffix: str) -> str:
    """The .pvd that orders the files `NAME/0000.SUFFIX` and so on."""
    lines = ['<?xml version="1.0"?>', '<VTKFile type="Collection" version="0.1" byte_order="LittleEndian">']
    lines.append("  <Collection>")
    for k, time in enumerate(times):
        file = quoteattr(f"{name}/{k:04d}.{suffix}")
        lines.append(f'    <DataSet timestep="{time!r}" group="" part="0" file={file}/>')
    return "\n".join([*lines, "  </Collection>", "</VTKFile>", ""])


def sampled_series_bytes(path: Path) -> bytes:
    """All moments of a sampled solution as files and a .pvd in a zip archive. Raises LabError where it has none."""
    sampled = sampled_grid(path)
    times = moments_of(sampled)
    if times is None:
        raise LabError("It has no moments of its own.")
    suffix = "vtu" if isinstance(sampled, SolutionMesh) else "vti" if sampled.at_time(0).uniform else "vts"
    return series_bytes(((float(time), sampled.at_time(k)) for k, time in enumerate(times)), suffix, "solution")
