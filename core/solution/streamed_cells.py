"""Grids streamed into files that hold their cells: .vtu, legacy .vtk, and .xdmf with its numbers as text.

The last coordinate runs fastest, as `core.solution.export` numbers points and cells. Each number takes as many bytes as
any other of its kind, in text too, so where each one lies is known before the first is there.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from core.names import TABLE, legacy_vtk_names, originals, table, xml_names
from core.solution.export import CELLS, as_comment, legacy_facts, legacy_title
from core.solution.layout import Layout, Write
from core.solution.streamed_vtk import appended, arrays_of, laid_out, offsets_of


class Part(enum.Enum):
    """What a file has beside its values, which may have any name."""

    POINTS = 0
    CONNECTIVITY = 1
    OFFSETS = 2
    TYPES = 3


VTK_CELLS = {"line": 3, "quad": 9, "hexahedron": 12}
"""VTK's numbers of the cells of a grid."""
XDMF_CELLS = {"line": "Polyline", "quad": "Quadrilateral", "hexahedron": "Hexahedron"}


@dataclass(frozen=True)
class Kind:
    """How a format writes a kind of number."""

    wide: int
    """Bytes of each."""
    written: Callable[[np.ndarray], bytes]


def raw(kind: str | np.dtype) -> Kind:
    """As it is in memory."""
    return Kind(np.dtype(kind).itemsize, lambda numbers: np.ascontiguousarray(numbers, dtype=kind).tobytes())


def in_text(form: str) -> Kind:
    """As text, each with a line's end; the form has a width that none exceeds."""
    return Kind(
        len(form % 0) + 1, lambda numbers: ((f"{form}\n" * numbers.size) % tuple(numbers.ravel().tolist())).encode()
    )


@dataclass(frozen=True)
class Kinds:
    """Of all parts of a file; a format without offsets or types of cells has none."""

    point: Kind
    value: Kind
    index: Kind
    offset: Kind | None = None
    type: Kind | None = None


@contextlib.contextmanager
def vtu(layout: Layout, path: Path) -> Iterator[Write]:
    """VTK's XML, its numbers as raw bytes behind it."""
    spelled = xml_names(dict.fromkeys([*layout.names, *layout.about]))
    kinds = Kinds(raw("<f8"), raw(layout.dtype), raw("<i8"), raw("<i8"), raw("u1"))
    sizes = _sizes(layout, kinds)
    offsets = offsets_of(sizes)
    numbers = " ".join(map(str, (names := table(spelled)).encode()))
    fields = f'<FieldData>\n<DataArray type="UInt8" Name="{TABLE}" NumberOfTuples="{len(names.encode())}" ' \
             f'format="ascii">\n{numbers}\n</DataArray>\n</FieldData>\n' if names else ""  # fmt: skip
    text = (
        f'<?xml version="1.0"?>\n{as_comment(_said(layout, spelled))}<VTKFile type="UnstructuredGrid" version="1.0" '
        f'byte_order="LittleEndian" header_type="UInt64">\n<UnstructuredGrid>\n{fields}'
        f'<Piece NumberOfPoints="{layout.points}" NumberOfCells="{_cell_count(layout)}">\n'
        f"<PointData>\n{arrays_of(layout, spelled, offsets)}</PointData>\n"
        f'<Points>\n<DataArray type="Float64" Name="Points" NumberOfComponents="3" format="appended" '
        f'offset="{offsets[Part.POINTS]}"/>\n</Points>\n<Cells>\n'
        f'<DataArray type="Int64" Name="connectivity" format="appended" offset="{offsets[Part.CONNECTIVITY]}"/>\n'
        f'<DataArray type="Int64" Name="offsets" format="appended" offset="{offsets[Part.OFFSETS]}"/>\n'
        f'<DataArray type="UInt8" Name="types" format="appended" offset="{offsets[Part.TYPES]}"/>\n</Cells>\n'
        '</Piece>\n</UnstructuredGrid>\n<AppendedData encoding="raw">\n_'
    )
    with appended(path, text.encode(), sizes) as write_part:
        yield _writer(layout, kinds, write_part)


@contextlib.contextmanager
def vtk(layout: Layout, path: Path) -> Iterator[Write]:
    """Legacy VTK 5.1, binary; a title has 255 characters, so all that the file says of itself is a field, too."""
    spelled = legacy_vtk_names(dict.fromkeys([*layout.names, *layout.about]))
    kinds = Kinds(raw(">f8"), raw(layout.dtype.newbyteorder(">")), raw(">i8"), raw(">i8"), raw(">i4"))
    cells, corners = _cell_count(layout), 2 ** len(layout.axes)
    sizes = _sizes(layout, kinds)
    number = "float" if layout.dtype.itemsize == 4 else "double"
    pieces: list[bytes | tuple[object, int]] = [
        b"# vtk DataFile Version 5.1\n" + legacy_title(layout.about) + b"\nBINARY\nDATASET UNSTRUCTURED_GRID\n"
        + legacy_facts(layout.about, table(spelled)) + f"POINTS {layout.points} double\n".encode(),
        (Part.POINTS, sizes[Part.POINTS]),
        f"\nCELLS {cells + 1} {corners * cells}\nOFFSETS vtktypeint64\n".encode() + bytes(8),  # the first one is 0
        (Part.OFFSETS, sizes[Part.OFFSETS]),
        b"\nCONNECTIVITY vtktypeint64\n",
        (Part.CONNECTIVITY, sizes[Part.CONNECTIVITY]),
        f"\nCELL_TYPES {cells}\n".encode(),
        (Part.TYPES, sizes[Part.TYPES]),
        f"\nPOINT_DATA {layout.points}\nFIELD FieldData {len(layout.names)}\n".encode(),
    ]  # fmt: skip
    for name in layout.names:
        pieces += [f"{spelled[name]} 1 {layout.points} {number}\n".encode(), (name, sizes[name]), b"\n"]
    with laid_out(path, pieces) as write_part:
        yield _writer(layout, kinds, write_part)


@contextlib.contextmanager
def xdmf(layout: Layout, path: Path) -> Iterator[Write]:
    """XDMF 3 with everything in it, as text."""
    spelled = xml_names(dict.fromkeys([*layout.names, *layout.about]))
    digits = layout.dtype.itemsize
    value = in_text("%15.8e") if digits == 4 else in_text("%24.16e")
    kinds = Kinds(in_text("%24.16e"), value, in_text(f"%{len(str(layout.points))}d"))
    sizes, cells, corners = _sizes(layout, kinds), _cell_count(layout), 2 ** len(layout.axes)
    cell = CELLS[len(layout.axes)]
    nodes = ' NodesPerElement="2"' if cell == "line" else ""

    def item(shape: str, number: str, precision: int) -> bytes:
        return (
            f'<DataItem Dimensions="{shape}" NumberType="{number}" Precision="{precision}" Format="XML">\n'
        ).encode()

    pieces: list[bytes | tuple[object, int]] = [
        f'{as_comment(_said(layout, spelled))}<Xdmf Version="3.0"><Domain><Grid Name="Grid" GridType="Uniform">\n'
        f'<Topology TopologyType="{XDMF_CELLS[cell]}" NumberOfElements="{cells}"{nodes}>\n'.encode()
        + item(f"{cells} {corners}", "Int", 8),
        (Part.CONNECTIVITY, sizes[Part.CONNECTIVITY]),
        b'</DataItem>\n</Topology>\n<Geometry GeometryType="XYZ">\n' + item(f"{layout.points} 3", "Float", 8),
        (Part.POINTS, sizes[Part.POINTS]),
        b"</DataItem>\n</Geometry>\n",
    ]  # fmt: skip
    for name in layout.names:
        head = f'<Attribute Name={quoteattr(spelled[name])} AttributeType="Scalar" Center="Node">\n'.encode()
        pieces += [
            head + item(str(layout.points), "Float", digits),
            (name, sizes[name]),
            b"</DataItem>\n</Attribute>\n",
        ]
    with laid_out(path, [*pieces, b"</Grid></Domain></Xdmf>\n"]) as write_part:
        yield _writer(layout, kinds, write_part)


def _said(layout: Layout, spelled: dict[str, str]) -> dict[str, object]:
    return layout.about | ({TABLE: originals(names)} if (names := table(spelled)) else {})


def _cell_count(layout: Layout) -> int:
    return int(np.prod([side - 1 for side in layout.shape]))


def _sizes(layout: Layout, kinds: Kinds) -> dict[object, int]:
    """Bytes of each part and value."""
    cells, corners = _cell_count(layout), 2 ** len(layout.axes)
    sizes: dict[object, int] = {Part.POINTS: 3 * kinds.point.wide * layout.points,
                                Part.CONNECTIVITY: kinds.index.wide * corners * cells}  # fmt: skip
    if kinds.offset:
        sizes[Part.OFFSETS] = kinds.offset.wide * cells
    if kinds.type:
        sizes[Part.TYPES] = kinds.type.wide * cells
    return sizes | {name: kinds.value.wide * layout.points for name in layout.names}


def _writer(layout: Layout, kinds: Kinds, write_part: Callable[[object, int, bytes], None]) -> Write:
    """Takes layers along the first axis, and writes the points and cells that begin in each beside its values."""
    corners = 2 ** len(layout.axes)
    plane = layout.points // layout.shape[0]
    slab = _cell_count(layout) // max(1, layout.shape[0] - 1)

    def write(start: int, values: dict[str, np.ndarray]) -> None:
        planes = len(next(iter(values.values())))
        axes = [layout.axes[0][start : start + planes], *layout.axes[1:]]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        points = np.pad(points, ((0, 0), (0, 3 - len(axes))))
        write_part(Part.POINTS, 3 * kinds.point.wide * plane * start, kinds.point.written(points))
        for name, value in values.items():
            write_part(name, kinds.value.wide * plane * start, kinds.value.written(value))
        stop = min(start + planes, layout.shape[0] - 1)  # of the slabs of cells that begin here
        if stop <= start:
            return
        found = _cells(layout.shape, start, stop)
        write_part(Part.CONNECTIVITY, kinds.index.wide * corners * slab * start, kinds.index.written(found))
        if kinds.offset:
            ends = corners * np.arange(slab * start + 1, slab * stop + 1)
            write_part(Part.OFFSETS, kinds.offset.wide * slab * start, kinds.offset.written(ends))
        if kinds.type:
            types = np.full(len(found), VTK_CELLS[CELLS[len(layout.axes)]])
            write_part(Part.TYPES, kinds.type.wide * slab * start, kinds.type.written(types))

    return write


def _cells(shape: tuple[int, ...], start: int, stop: int) -> np.ndarray:
    """Points of the cells between the planes start … stop of the first axis, (m, corners), counted over all points."""
    index = start * int(np.prod(shape[1:])) + np.arange(int(np.prod((stop - start + 1, *shape[1:]))))
    index = index.reshape(stop - start + 1, *shape[1:])
    low, high = slice(None, -1), slice(1, None)
    corners = {1: [(low,), (high,)], 2: [(low, low), (high, low), (high, high), (low, high)]}
    square = corners[2]
    corners[3] = [(*side, part) for part in (low, high) for side in square]
    return np.stack([index[corner].ravel() for corner in corners[len(shape)]], axis=1)
