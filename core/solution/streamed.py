"""A grid of any size straight into a file: sampled layer by layer, so that memory holds a layer and never the grid."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.names import beside
from core.resources import memory
from core.runs import RunFolder
from core.solution.evaluate import RunSolution
from core.solution.export import size_of
from core.solution.grid import RESERVED, fixed, shown
from core.solution.sample import NO_POINT, about_of, evaluated, loaded
from core.solution.streamed_files import OPENED, Layout
from core.solution.wanted import ALL, Wanted

LAYER_POINTS = 2**18
"""Points that are sampled between two writes, unless a single layer has more."""
NETCDF_MOST = 2**32 - 4
"""Bytes of a value in netCDF 3 with 64-bit offsets: only its last variable may have more."""
ANY_AXES = ("nc", "npz", "csv")
"""Formats that hold any number of coordinates."""


def stream(
    folder: RunFolder,
    path: Path,
    resolution: int,
    wanted: Wanted = ALL,
    only: tuple[str, ...] = (),
    single: bool = False,
    told: Callable[[str], None] = lambda line: None,
) -> Layout:
    """Sample a run's grid into a file of one of `OPENED`; beside a .h5 lies its .xdmf. Imports torch.

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
    if suffix not in OPENED:
        raise LabError(f"{path.name} can't be streamed; the formats are {', '.join(f'.{name}' for name in OPENED)}.")
    solution, digest = loaded(folder, wanted)
    problem, along = solution.problem, shown(solution.problem)
    if len(along) > 3 and suffix not in ANY_AXES:
        raise LabError(f"A .{suffix} file holds three axes at most. Export a moment of a smaller grid.")
    axes = tuple(problem.axis(i, resolution) for i in along)
    if suffix == "vti" and not all(np.allclose(np.diff(a), np.diff(a)[0], rtol=1e-9, atol=0) for a in axes):
        raise LabError(
            "A .vti file holds equally spaced points only, and this grid's are not. Use .vts or .h5 instead."
        )
    known = tuple(evaluated(solution, _somewhere_inside(problem), None))
    names = tuple(dict.fromkeys(only)) or known
    if missing := [name for name in names if name not in known]:
        raise LabError(f"There is no value {missing[0]!r:.60}; there are {', '.join(known)}.")
    about = about_of(solution, folder, digest) | wanted.said
    about |= {beside(name, "coordinate", RESERVED): value for name, value in fixed(problem).items()}
    coordinates = tuple(problem.coordinates[i] for i in along)
    layout = Layout(coordinates, axes, names, np.dtype("<f4" if single else "<f8"), about, problem.time)
    size = size_of(layout.points, len(names), suffix, single)
    told(f"{path.name}: {_size(size)}, {' × '.join(map(str, layout.shape))} points, {len(names)} values")
    free = shutil.disk_usage(path.absolute().parent).free
    beside_it = layout.bytes_each if suffix == "npz" else 0  # a value is gathered before it goes into the archive
    if size + beside_it > free:
        raise LabError(f"{path.name} would take {_size(size + beside_it)}, and the disk has {_size(free)} left.")
    if suffix == "nc" and layout.bytes_each > NETCDF_MOST and len(names) > 1:
        raise LabError(
            f"A .nc file holds {_size(NETCDF_MOST)} of one value at most where it has several, and these take "
            f"{_size(layout.bytes_each)} each. Export one of them, float32, or an .h5 file."
        )
    slowest, opened = OPENED[suffix]
    axis = slowest(layout)
    side = layout.shape[axis]
    planes = min(side, max(1, LAYER_POINTS * side // layout.points))
    _check_room(layout, layout.points // side * planes, len(known))
    try:
        with opened(layout, path) as write:
            reached = 0
            for start in range(0, side, planes):
                part = tuple(a[start : start + planes] if k == axis else a for k, a in enumerate(axes))
                found, inside = _layer(solution, part, along, names)
                reached += inside
                write(start, {name: values.astype(layout.dtype) for name, values in found.items()})
                told(f"{path.name}: {min(1.0, (start + planes) / side):.0%}")
            if not reached:
                raise LabError(NO_POINT)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error
    return layout


def _layer(
    solution: RunSolution, axes: tuple[np.ndarray, ...], along: tuple[int, ...], names: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], int]:
    """Values on a part of the grid, of the shape of its axes; NaN outside of the domain, and where one has none.

    And how many of the points lie inside.
    """
    problem = solution.problem
    points = np.empty((math.prod(len(axis) for axis in axes), len(problem.coordinates)))
    points[:, along] = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    for name, value in fixed(problem).items():
        points[:, problem.coordinates.index(name)] = value
    inside = problem.holds(points) & solution.reaches(points)
    found = {name: np.full(tuple(map(len, axes)), np.nan) for name in names}
    if inside.any():
        for name, value in evaluated(solution, points[inside], None).items():
            if name in found:
                found[name].reshape(-1)[inside] = value
    return found, int(inside.sum())


def _somewhere_inside(problem) -> np.ndarray:
    """A point at which the solution says what its values are called."""
    return next(iter(problem.collocation(np.random.default_rng(0).random((4, len(problem.coordinates)))).values()))[:1]


def _check_room(layout: Layout, points: int, values: int) -> None:
    needed = points * 8 * (4 * values + 3 * len(layout.shape))
    if needed > 0.6 * memory().free:
        raise LabError(f"One layer of this grid needs {_size(needed)} of memory, and that is not free here.")


def _size(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count > 1e8 else f"{count / 1e6:.2f} MB"
