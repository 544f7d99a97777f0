"""A grid of any size straight into a file: sampled layer by layer, so that memory holds a layer and never the grid."""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np

from core.errors import LabError
from core.files import written_beside
from core.names import TABLE, beside, member_names, table, xml_names
from core.plain_text import printable
from core.resources import memory
from core.runs import RunFolder
from core.solution import tables
from core.solution.evaluate import RunSolution
from core.solution.grid import RESERVED, fixed, shown
from core.solution.sample import NO_POINT, about_of, evaluated, loaded
from core.solution.wanted import ALL, Wanted

LAYER_POINTS = 2**18
"""Points that are sampled between two writes, unless a single layer has more."""
STREAMED = ("vti", "h5")
"""Formats that are written so."""


@dataclass(frozen=True)
class Layout:
    """What a streamed file holds."""

    coordinates: tuple[str, ...]
    axes: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    dtype: np.dtype
    about: dict[str, object]

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * len(self.names) * self.dtype.itemsize


Write = Callable[[int, dict[str, np.ndarray]], None]
"""Takes a layer: the place of its first plane along the last axis, and values (…, planes)."""


def stream(
    folder: RunFolder,
    path: Path,
    resolution: int,
    wanted: Wanted = ALL,
    only: tuple[str, ...] = (),
    single: bool = False,
    told: Callable[[str], None] = lambda line: None,
) -> Layout:
    """Sample a run's grid into a .vti, or into a .h5 with its .xdmf beside. Imports torch.

    Args:
        folder: the run's.
        path: of the file; its name is taken once all of it is there.
        resolution: points along each axis.
        wanted: which checkpoint, stages and formulas.
        only: names of the values that are kept; all of them where none is named.
        single: values in float32.
        told: hears how large the file will be before it is written, and how far it is.

    Raises:
        LabError: no checkpoint, a name that is none, more than three axes, no point in the domain, no room on the disk;
            there is no file then.
    """
    suffix = path.suffix.lower().removeprefix(".")
    solution, digest = loaded(folder, wanted)
    problem, along = solution.problem, shown(solution.problem)
    if len(along) > 3:
        raise LabError("A streamed file holds three axes at most. Export a moment of a smaller grid.")
    axes = tuple(problem.axis(i, resolution) for i in along)
    if suffix == "vti" and not all(np.allclose(np.diff(a), np.diff(a)[0], rtol=1e-9, atol=0) for a in axes):
        raise LabError("A .vti file holds equally spaced points only, and this grid's are not. Use .h5 instead.")
    first, _ = _layer(solution, axes, along, 0, 1)
    names = only or tuple(first)
    if missing := [name for name in names if name not in first]:
        raise LabError(f"There is no value {missing[0]!r:.60}; there are {', '.join(first)}.")
    about = about_of(solution, folder, digest) | wanted.said
    about |= {beside(name, "coordinate", RESERVED): value for name, value in fixed(problem).items()}
    layout = Layout(tuple(problem.coordinates[i] for i in along), axes, names, np.dtype("<f4" if single else "<f8"),
                    about)  # fmt: skip
    told(f"{path.name}: {_size(layout.size)}, {' × '.join(map(str, layout.shape))} points, {len(names)} values")
    free = shutil.disk_usage(path.absolute().parent).free
    if layout.size > free:
        raise LabError(f"{path.name} would take {_size(layout.size)}, and the disk has {_size(free)} left.")
    planes = max(1, LAYER_POINTS // max(1, math.prod(layout.shape[:-1])))
    _check_room(layout, planes, len(first))
    opened = _vti if suffix == "vti" else _hdf5
    try:
        with opened(layout, path) as write:
            reached = 0
            for start in range(0, layout.shape[-1], planes):
                found, inside = _layer(solution, axes, along, start, min(start + planes, layout.shape[-1]))
                reached += inside
                write(start, {name: found[name].astype(layout.dtype) for name in names})
                told(f"{path.name}: {min(1.0, (start + planes) / layout.shape[-1]):.0%}")
            if not reached:
                raise LabError(NO_POINT)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error
    return layout


def _layer(
    solution: RunSolution, axes: tuple[np.ndarray, ...], along: tuple[int, ...], start: int, stop: int
) -> tuple[dict[str, np.ndarray], int]:
    """All values at the planes start … stop−1 of the last axis, (…, planes) each, NaN outside of the domain.

    And how many of the points lie inside.
    """
    problem = solution.problem
    part = (*axes[:-1], axes[-1][start:stop])
    points = np.empty((math.prod(len(axis) for axis in part), len(problem.coordinates)))
    points[:, along] = np.stack(np.meshgrid(*part, indexing="ij"), axis=-1).reshape(-1, len(part))
    for name, value in fixed(problem).items():
        points[:, problem.coordinates.index(name)] = value
    inside = problem.holds(points) & solution.reaches(points)
    asked = points[inside] if inside.any() else _somewhere_inside(problem)
    shape, found = tuple(len(axis) for axis in part), {}
    for name, value in evaluated(solution, asked, None).items():
        found[name] = np.full(shape, np.nan)
        if inside.any():
            found[name].reshape(-1)[inside] = value
    return found, int(inside.sum())


def _somewhere_inside(problem) -> np.ndarray:
    """A point at which the solution says what its values are called."""
    return next(iter(problem.collocation(np.random.default_rng(0).random((4, len(problem.coordinates)))).values()))[:1]


def _check_room(layout: Layout, planes: int, values: int) -> None:
    needed = math.prod(layout.shape[:-1]) * planes * 8 * (4 * values + 3 * len(layout.shape))
    if needed > 0.6 * memory().free:
        raise LabError(f"One layer of this grid needs {_size(needed)} of memory, and that is not free here.")


def _size(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count > 1e8 else f"{count / 1e6:.2f} MB"


@contextlib.contextmanager
def _hdf5(layout: Layout, path: Path) -> Iterator[Write]:
    import h5py

    spelled = member_names(dict.fromkeys([*layout.coordinates, *layout.names, *layout.about]))
    inner = {name: spelled[name] for name in layout.names}
    with written_beside(path.with_suffix(".xdmf")) as xdmf, written_beside(path) as temporary:
        with h5py.File(temporary, "w") as file:
            tables.open_hdf5(file, layout.coordinates, layout.axes, layout.about, spelled)
            for name in layout.names:
                file["values"].create_dataset(inner[name], layout.shape, layout.dtype)

            def write(start: int, values: dict[str, np.ndarray]) -> None:
                for name, value in values.items():
                    file["values"][inner[name]][..., start : start + value.shape[-1]] = value

            yield write
        said = layout.about
        xdmf.write_text(tables.xdmf_for(path, layout.coordinates, layout.axes, list(inner.values()), said,
                                        layout.dtype.itemsize))  # fmt: skip


@contextlib.contextmanager
def _vti(layout: Layout, path: Path) -> Iterator[Write]:
    spelled = xml_names(dict.fromkeys([*layout.names, *layout.about]))
    each = math.prod(layout.shape) * layout.dtype.itemsize
    header = _vti_header(layout, spelled, each)
    places = {name: len(header) + k * (8 + each) for k, name in enumerate(layout.names)}
    plane = math.prod(layout.shape[:-1]) * layout.dtype.itemsize
    with written_beside(path) as temporary, temporary.open("wb") as file:
        file.write(header)
        for place in places.values():
            file.seek(place)
            file.write(np.uint64(each).tobytes())

        def write(start: int, values: dict[str, np.ndarray]) -> None:
            for name, value in values.items():
                _write_at(file, places[name] + 8 + start * plane, value.tobytes(order="F"))

        yield write
        file.seek(len(header) + len(places) * (8 + each))
        file.write(b"\n</AppendedData>\n</VTKFile>\n")


def _write_at(file: BinaryIO, place: int, data: bytes) -> None:
    file.seek(place)
    file.write(data)


def _vti_header(layout: Layout, spelled: dict[str, str], each: int) -> bytes:
    """The file up to its binary part: extent, origin, spacing, where it comes from, and where each value begins."""
    padded = [*layout.axes, *[np.zeros(1)] * (3 - len(layout.axes))]
    extent = " ".join(f"0 {len(axis) - 1}" for axis in padded)
    origin = " ".join(repr(float(axis[0])) for axis in padded)
    spacing = " ".join(repr(float((a[-1] - a[0]) / (len(a) - 1)) if len(a) > 1 else 1.0) for a in padded)
    facts = [_fact(spelled[key], value) for key, value in layout.about.items()]
    if names := table({name: spelled[name] for name in [*layout.names, *layout.about]}):
        facts.append(_fact(TABLE, names))
    kind = "Float32" if layout.dtype.itemsize == 4 else "Float64"
    arrays = "".join(
        f'<DataArray type="{kind}" Name={quoteattr(spelled[name])} format="appended" offset="{k * (8 + each)}"/>\n'
        for k, name in enumerate(layout.names)
    )
    text = (
        '<?xml version="1.0"?>\n<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" '
        f'header_type="UInt64">\n<ImageData WholeExtent="{extent}" Origin="{origin}" Spacing="{spacing}">\n'
        f'<FieldData>\n{"".join(facts)}</FieldData>\n<Piece Extent="{extent}">\n<PointData>\n{arrays}</PointData>\n'
        '</Piece>\n</ImageData>\n<AppendedData encoding="raw">\n_'
    )
    return text.encode()


def _fact(name: str, value: object) -> str:
    if isinstance(value, str):
        codes = " ".join(map(str, [*printable(value).encode(), 0]))
        return f'<Array type="String" Name={quoteattr(name)} NumberOfTuples="1" format="ascii">{codes}</Array>\n'
    return (f'<DataArray type="Float64" Name={quoteattr(name)} NumberOfTuples="1" format="ascii">'
            f"{float(value)!r}</DataArray>\n")  # fmt: skip
