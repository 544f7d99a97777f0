"""A solution at chosen points: along a line, over a plane in space, at a list of points from a file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import LabError
from core.files import written_beside
from core.names import ValueNames, beside
from core.problems import Problem
from core.runs import RunFolder
from core.solution.grid import RESERVED
from core.solution.on_mesh import SolutionMesh
from core.solution.sampled import Sampled
from core.solution.scattered import delaunay_cells
from core.solution.wanted import ALL, Wanted
from core.tracking.store import run_config

if TYPE_CHECKING:
    from core.solution.evaluate import RunSolution

MOST_POINTS = 20_000_000
"""Of a list: beyond it nobody's memory holds points and values."""
ON_A_LINE = 400


@dataclass(frozen=True)
class SolutionPoints(Sampled):
    """Values of one checkpoint at a list of points."""

    coordinates: tuple[str, ...]
    points_of: np.ndarray
    """(N, d)."""
    values: dict[str, np.ndarray]
    """Each (N,), NaN outside of the domain."""
    about: dict[str, object] = field(default_factory=dict)
    blow_ups: tuple[str, ...] = ()
    names: ValueNames | None = None
    shape: tuple[int, ...] = ()
    """Of a plane, its points along both sides; empty for a list and a line."""

    @property
    def points(self) -> int:
        """Number of points."""
        return len(self.points_of)

    def coordinates_of_points(self) -> np.ndarray:
        """All points (N, d)."""
        return self.points_of

    @property
    def along(self) -> np.ndarray:
        """How far each point is from the first one, along the others, (N,)."""
        return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.points_of, axis=0), axis=1))])

    def as_mesh(self, delaunay: bool = False) -> SolutionMesh:
        """The same points with cells, for formats that need some: the quads of a plane, vertices, or Delaunay's.

        Coordinates that are the same at all points are left out where there are more than three, and said. Raises
        LabError where more remain.
        """
        points, names, about = self.points_of, self.coordinates, self.about
        if len(names) > 3:
            same = np.ptp(points, axis=0) == 0
            about = about | {beside(n, "coordinate", RESERVED): float(points[0, k])
                             for k, n in enumerate(names) if same[k]}  # fmt: skip
            points, names = points[:, ~same], tuple(n for n, s in zip(names, same, strict=True) if not s)
        if len(names) > 3:
            raise LabError(f"VTK holds three dimensions at most, and these points differ in {', '.join(names)}.")
        index = np.arange(len(points))
        if self.shape:
            index = index.reshape(self.shape)
            quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1)
            cells = ("quad", quads.reshape(-1, 4))
        elif delaunay:
            cells = delaunay_cells(points)
        else:
            cells = ("vertex", index[:, None])
        return SolutionMesh(names, points, (cells,), self.values, about=about, names=self.names)

    def save(self, path: Path) -> None:
        """Write as .npz, through a temporary name of its own."""
        meta = {"coordinates": self.coordinates, "about": self.about, "values": list(self.values),
                "names": asdict(self.names), "shape": self.shape}  # fmt: skip
        arrays = {f"value_{i}": value for i, value in enumerate(self.values.values())}
        with written_beside(path) as temporary:
            np.savez(temporary, meta=np.array(json.dumps(meta)), points=self.points_of, **arrays)

    @classmethod
    def read(cls, path: Path) -> SolutionPoints:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            meta = json.loads(str(data["meta"]))
            values = {name: data[f"value_{i}"] for i, name in enumerate(meta["values"])}
            return cls(tuple(meta["coordinates"]), data["points"], values, meta["about"],
                       names=ValueNames(**meta["names"]), shape=tuple(meta["shape"]))  # fmt: skip


def read_point(text: str, problem: Problem) -> tuple[float, ...]:
    """A point as typed, `0, 0.5`: one number for each coordinate. Raises LabError."""
    parts = text.replace(",", " ").replace(";", " ").split()
    names = ", ".join(problem.coordinates)
    try:
        found = tuple(float(part) for part in parts)
    except ValueError:
        raise LabError(f"{text!r:.60} is no point; a point is numbers for {names}.") from None
    if len(found) != len(problem.coordinates) or not np.isfinite(found).all():
        raise LabError(f"{text!r:.60} is no point: there is one finite number for each of {names}.")
    return found


def read_points_file(path: Path, problem: Problem) -> np.ndarray:
    """Points (N, d) from a .csv, .txt or .npy file, a column for each coordinate. Raises LabError.

    A first line of names may order the columns otherwise, and name others that are left out.
    """
    try:
        if path.suffix.lower() == ".npy":
            return np.atleast_2d(np.load(path, allow_pickle=False)).astype(float)
        with path.open(encoding="utf-8") as file:
            rows = [line for line in file if line.strip() and not line.startswith("#")]
        head = [part.strip().strip('"') for part in rows[0].replace(";", ",").split(",")] if rows else []
        named = set(problem.coordinates) <= set(head)
        table = np.loadtxt([row.replace(";", ",") for row in rows[named:]], delimiter=",", ndmin=2)
        return table[:, [head.index(name) for name in problem.coordinates]] if named else table
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror or error}.") from error
    except (ValueError, TypeError) as error:
        raise LabError(f"{path.name} is no table of points, numbers for {', '.join(problem.coordinates)}.") from error


def line(start: tuple[float, ...], end: tuple[float, ...], count: int = ON_A_LINE) -> np.ndarray:
    """Points (count, d) from one point to another, both included. Raises LabError where they are the same."""
    if tuple(start) == tuple(end):
        raise LabError("A line goes from one point to another, and these are the same.")
    if not 2 <= count <= MOST_POINTS:
        raise LabError(f"A line has 2 to {MOST_POINTS:,} points, not {count:,}.")
    share = np.linspace(0, 1, count)[:, None]
    return (1 - share) * np.asarray(start) + share * np.asarray(end)


def plane(origin: tuple[float, ...], first: tuple[float, ...], second: tuple[float, ...], count: int) -> np.ndarray:
    """Points (count², d) of a parallelogram: `origin` and the two corners beside it. Raises LabError for a flat one."""
    sides = np.array([first, second], float) - np.asarray(origin)
    if np.linalg.matrix_rank(sides) < 2:
        raise LabError("A plane goes through three points that are not on one line.")
    if not 2 <= count <= MOST_POINTS**0.5:
        raise LabError(f"A plane has 2 to {MOST_POINTS**0.5:,.0f} points along each side, not {count:,}.")
    share = np.linspace(0, 1, count)
    a, b = np.meshgrid(share, share, indexing="ij")
    return np.asarray(origin) + a.reshape(-1, 1) * sides[0] + b.reshape(-1, 1) * sides[1]


def points_file(
    folder: RunFolder,
    points: np.ndarray,
    shape: tuple[int, ...] = (),
    limit_s: float | None = None,
    wanted: Wanted = ALL,
) -> Path:
    """The file of a checkpoint's values at points (N, d); only what was not asked before is computed. Imports torch.

    Raises LabError: no checkpoint, no point in the domain, points of another number of coordinates, too many.
    """
    from core.solution.sample import kept_file

    points = np.ascontiguousarray(points, dtype=np.float64)
    problem = run_config(folder).problem
    if points.ndim != 2 or points.shape[1] != len(problem.coordinates):
        raise LabError(f"Points of {problem.title} have one column for each of {', '.join(problem.coordinates)}.")
    if not 1 <= len(points) <= MOST_POINTS:
        raise LabError(f"There are {len(points):,} points; 1 to {MOST_POINTS:,} can be sampled at once.")
    digest = hashlib.sha256(points.tobytes() + repr(shape).encode()).hexdigest()[:16]
    return kept_file(folder, f"points-{digest}", lambda of: _at(of, points, shape, limit_s), wanted)


def _at(solution: RunSolution, points: np.ndarray, shape: tuple[int, ...], limit_s: float | None) -> SolutionPoints:
    from core.solution.sample import evaluated

    problem = solution.problem
    inside = np.isfinite(points).all(axis=1)
    inside[inside] = _in_box(problem, points[inside]) & problem.holds(points[inside])
    inside[inside] = solution.reaches(points[inside])
    if not inside.any():
        box = ", ".join(f"{name} from {low:g} to {high:g}" for name, (low, high) in zip(
            problem.coordinates, problem.domain(), strict=True))  # fmt: skip
        raise LabError(f"None of the {len(points):,} points lies in the domain: {box}.")
    found = evaluated(solution, points[inside], limit_s)
    values = {name: np.full(len(points), np.nan) for name in found}
    for name, value in found.items():
        values[name][inside] = value
    about = {} if inside.all() else {"points_outside": int((~inside).sum())}
    return SolutionPoints(problem.coordinates, points, values, about, names=problem.value_names, shape=shape)


def _in_box(problem: Problem, points: np.ndarray) -> np.ndarray:
    """Whether points lie in the domain's box, up to rounding."""
    low, high = np.array(problem.domain(), dtype=float).T
    room = 1e-7 * (high - low)  # ends that were typed have some digits of theirs
    return ((points >= low - room) & (points <= high + room)).all(axis=1)
