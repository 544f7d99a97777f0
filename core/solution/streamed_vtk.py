"""Grids streamed into VTK's XML files .vti and .vts, whose first axis runs fastest; those with cells stand beside.

Numbers are raw bytes behind the XML, so where each one lies is known before the first is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np

from core.files import written_beside
from core.names import TABLE, table, xml_names
from core.plain_text import printable
from core.solution.layout import Layout, Write

WritePart = Callable[[object, int, bytes], None]
"""Writes bytes of a part from a place in it on."""
POINTS = object()
"""What a .vts has beside its values, which may have any name."""


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
    with _structured("StructuredGrid", "", layout, path, {POINTS: 24 * layout.points}) as (write, write_part):

        def write_both(start: int, values: dict[str, np.ndarray]) -> None:
            planes = next(iter(values.values())).shape[-1]
            axes = [*layout.axes[:-1], layout.axes[-1][start : start + planes]]
            padded = [*axes, *[np.zeros(1)] * (3 - len(axes))]
            points = np.stack(np.meshgrid(*padded, indexing="ij"), axis=-1)
            plane = layout.points // layout.shape[-1]
            write_part(POINTS, 24 * plane * start, points.transpose(2, 1, 0, 3).tobytes())
            write(start, values)

        yield write_both


@contextlib.contextmanager
def _structured(kind: str, placed: str, layout: Layout, path: Path, parts: dict[object, int]) -> Iterator[tuple]:
    spelled = _spelled(layout)
    padded = [*layout.shape, *[1] * (3 - len(layout.shape))]
    extent = " ".join(f"0 {side - 1}" for side in padded)
    sizes = {name: layout.bytes_each for name in layout.names} | parts
    offsets = offsets_of(sizes)
    facts = [_fact(spelled[key], value) for key, value in layout.about.items()]
    if names := table(spelled):
        facts.append(_fact(TABLE, names))
    points = ('<Points>\n<DataArray type="Float64" Name="Points" NumberOfComponents="3" format="appended" '
              f'offset="{offsets[POINTS]}"/>\n</Points>\n') if parts else ""  # fmt: skip
    text = (
        f'<?xml version="1.0"?>\n<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" '
        f'header_type="UInt64">\n<{kind} WholeExtent="{extent}"{placed}>\n'
        f'<FieldData>\n{"".join(facts)}</FieldData>\n<Piece Extent="{extent}">\n'
        f"<PointData>\n{arrays_of(layout, spelled, offsets)}</PointData>\n{points}"
        f'</Piece>\n</{kind}>\n<AppendedData encoding="raw">\n_'
    )
    plane = layout.bytes_each // layout.shape[-1]
    with appended(path, text.encode(), sizes) as write_part:

        def write(start: int, values: dict[str, np.ndarray]) -> None:
            for name, value in values.items():
                write_part(name, start * plane, value.T.tobytes())

        yield write, write_part


@contextlib.contextmanager
def appended(path: Path, header: bytes, sizes: dict[object, int]) -> Iterator[WritePart]:
    """A file with these parts of so many bytes behind its XML."""
    pieces: list[bytes | tuple[object, int]] = [header]
    for part in sizes.items():
        pieces += [np.uint64(part[1]).tobytes(), part]
    with laid_out(path, [*pieces, b"\n</AppendedData>\n</VTKFile>\n"]) as write_part:
        yield write_part


@contextlib.contextmanager
def laid_out(path: Path, pieces: list[bytes | tuple[object, int]]) -> Iterator[WritePart]:
    """A file of pieces, in order: bytes as they are, and (part, bytes of it) for what is written meanwhile."""
    places, end = {}, 0
    with written_beside(path) as temporary, temporary.open("wb") as file:
        for piece in pieces:
            if isinstance(piece, bytes):
                _write_at(file, end, piece)
                end += len(piece)
            else:
                places[piece[0]] = end
                end += piece[1]
        yield lambda part, place, data: _write_at(file, places[part] + place, data)


def offsets_of(sizes: dict[object, int]) -> dict[object, int]:
    """Where each part begins behind the XML: each has its size before it, in eight bytes."""
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


def arrays_of(layout: Layout, spelled: dict[str, str], offsets: dict[object, int]) -> str:
    """The elements of the values, which lie behind the XML."""
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
