"""A grid of any size straight into a file: sampled layer by layer, so that memory holds a layer and never the grid."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.names import beside
from core.problems import Problem
from core.resources import memory
from core.runs import RunFolder
from core.solution.evaluate import RunSolution
from core.solution.export import size_of
from core.solution.grid import RESERVED, fixed, shown
from core.solution.sample import NO_POINT, about_of, evaluated, loaded
from core.solution.series import NO_SERIES, Moment, write_series
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
    moment: float | None = None,
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
        moment: the grid of space at the nearest moment of such a grid in time; None: time is an axis like the others.

    Raises:
        LabError: no checkpoint, a name that is none, more than three axes, no point in the domain, no room on the disk;
            there is no file then.
    """
    source = _Source.of(folder, wanted, only)
    times = source.times(resolution)
    held = {} if moment is None or times is None else {source.problem.time: _nearest(times, moment)}
    layout = source.layout(resolution, single, held)
    suffix = path.suffix.lower().removeprefix(".")
    _check_format(layout, suffix)
    size = size_of(layout.points, len(layout.names), suffix, single)
    told(f"{path.name}: {_size(size)}, {' × '.join(map(str, layout.shape))} points, {len(layout.names)} values")
    beside_it = layout.bytes_each if suffix == "npz" else 0  # a value is gathered before it goes into the archive
    _check_disk(path, size + beside_it)
    _written(source, layout, held, path, lambda share: told(f"{path.name}: {share:.0%}"), needed=True)
    return layout


def stream_series(
    folder: RunFolder,
    path: Path,
    resolution: int,
    wanted: Wanted = ALL,
    only: tuple[str, ...] = (),
    single: bool = False,
    told: Callable[[str], None] = lambda line: None,
) -> tuple[Layout, int]:
    """Sample a run's grid moment by moment into a time series, .pvd or .zip; memory holds a layer of one moment.

    Arguments as of `stream`. Returns one moment's layout, and how many there are. Raises LabError, also for what has
    no moments of its own; there is no file then.
    """
    source = _Source.of(folder, wanted, only)
    times = source.times(resolution)
    if times is None or len(shown(source.problem)) < 3:
        raise LabError(NO_SERIES)
    first = source.layout(resolution, single, {source.problem.time: float(times[0])})
    suffix = "vti" if _is_uniform(first) else "vts"
    _check_format(first, suffix)
    size = len(times) * size_of(first.points, len(first.names), suffix, single)
    told(f"{path.name}: {_size(size)}, {len(times)} moments of {' × '.join(map(str, first.shape))} points")
    _check_disk(path, size)

    reached = [0]

    def write(held: dict[str, float], file: Path) -> None:
        reached[0] += _written(source, source.layout(resolution, single, held), held, file)

    def moments() -> Iterator[Moment]:
        for k, time in enumerate(times):
            yield float(time), partial(write, {source.problem.time: float(time)})
            told(f"{path.name}: {(k + 1) / len(times):.0%}")
        if not reached[0]:
            raise LabError(NO_POINT)

    write_series(moments(), path, suffix)
    return first, len(times)


@dataclass(frozen=True)
class _Source:
    """What is sampled: a solution, and the values of it that are kept."""

    solution: RunSolution
    names: tuple[str, ...]
    known: int
    """Values that are evaluated at each point."""
    about: dict[str, object]

    @classmethod
    def of(cls, folder: RunFolder, wanted: Wanted, only: tuple[str, ...]) -> _Source:
        solution, digest = loaded(folder, wanted)
        known = tuple(evaluated(solution, _somewhere_inside(solution.problem), None))
        names = tuple(dict.fromkeys(only)) or known
        if missing := [name for name in names if name not in known]:
            raise LabError(f"There is no value {missing[0]!r:.60}; there are {', '.join(known)}.")
        return cls(solution, names, len(known), about_of(solution, folder, digest) | wanted.said)

    @property
    def problem(self) -> Problem:
        return self.solution.problem

    def along(self, held: dict[str, float]) -> tuple[int, ...]:
        """Coordinates that the grid runs along, but for those that are held."""
        return tuple(i for i in shown(self.problem) if self.problem.coordinates[i] not in held)

    def times(self, resolution: int) -> np.ndarray | None:
        """Moments of a grid; None where time is none of its axes."""
        names = [self.problem.coordinates[i] for i in shown(self.problem)]
        if self.problem.time not in names:
            return None
        return self.problem.axis(self.problem.coordinates.index(self.problem.time), resolution)

    def layout(self, resolution: int, single: bool, held: dict[str, float]) -> Layout:
        """Of the grid at the held coordinates."""
        along = self.along(held)
        names = tuple(self.problem.coordinates[i] for i in along)
        axes = tuple(self.problem.axis(i, resolution) for i in along)
        about = self.about | {beside(name, "coordinate", RESERVED): value
                              for name, value in (fixed(self.problem) | held).items()}  # fmt: skip
        time = None if self.problem.time in held else self.problem.time
        return Layout(names, axes, self.names, np.dtype("<f4" if single else "<f8"), about, time)


def _nearest(times: np.ndarray, moment: float) -> float:
    return float(times[abs(times - np.clip(moment, times[0], times[-1])).argmin()])


def _is_uniform(layout: Layout) -> bool:
    return all(np.allclose(np.diff(axis), np.diff(axis)[0], rtol=1e-9, atol=0) for axis in layout.axes)


def _check_format(layout: Layout, suffix: str) -> None:
    if suffix not in OPENED:
        raise LabError(f"A .{suffix} file can't be streamed; the formats are {', '.join(f'.{n}' for n in OPENED)}.")
    if len(layout.axes) > 3 and suffix not in ANY_AXES:
        raise LabError(f"A .{suffix} file holds three axes at most. Export one moment of it, or a time series.")
    if suffix == "vti" and not _is_uniform(layout):
        raise LabError(
            "A .vti file holds equally spaced points only, and this grid's are not. Use .vts or .h5 instead."
        )
    if suffix == "nc" and layout.bytes_each > NETCDF_MOST and len(layout.names) > 1:
        raise LabError(
            f"A .nc file holds {_size(NETCDF_MOST)} of one value at most where it has several, and these take "
            f"{_size(layout.bytes_each)} each. Export one of them, float32, or an .h5 file."
        )


def _check_disk(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.absolute().parent).free
    if size > free:
        raise LabError(f"{path.name} would take {_size(size)}, and the disk has {_size(free)} left.")


def _written(
    source: _Source, layout: Layout, held: dict[str, float], path: Path,
    told: Callable[[float], None] = lambda share: None, needed: bool = False,
) -> int:  # fmt: skip
    """Sample a layout layer by layer into a file; how many of its points lie in the domain.

    `told` hears how much of it is there. Where some are `needed` and none does, LabError, and there is no file.
    """
    slowest, opened = OPENED[path.suffix.lower().removeprefix(".")]
    axis = slowest(layout)
    side = layout.shape[axis]
    planes = min(side, max(1, LAYER_POINTS * side // layout.points))
    _check_room(layout, layout.points // side * planes, source.known)
    try:
        with opened(layout, path) as write:
            reached = 0
            for start in range(0, side, planes):
                part = tuple(a[start : start + planes] if k == axis else a for k, a in enumerate(layout.axes))
                found, inside = _layer(source, part, held)
                reached += inside
                write(start, {name: values.astype(layout.dtype) for name, values in found.items()})
                told(min(1.0, (start + planes) / side))
            if needed and not reached:
                raise LabError(NO_POINT)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from error
    return reached


def _layer(source: _Source, axes: tuple[np.ndarray, ...], held: dict[str, float]) -> tuple[dict[str, np.ndarray], int]:
    """Values on a part of the grid, of the shape of its axes; NaN outside of the domain, and where one has none.

    And how many of the points lie inside.
    """
    solution, problem = source.solution, source.problem
    points = np.empty((math.prod(len(axis) for axis in axes), len(problem.coordinates)))
    points[:, source.along(held)] = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    for name, value in (fixed(problem) | held).items():
        points[:, problem.coordinates.index(name)] = value
    inside = problem.holds(points) & solution.reaches(points)
    found = {name: np.full(tuple(map(len, axes)), np.nan) for name in source.names}
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
