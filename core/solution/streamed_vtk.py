"""Grids streamed into VTK's XML files: .vti and .vts, whose first axis runs fastest, and .vtu with its cells.

Numbers are raw bytes behind the XML, so where each one lies is known before the first is there.
"""

from __future__ import annotations

import contextlib
import enum
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np

from core.files import written_beside
from core.names import TABLE, originals, table, xml_names
from core.plain_text import printable
from core.solution.export import CELLS
from core.solution.layout import Layout, Write


class Part(enum.Enum):
    """What a file has beside its values, which may have any name."""

    POINTS = 0
    CONNECTIVITY = 1
    OFFSETS = 2
    TYPES = 3


VTK_CELLS = {"line": 3, "quad": 9, "hexahedron": 12}
"""VTK's numbers of the cells of a grid."""


@contextlib.contextmanager
def vti(layout: Layout, path: Path) -> Iterator[Write]:
    """Equally spaced points."""
    padded = [*layout.axes, *[np.zeros(1)] * (3 - len(layout.axes))]
    origin = " ".join(repr(float(axis[0])) for axis in padded)
    spacing = " ".join(repr(float((a[-1] - a[0]) / (len(a) - 1)) if len(a) > 1 else 1.0) for a in padded)
    with _structured("ImageData", f' Origin="{origin}" Spacing="{spacing}"', layout, path, {}) as (write, _):
        yield write


@contextlib.contextmanager
def vts(layout: Layout, path: Path) -> Iterator[Write]:
    """Points anywhere along each axis."""
    with _structured("StructuredGrid", "", layout, path, {Part.POINTS: 24 * layout.points}) as (write, write_part):

        def write_both(start: int, values: dict[str, np.ndarray]) -> None:
            planes = next(iter(values.values())).shape[-1]
            axes = [*layout.axes[:-1], layout.axes[-1][start : start + planes]]
            padded = [*axes, *[np.zeros(1)] * (3 - len(axes))]
            points = np.stack(np.meshgrid(*padded, indexing="ij"), axis=-1)
            plane = layout.points // layout.shape[-1]
            write_part(Part.POINTS, 24 * plane * start, points.transpose(2, 1, 0, 3))
            write(start, values)

        yield write_both


@contextlib.contextmanager
def vtu(layout: Layout, path: Path) -> Iterator[Write]:
    """Points and the cells between them, the last coordinate fastest, as `core.solution.export` numbers them."""
    kind, corners = CELLS[len(layout.axes)], 2 ** len(layout.axes)
    cells = int(np.prod([side - 1 for side in layout.shape]))
    spelled = _spelled(layout)
    parts = {Part.POINTS: 24 * layout.points, Part.CONNECTIVITY: 8 * corners * cells, Part.OFFSETS: 8 * cells,
             Part.TYPES: cells}  # fmt: skip
    sizes = parts | {name: layout.bytes_each for name in layout.names}
    offsets = _offsets(sizes)
    said = layout.about | ({TABLE: originals(names)} if (names := table(spelled)) else {})
    comment = json.dumps(said).replace("--", "-\\u002d")  # which would end a comment
    numbers = " ".join(map(str, names.encode()))
    fields = f'<FieldData>\n<DataArray type="UInt8" Name="{TABLE}" NumberOfTuples="{len(names.encode())}" ' \
             f'format="ascii">\n{numbers}\n</DataArray>\n</FieldData>\n' if names else ""  # fmt: skip
    text = (
        '<?xml version="1.0"?>\n'
        f'<!-- {comment} -->\n<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" '
        f'header_type="UInt64">\n<UnstructuredGrid>\n{fields}'
        f'<Piece NumberOfPoints="{layout.points}" NumberOfCells="{cells}">\n'
        f"<PointData>\n{_arrays(layout, spelled, offsets)}</PointData>\n"
        f'<Points>\n<DataArray type="Float64" Name="Points" NumberOfComponents="3" format="appended" '
        f'offset="{offsets[Part.POINTS]}"/>\n</Points>\n<Cells>\n'
        f'<DataArray type="Int64" Name="connectivity" format="appended" offset="{offsets[Part.CONNECTIVITY]}"/>\n'
        f'<DataArray type="Int64" Name="offsets" format="appended" offset="{offsets[Part.OFFSETS]}"/>\n'
        f'<DataArray type="UInt8" Name="types" format="appended" offset="{offsets[Part.TYPES]}"/>\n</Cells>\n'
        '</Piece>\n</UnstructuredGrid>\n<AppendedData encoding="raw">\n_'
    )
    with _appended(path, text.encode(), sizes) as write_part:
        plane = layout.points // layout.shape[0]
        slab = cells // max(1, layout.shape[0] - 1)

        def write(start: int, values: dict[str, np.ndarray]) -> None:
            planes = len(next(iter(values.values())))
            axes = [layout.axes[0][start : start + planes], *layout.axes[1:]]
            points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
            write_part(Part.POINTS, 24 * plane * start, np.pad(points, ((0, 0), (0, 3 - len(axes)))))
            for name, value in values.items():
                write_part(name, layout.dtype.itemsize * plane * start, value)
            stop = min(start + planes, layout.shape[0] - 1)  # of the slabs of cells that begin here
            if stop > start:
                found = _cells(layout.shape, start, stop)
                write_part(Part.CONNECTIVITY, 8 * corners * slab * start, found)
                write_part(Part.OFFSETS, 8 * slab * start, corners * np.arange(slab * start + 1, slab * stop + 1))
                write_part(Part.TYPES, slab * start, np.full(len(found), VTK_CELLS[kind], np.uint8))

        yield write


def _cells(shape: tuple[int, ...], start: int, stop: int) -> np.ndarray:
    """Points of the cells between the planes start … stop of the first axis, (m, corners), counted over all points."""
    index = start * int(np.prod(shape[1:])) + np.arange(int(np.prod((stop - start + 1, *shape[1:]))))
    index = index.reshape(stop - start + 1, *shape[1:])
    low, high = slice(None, -1), slice(1, None)
    corners = {1: [(low,), (high,)], 2: [(low, low), (high, low), (high, high), (low, high)]}
    square = corners[2]
    corners[3] = [(*side, part) for part in (low, high) for side in square]
    return np.stack([index[corner].ravel() for corner in corners[len(shape)]], axis=1)


@contextlib.contextmanager
def _structured(kind: str, placed: str, layout: Layout, path: Path, parts: dict[Part, int]) -> Iterator[tuple]:
    spelled = _spelled(layout)
    padded = [*layout.shape, *[1] * (3 - len(layout.shape))]
    extent = " ".join(f"0 {side - 1}" for side in padded)
    sizes = {name: layout.bytes_each for name in layout.names} | parts
    offsets = _offsets(sizes)
    facts = [_fact(spelled[key], value) for key, value in layout.about.items()]
    if names := table(spelled):
        facts.append(_fact(TABLE, names))
    points = ('<Points>\n<DataArray type="Float64" Name="Points" NumberOfComponents="3" format="appended" '
              f'offset="{offsets[Part.POINTS]}"/>\n</Points>\n') if parts else ""  # fmt: skip
    text = (
        f'<?xml version="1.0"?>\n<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" '
        f'header_type="UInt64">\n<{kind} WholeExtent="{extent}"{placed}>\n'
        f'<FieldData>\n{"".join(facts)}</FieldData>\n<Piece Extent="{extent}">\n'
        f"<PointData>\n{_arrays(layout, spelled, offsets)}</PointData>\n{points}"
        f'</Piece>\n</{kind}>\n<AppendedData encoding="raw">\n_'
    )
    plane = layout.bytes_each // layout.shape[-1]
    with _appended(path, text.encode(), sizes) as write_part:

        def write(start: int, values: dict[str, np.ndarray]) -> None:
            for name, value in values.items():
                write_part(name, start * plane, value.T)

        yield write, write_part


@contextlib.contextmanager
def _appended(path: Path, header: bytes, sizes: dict[object, int]) -> Iterator:
    """A file with these parts behind its XML; gives what writes numbers at a place, in bytes, of a part."""
    places = {name: len(header) + offset for name, offset in _offsets(sizes).items()}
    with written_beside(path) as temporary, temporary.open("wb") as file:
        file.write(header)
        for name, size in sizes.items():
            _write_at(file, places[name], np.uint64(size).tobytes())
        yield lambda name, place, numbers: _write_at(file, places[name] + 8 + place, numbers.tobytes())
        _write_at(file, len(header) + sum(8 + size for size in sizes.values()), b"\n</AppendedData>\n</VTKFile>\n")


def _offsets(sizes: dict[object, int]) -> dict[object, int]:
    found, place = {}, 0
    for name, size in sizes.items():
        found[name] = place
        place += 8 + size
    return found


def _write_at(file: BinaryIO, place: int, data: bytes) -> None:
    file.seek(place)
    file.write(data)


def _spelled(layout: Layout) -> dict[str, str]:
    return xml_names(dict.fromkeys([*layout.names, *layout.about]))


def _arrays(layout: Layout, spelled: dict[str, str], offsets: dict[object, int]) -> str:
    kind = "Float32" if layout.dtype.itemsize == 4 else "Float64"
    return "".join(
        f'<DataArray type="{kind}" Name={quoteattr(spelled[name])} format="appended" offset="{offsets[name]}"/>\n'
        for name in layout.names
    )


def _fact(name: str, value: object) -> str:
    if isinstance(value, str):
        codes = " ".join(map(str, [*printable(value).encode(), 0]))
        return f'<Array type="String" Name={quoteattr(name)} NumberOfTuples="1" format="ascii">{codes}</Array>\n'
    return (f'<DataArray type="Float64" Name={quoteattr(name)} NumberOfTuples="1" format="ascii">'
            f"{float(value)!r}</DataArray>\n")  # fmt: skip
