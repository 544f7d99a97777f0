"""A sampled solution as arrays and tables: .npz, .csv, netCDF, HDF5 with the .xdmf that ParaView opens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from core.names import TABLE, member_names, netcdf_names, originals, table
from core.plain_text import printable
from core.solution.grid import SolutionGrid
from core.solution.layout import Layout
from core.solution.sampled import Sampled

ROWS = 50_000
"""Rows of text that are in memory at a time."""
COORDINATES = "# columns of coordinates: "
UNITS = "1"
"""Of everything, in netCDF's word for what has none: equations are solved as they are written."""


def write_npz(sampled: Sampled, path: Path) -> None:
    """Every array by its own name where that can be one: coordinates, values, cells; `about` is JSON."""
    arrays = dict(_columns(sampled)) if not isinstance(sampled, SolutionGrid) else {
        f"axis_{spelled_names(sampled, 'npz')[name]}": axis
        for name, axis in zip(sampled.coordinates, sampled.axes, strict=True)
    }  # fmt: skip
    for k, (kind, data) in enumerate(getattr(sampled, "cells", ())):
        arrays[f"cells_{k}_{kind}"] = data
    for key, value in spelled_names(sampled, "npz").items():
        if key in sampled.values:
            arrays[f"value_{value}"] = sampled.values[key]
    about = sampled.about | {TABLE: originals(table(spelled_names(sampled, "npz")))}
    with path.open("wb") as file:
        np.savez(file, about=np.array(json.dumps(about)), **arrays)


def spelled_names(sampled: Sampled, suffix: str) -> dict[str, str]:
    """Name → what it is called in a table, for values, coordinates and everything that the sample says of itself."""
    every = dict.fromkeys([*sampled.coordinates, *sampled.values, *sampled.about])
    if suffix == "csv":
        return {name: printable(name) for name in every}
    return (netcdf_names if suffix == "nc" else member_names)(every)


def write_csv(sampled: Sampled, path: Path) -> None:
    """A line for each point: coordinates, then values, with all digits; where it comes from stands in # lines above."""
    columns = _columns(sampled)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        write_csv_head(file, sampled.about, [name for name, _ in columns], list(sampled.values))
        write_csv_rows(
            file, [*(column for _, column in columns), *(value.ravel() for value in sampled.values.values())]
        )


def write_csv_head(file: TextIO, about: dict[str, object], coordinates: Sequence[str], values: Sequence[str]) -> None:
    """Where a table comes from, in # lines, and the names of its columns."""
    for key, value in about.items():
        file.write(f"# {printable(str(key))}: {printable(str(value))}\n")
    file.write(f"{COORDINATES}{len(coordinates)}\n")
    file.write(",".join(_quoted(name) for name in (*coordinates, *values)) + "\n")


def write_csv_rows(file: TextIO, columns: list[np.ndarray]) -> None:
    """Columns (n,) as rows of text with all digits."""
    for start in range(0, len(columns[0]), ROWS):
        block = [column[start : start + ROWS].tolist() for column in columns]  # Python's floats: the shortest digits
        file.writelines(",".join(map(_written, row)) + "\n" for row in zip(*block, strict=True))


def _written(value: float) -> str:
    return repr(value) if value == value else "nan"


def _quoted(name: str) -> str:
    name = printable(name)
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"#\n') else name


def _columns(sampled: Sampled) -> list[tuple[str, np.ndarray]]:
    points = sampled.coordinates_of_points()
    names = list(sampled.coordinates)
    if points.shape[1] > len(names):
        names.append(sampled.time)
    return [(name, points[:, k]) for k, name in enumerate(names)]


def write_netcdf(grid: SolutionGrid, path: Path) -> None:
    """A grid as netCDF 3 with 64-bit offsets: coordinates, values along them, where it comes from as attributes.

    Values run along time, then along space from the last coordinate to the first, as the CF conventions want it.
    """
    from scipy.io import netcdf_file

    spelled = spelled_names(grid, "nc")
    with netcdf_file(path, "w", version=2) as file:
        for name, axis in zip(grid.coordinates, grid.axes, strict=True):
            file.createDimension(spelled[name], len(axis))
            variable = file.createVariable(spelled[name], axis.dtype.newbyteorder(">").str[1:], (spelled[name],))
            variable[:] = axis
            variable._attributes.update(axis_attributes(name, grid.time))
        for name, value in grid.values.items():
            order = netcdf_order(grid)
            along = tuple(spelled[grid.coordinates[k]] for k in order)
            variable = file.createVariable(spelled[name], value.dtype.str[1:], along)
            variable[:] = value.transpose(order)
            variable._attributes.update(value_attributes(name))
        for key, value in grid.about.items():
            # not by setattr, which would take `mode` and `filename` for its own
            file._attributes[spelled[key]] = value if isinstance(value, float) else printable(str(value)).encode()
        if changed := table(spelled):
            file._attributes[TABLE] = changed.encode()


def axis_attributes(name: str, time: str | None) -> dict[str, object]:
    """What netCDF says of a coordinate: its units; of time that it is one."""
    # CF knows time by its units alone
    return {"units": "seconds since 0001-01-01", "axis": "T"} if name == time else {"units": UNITS}


def value_attributes(name: str) -> dict[str, object]:
    """What netCDF says of a value: its units, and its own name."""
    return {"units": UNITS, "long_name": printable(name).encode("ascii", "replace").decode()}


def netcdf_order(grid: SolutionGrid | Layout) -> list[int]:
    """The coordinates along which values run in the file, by their places in the grid."""
    return sorted(range(len(grid.axes)), key=lambda k: (grid.coordinates[k] != grid.time, -k))


def write_hdf5(grid: SolutionGrid, path: Path) -> None:
    """A grid as HDF5: `axes/NAME`, `values/NAME` in the grid's order; where it comes from as attributes."""
    import h5py

    spelled = spelled_names(grid, "h5")
    with h5py.File(path, "w") as file:
        open_hdf5(file, grid.coordinates, grid.axes, grid.about, spelled)
        for name, value in grid.values.items():
            file["values"].create_dataset(spelled[name], data=value)


def open_hdf5(
    file, coordinates: tuple[str, ...], axes: tuple[np.ndarray, ...], about: dict[str, object], spelled: dict[str, str]
) -> None:
    """The frame of `write_hdf5` in an open file: axes, an empty group of values, attributes."""
    group = file.create_group("axes")
    for k, (name, axis) in enumerate(zip(coordinates, axes, strict=True)):
        group.create_dataset(f"{k}", data=axis).attrs["name"] = printable(name)
    file.create_group("values").attrs["units"] = UNITS
    for key, value in about.items():
        file.attrs[spelled[key]] = printable(value) if isinstance(value, str) else value
    if changed := table(spelled):
        file.attrs[TABLE] = changed


def xdmf_for(hdf5: Path, coordinates: tuple[str, ...], axes: tuple[np.ndarray, ...], names: list[str],
             about: dict[str, object], digits: int = 8) -> str:  # fmt: skip
    """The .xdmf of a file that `write_hdf5` wrote, to lie beside it under any name.

    XDMF's arrays run fastest along x, those of the file along the last coordinate: its x is the grid's last one, and
    the axes are named in that order, so that each value is at its point.
    """
    from xml.sax.saxutils import escape, quoteattr

    padded = [*axes, *[np.zeros(1)] * (3 - len(axes))]
    shape = " ".join(str(len(axis)) for axis in padded)
    said = json.dumps(about).replace("--", "-\\u002d")
    places = "".join(
        f'<DataItem Dimensions="{len(axis)}" NumberType="Float" Precision="8" Format="XML">'
        f"{' '.join(repr(float(v)) for v in axis)}</DataItem>\n"
        for axis in reversed(padded)
    )
    values = "".join(
        f'<Attribute Name={quoteattr(name)} AttributeType="Scalar" Center="Node"><DataItem Dimensions="{shape}" '
        f'NumberType="Float" Precision="{digits}" Format="HDF">'
        f"{escape(hdf5.name)}:/values/{escape(name)}</DataItem></Attribute>\n"
        for name in names
    )
    order = ", ".join(reversed(coordinates))
    return (
        f'<?xml version="1.0"?>\n<!-- {said} -->\n<Xdmf Version="3.0"><Domain><Grid Name={quoteattr(order)} '
        f'GridType="Uniform"><Topology TopologyType="3DRectMesh" Dimensions="{shape}"/>'
        f'<Geometry GeometryType="VXVYVZ">\n{places}</Geometry>\n{values}</Grid></Domain></Xdmf>\n'
    )
