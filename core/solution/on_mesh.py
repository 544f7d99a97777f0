"""A solution sampled on a mesh: the very one that is its domain, or one made of a domain of shapes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.domains import MeshFile, mesh_for_export, mesh_path, read_mesh
from core.domains.mesh_cells import group_numbers, spelled
from core.errors import LabError
from core.files import written_beside
from core.names import ValueNames, beside
from core.problems import Problem
from core.problems.exact_error import places_of
from core.resources import memory
from core.runs import RunFolder
from core.solution.grid import RESERVED, SolutionGrid
from core.solution.sampled import Sampled
from core.solution.wanted import ALL, Wanted
from core.tracking.store import run_config

if TYPE_CHECKING:
    import meshio

    from core.solution.evaluate import RunSolution

MOMENTS = 21
"""Moments of a problem with time that are sampled."""
CELLS = {2: 48, 3: 24}
"""Of a mesh that is made, along the largest extent, by its dimension: what a first look needs."""


@dataclass(frozen=True)
class SolutionMesh(Sampled):
    """Fields of one checkpoint at the points of a mesh; with time at several moments, values (moments, points)."""

    coordinates: tuple[str, ...]
    """Of space."""
    points_of: np.ndarray
    """(n, d), as the mesh has them: a plane one may have a third coordinate."""
    cells: tuple[tuple[str, np.ndarray], ...]
    """Type and corners (m, k) of each block of cells, as meshio calls them."""
    values: dict[str, np.ndarray]
    groups: dict[str, tuple[np.ndarray, ...]] = field(default_factory=dict)
    """What the file numbers cells by, (m,) for each block."""
    group_names: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Name of a group → its number and dimension."""
    time: str | None = None
    times: np.ndarray | None = None
    about: dict[str, object] = field(default_factory=dict)
    blow_ups: tuple[str, ...] = ()
    names: ValueNames | None = None

    @property
    def axes(self) -> tuple[np.ndarray, ...]:
        """The two ends of each coordinate of space."""
        used = self.points_of[np.unique(np.concatenate([data.ravel() for _, data in self.cells]))]
        return tuple(np.array([column.min(), column.max()]) for column in used.T[: len(self.coordinates)])

    @property
    def points(self) -> int:
        """Number of points of the mesh."""
        return len(self.points_of)

    def coordinates_of_points(self) -> np.ndarray:
        """All points (N, d), at one moment after the other where there is time."""
        space = self.points_of[:, : len(self.coordinates)]
        if self.times is None:
            return space
        return np.concatenate([np.column_stack([space, np.full(len(space), t)]) for t in self.times])

    def _places(self, indices: np.ndarray) -> list[str]:
        names = self.coordinates if self.times is None else (*self.coordinates, self.time)
        return places_of(names, self.coordinates_of_points())(indices)

    def at_time(self, index: int) -> SolutionMesh:
        """The same mesh at one moment; itself where there is no time."""
        if self.times is None:
            return self
        return replace(
            self,
            values={name: value[index] for name, value in self.values.items()},
            time=None,
            times=None,
            about=self.about | {beside(self.time, "coordinate", RESERVED): float(self.times[index])},
        )

    def nearest(self, time: float | None) -> SolutionMesh:
        """The sampled moment nearest to a time, the last one for None; itself where there is no time."""
        if self.times is None:
            return self
        return self.at_time(-1 if time is None else int(np.abs(self.times - time).argmin()))

    def save(self, path: Path) -> None:
        """Write as .npz, through a temporary name of its own, so that two writers don't meet."""
        meta = {
            "mesh": True,
            "coordinates": self.coordinates,
            "cells": [kind for kind, _ in self.cells],
            "values": list(self.values),
            "groups": list(self.groups),
            "group_names": self.group_names,
            "time": self.time,
            "about": self.about,
            "names": asdict(self.names),
        }
        arrays = {f"cells_{i}": data for i, (_, data) in enumerate(self.cells)}
        arrays |= {f"value_{i}": value for i, value in enumerate(self.values.values())}
        arrays |= {f"group_{i}_{k}": part for i, parts in enumerate(self.groups.values())
                   for k, part in enumerate(parts)}  # fmt: skip
        if self.times is not None:
            arrays["times"] = self.times
        with written_beside(path) as temporary:
            np.savez(temporary, meta=np.array(json.dumps(meta)), points=self.points_of, **arrays)

    @classmethod
    def read(cls, path: Path) -> SolutionMesh:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            meta = json.loads(str(data["meta"]))
            blocks = range(len(meta["cells"]))
            return cls(
                coordinates=tuple(meta["coordinates"]),
                points_of=data["points"],
                cells=tuple((kind, data[f"cells_{i}"]) for i, kind in enumerate(meta["cells"])),
                values={name: data[f"value_{i}"] for i, name in enumerate(meta["values"])},
                groups={key: tuple(data[f"group_{i}_{k}"] for k in blocks) for i, key in enumerate(meta["groups"])},
                group_names={name: tuple(each) for name, each in meta["group_names"].items()},
                time=meta["time"],
                times=data["times"] if "times" in data.files else None,
                about=meta["about"],
                names=ValueNames(**meta["names"]),
            )


def read_sampled(path: Path) -> SolutionGrid | SolutionMesh:
    """What a sampled file holds, on a grid or on a mesh."""
    with np.load(path, allow_pickle=False) as data:
        on_mesh = json.loads(str(data["meta"])).get("mesh", False)
    return (SolutionMesh if on_mesh else SolutionGrid).read(path)


def has_mesh(problem: Problem) -> bool:
    """Whether a problem's solution is shown on a mesh: its domain is no box, and of two or three dimensions."""
    shape = getattr(problem, "shape", None)
    return shape is not None and problem.system.frame.region.dimension in CELLS


def is_surface(problem: Problem) -> bool:
    """Whether the mesh that is a problem's domain is a closed surface alone, without cells inside."""
    return isinstance(problem.shape, MeshFile) and not len(problem.system.frame.region.domain.simplices)


def cells_along(problem: Problem) -> int:
    """How fine a mesh that is made for a domain is at first: cells along its largest extent."""
    return CELLS[problem.system.frame.region.dimension]


def mesh_sampled_file(folder: RunFolder, resolution: int, limit_s: float | None = None, wanted: Wanted = ALL) -> Path:
    """The file of the newest checkpoint's solution on its mesh; only a new checkpoint or resolution is computed.

    Args:
        folder: the run's.
        resolution: cells along the largest extent, of a mesh that is made.
        limit_s: LabError as soon as it is clear that sampling would take longer.
        wanted: which checkpoint, stages and formulas.

    Raises:
        LabError: there is no checkpoint, the mesh file is gone, or there is not memory enough.
    """
    from core.solution.sample import kept_file

    fixed = isinstance(run_config(folder).problem.shape, MeshFile)
    name = "mesh" if fixed else f"mesh-{resolution}"
    return kept_file(folder, name, lambda of: _sampled(of, _mesh_of(of.problem, resolution), limit_s), wanted)


def inside_sampled_file(folder: RunFolder, resolution: int, limit_s: float | None = None, wanted: Wanted = ALL) -> Path:
    """The same inside of a mesh that is a closed surface alone, on cells that are made for it."""
    from core.solution.sample import kept_file

    return kept_file(
        folder, f"inside-{resolution}", lambda of: _sampled(of, _made_mesh(of.problem, resolution), limit_s), wanted
    )


def _sampled(solution: RunSolution, found: SolutionMesh, limit_s: float | None) -> SolutionMesh:
    from core.solution.sample import evaluated

    problem = solution.problem
    d = len(found.coordinates)
    times = None
    if problem.time is not None:
        times = problem.axis(problem.coordinates.index(problem.time), MOMENTS)
    space = found.points_of[:, :d]
    _check_room(problem, len(space) * (1 if times is None else len(times)))
    points = space if times is None else np.concatenate([np.column_stack([space, np.full(len(space), t)])
                                                         for t in times])  # fmt: skip
    values = evaluated(solution, points, limit_s)
    if times is not None:
        values = {name: value.reshape(len(times), -1) for name, value in values.items()}
    return replace(found, values=values, time=problem.time, times=times, names=problem.value_names)


def _mesh_of(problem: Problem, resolution: int) -> SolutionMesh:
    """Points, cells and groups; no values yet."""
    if not isinstance(problem.shape, MeshFile):
        return _made_mesh(problem, resolution)
    source = mesh_for_export(read_mesh(mesh_path(problem.shape), problem.shape.file))
    return SolutionMesh(
        _space(problem),
        np.asarray(source.points, float),
        tuple((block.type, np.asarray(block.data)) for block in source.cells),
        {},
        {key: tuple(map(np.asarray, parts)) for key, parts in source.cell_data.items()},
        group_names(source),
    )


def group_names(source: meshio.Mesh) -> dict[str, tuple[int, ...]]:
    """Name → number and, where it is known, dimension; a family of MED may have several names."""
    families = getattr(source, "cell_tags", {}).items()
    return group_numbers(source) | {spelled(" ".join(names)): (int(number),) for number, names in families if names}


def _made_mesh(problem: Problem, resolution: int) -> SolutionMesh:
    from core.solution.shape_mesh import mesh_of_shape

    made = mesh_of_shape(problem.system.frame.region.domain, resolution)
    return SolutionMesh(_space(problem), made.points, made.blocks, {})


def _space(problem: Problem) -> tuple[str, ...]:
    return tuple(name for name in problem.coordinates if name != problem.time)


def _check_room(problem: Problem, points: int) -> None:
    """Raise LabError where values at so many points don't fit: each three times over, and coordinates."""
    needed = points * 8 * 3 * (3 * len(problem.fields) + len(problem.residual_names) + len(problem.coordinates))
    free = memory().free * 0.6
    if needed > free:
        raise LabError(
            f"{points:,} points, those of the mesh at {MOMENTS} moments where there is time, would need "
            f"{needed / 2**30:.1f} GiB; this machine can give {free / 2**30:.1f} GiB. Take a coarser mesh."
        )
