"""A ParaView time series: one file for each moment and the .pvd collection that orders them, in a folder or a zip."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from core.errors import LabError
from core.files import folder_beside, written_beside
from core.solution.export import export, sampled_grid
from core.solution.on_mesh import SolutionMesh
from core.solution.sampled import Sampled
from core.solution.scene import moments as moments_of

Moment = tuple[float, Callable[[Path], None]]
"""A time, and what writes the file of that moment. It may raise LabError."""
SUFFIXES = ("zip", "pvd")
NO_SERIES = "It has no moments of its own."


def moments(sampled: Sampled, single: bool = False) -> tuple[list[Moment], str]:
    """The moments of a sampled solution, in order, and the suffix of their files. Raises LabError where it has none."""
    times = moments_of(sampled)
    if times is None:
        raise LabError(NO_SERIES)
    suffix = "vtu" if isinstance(sampled, SolutionMesh) else "vti" if sampled.at_time(0).uniform else "vts"
    return [(float(time), _writer(sampled, k, single)) for k, time in enumerate(times)], suffix


def _writer(sampled: Sampled, k: int, single: bool) -> Callable[[Path], None]:
    return lambda path: export(sampled.at_time(k), path, single)


def write_series(moments: Iterable[Moment], path: Path, suffix: str, name: str = "solution") -> None:
    """`NAME.pvd` with `NAME/0000.SUFFIX` and so on, which it orders; memory holds one moment at a time.

    Args:
        moments: in order.
        path: a .zip that holds all of it, or the .pvd itself, whose files go into a folder of its name beside it.
        suffix: of the moments' files, one that ParaView collects: .vti, .vts, .vtu.
        name: of the collection in a .zip, and of its folder.

    Raises:
        LabError: a moment can't be written, or the folder is there already; what is there is not touched.
    """
    try:
        if path.suffix.lower() == ".zip":
            _write_zip(moments, path, suffix, name)
        else:
            _write_pvd(moments, path, suffix)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error


def _write_zip(moments: Iterable[Moment], path: Path, suffix: str, name: str) -> None:
    times = []
    with (
        written_beside(path) as temporary,
        folder_beside(path) as folder,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,  # VTK's files are compressed already
    ):
        for k, (time, write) in enumerate(moments):
            write(made := folder / f"{k:04d}.{suffix}")
            archive.write(made, f"{name}/{made.name}")
            made.unlink()
            times.append(time)
        archive.writestr(f"{name}.pvd", _collection(times, name, suffix))


def _write_pvd(moments: Iterable[Moment], path: Path, suffix: str) -> None:
    """The folder takes its name once it is whole, then the collection."""
    folder = path.with_suffix("")
    if folder.exists():
        raise LabError(f"{folder} is there already; the series' files go there. Name another file, or move it.")
    with written_beside(path) as collection, folder_beside(path) as made:
        inner = made / folder.name
        inner.mkdir()
        times = []
        for k, (time, write) in enumerate(moments):
            write(inner / f"{k:04d}.{suffix}")
            times.append(time)
        collection.write_text(_collection(times, folder.name, suffix), encoding="utf-8")
        inner.rename(folder)


def _collection(times: Sequence[float], name: str, suffix: str) -> str:
    """The .pvd that orders the files `NAME/0000.SUFFIX` and so on."""
    lines = ['<?xml version="1.0"?>', '<VTKFile type="Collection" version="0.1" byte_order="LittleEndian">']
    lines.append("  <Collection>")
    for k, time in enumerate(times):
        file = quoteattr(f"{name}/{k:04d}.{suffix}")
        lines.append(f'    <DataSet timestep="{time!r}" group="" part="0" file={file}/>')
    return "\n".join([*lines, "  </Collection>", "</VTKFile>", ""])


def series_bytes(moments: Iterable[Moment], suffix: str, name: str = "series") -> bytes:
    """The content of the .zip that `write_series` writes. Raises LabError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.zip"
        write_series(moments, path, suffix, name)
        return path.read_bytes()


def sampled_series_bytes(path: Path) -> bytes:
    """All moments of a sampled solution as files and a .pvd in a zip archive. Raises LabError where it has none."""
    return series_bytes(*moments(sampled_grid(path)), "solution")
