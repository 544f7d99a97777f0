"""The formats that a grid of any size is streamed into, and those of them without cells: .h5, .npz, .csv, .nc."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from core.files import folder_beside, written_beside
from core.names import TABLE, member_names, netcdf_names, originals, table
from core.plain_text import printable
from core.solution import tables
from core.solution.layout import Layout, Write, first_axis, last_axis
from core.solution.streamed_cells import vtk, vtu, xdmf
from core.solution.streamed_vtk import vti, vts


def _every(layout: Layout) -> dict[str, None]:
    return dict.fromkeys([*layout.coordinates, *layout.names, *layout.about])


@contextlib.contextmanager
def hdf5(layout: Layout, path: Path) -> Iterator[Write]:
    """HDF5, and beside it the .xdmf that ParaView opens."""
    import h5py

    spelled = member_names(_every(layout))
    inner = {name: spelled[name] for name in layout.names}
    with written_beside(path.with_suffix(".xdmf")) as xdmf, written_beside(path) as temporary:
        with h5py.File(temporary, "w") as file:
            tables.open_hdf5(file, layout.coordinates, layout.axes, layout.about, spelled)
            for name in layout.names:
                file["values"].create_dataset(inner[name], layout.shape, layout.dtype)

            def write(start: int, values: dict[str, np.ndarray]) -> None:
                for name, value in values.items():
                    file["values"][inner[name]][start : start + len(value)] = value

            yield write
        said = layout.about
        xdmf.write_text(tables.xdmf_for(path, layout.coordinates, layout.axes, list(inner.values()), said,
                                        layout.dtype.itemsize))  # fmt: skip


@contextlib.contextmanager
def npz(layout: Layout, path: Path) -> Iterator[Write]:
    """NumPy's arrays: each is gathered in a file of its own, and goes into the archive once it is whole."""
    spelled = member_names(_every(layout))
    about = layout.about | {TABLE: originals(table(spelled))}
    with written_beside(path) as temporary, folder_beside(path) as folder:
        parts = {name: folder / f"{k}.npy" for k, name in enumerate(layout.names)}
        with contextlib.ExitStack() as opened:
            files = {name: opened.enter_context(part.open("wb")) for name, part in parts.items()}
            for file in files.values():
                header = {"descr": layout.dtype.str, "fortran_order": False, "shape": layout.shape}
                np.lib.format.write_array_header_2_0(file, header)

            def write(start: int, values: dict[str, np.ndarray]) -> None:
                for name, value in values.items():
                    files[name].write(value.tobytes())

            yield write
        with zipfile.ZipFile(temporary, "w") as archive:
            small = {f"axis_{spelled[name]}": axis for name, axis in zip(layout.coordinates, layout.axes, strict=True)}
            for name, array in ({"about": np.array(json.dumps(about))} | small).items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
            for name, part in parts.items():
                with (
                    part.open("rb") as source,
                    archive.open(f"value_{spelled[name]}.npy", "w", force_zip64=True) as member,
                ):
                    shutil.copyfileobj(source, member, 2**20)
                part.unlink()


@contextlib.contextmanager
def csv(layout: Layout, path: Path) -> Iterator[Write]:
    """A line for each point, the last coordinate fastest, as `tables.write_csv` writes it."""
    with written_beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        tables.write_csv_head(file, layout.about, layout.coordinates, layout.names)

        def write(start: int, values: dict[str, np.ndarray]) -> None:
            planes = len(next(iter(values.values())))
            axes = (layout.axes[0][start : start + planes], *layout.axes[1:])
            points = np.meshgrid(*axes, indexing="ij")
            tables.write_csv_rows(file, [*(each.ravel() for each in points), *(v.ravel() for v in values.values())])

        yield write


def netcdf_axis(layout: Layout) -> int:
    """The slowest axis of the values in a .nc."""
    return tables.netcdf_order(layout)[0]


@contextlib.contextmanager
def netcdf(layout: Layout, path: Path) -> Iterator[Write]:
    """NetCDF 3 with 64-bit offsets, as `tables.write_netcdf` writes it: its header first, then each value's numbers."""
    spelled, order = netcdf_names(_every(layout)), tables.netcdf_order(layout)
    kind = np.dtype(layout.dtype.str[1:]).newbyteorder(">")
    header, places = _netcdf_header(layout, spelled, kind)
    plane = layout.bytes_each // layout.shape[order[0]]
    with written_beside(path) as temporary, temporary.open("wb") as file:
        file.write(header)
        for axis, place in zip(layout.axes, places, strict=False):
            file.seek(place)
            file.write(axis.astype(">f8").tobytes())

        def write(start: int, values: dict[str, np.ndarray]) -> None:
            for (_, value), place in zip(values.items(), places[len(layout.axes) :], strict=True):
                file.seek(place + start * plane)
                file.write(value.transpose(order).astype(kind).tobytes())

        yield write


DIMENSIONS, VARIABLES, ATTRIBUTES, TEXT, DOUBLE, FLOAT = 10, 11, 12, 2, 6, 5
"""Tags and types of netCDF 3."""


def _netcdf_header(layout: Layout, spelled: dict[str, str], kind: np.dtype) -> tuple[bytes, list[int]]:
    """The header, and where the numbers of each axis and value begin, behind it."""
    about = {spelled[key]: value for key, value in layout.about.items()}
    if changed := table(spelled):
        about[TABLE] = changed
    sides = zip(layout.coordinates, layout.shape, strict=True)
    dimensions = _tagged(DIMENSIONS, [_name(spelled[name]) + struct.pack(">i", side) for name, side in sides])
    variables = [(spelled[name], [k], DOUBLE, len(axis) * 8, tables.axis_attributes(name, layout.time))
                 for k, (name, axis) in enumerate(zip(layout.coordinates, layout.axes, strict=True))]  # fmt: skip
    number = FLOAT if kind.itemsize == 4 else DOUBLE
    variables += [(spelled[name], tables.netcdf_order(layout), number, layout.bytes_each, tables.value_attributes(name))
                  for name in layout.names]  # fmt: skip

    def whole(places: list[int]) -> bytes:
        each = []
        for (name, along, of, size, attributes), place in zip(variables, places, strict=True):
            told = min(-(-size // 4) * 4, 2**32 - 1)  # of one too large for its field the format asks for this
            each.append(_name(name) + struct.pack(f">i{len(along)}i", len(along), *along) + _attributes(attributes)
                        + struct.pack(">iIq", of, told, place))  # fmt: skip
        return b"CDF\x02" + struct.pack(">i", 0) + dimensions + _attributes(about) + _tagged(VARIABLES, each)

    place, places = len(whole([0] * len(variables))), []
    for *_, size, _ in variables:
        places.append(place)
        place += -(-size // 4) * 4
    return whole(places), places


def _tagged(tag: int, items: list[bytes]) -> bytes:
    return struct.pack(">ii", tag if items else 0, len(items)) + b"".join(items)


def _name(text: str) -> bytes:
    return struct.pack(">i", len(text.encode())) + _padded(text.encode())


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _attributes(given: dict[str, object]) -> bytes:
    found = []
    for name, value in given.items():
        if isinstance(value, float):
            found.append(_name(name) + struct.pack(">iid", DOUBLE, 1, value))
        else:
            text = printable(str(value)).encode()
            found.append(_name(name) + struct.pack(">ii", TEXT, len(text)) + _padded(text))
    return _tagged(ATTRIBUTES, found)


Opened = Callable[[Layout, Path], AbstractContextManager[Write]]
OPENED: dict[str, tuple[Callable[[Layout], int], Opened]] = {
    "vti": (last_axis, vti),
    "vts": (last_axis, vts),
    "vtu": (first_axis, vtu),
    "vtk": (first_axis, vtk),
    "xdmf": (first_axis, xdmf),
    "h5": (first_axis, hdf5),
    "npz": (first_axis, npz),
    "csv": (first_axis, csv),
    "nc": (netcdf_axis, netcdf),
}
"""Suffix → along which axis it is written, and what opens it for that."""
