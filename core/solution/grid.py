"""A solution sampled on a grid: plain arrays, ready for meshes and files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from core.errors import LabError
from core.files import written_beside
from core.names import ValueNames, beside
from core.problems import Problem
from core.problems.exact_error import places_of
from core.resources import memory
from core.solution.sampled import Sampled

DEFAULT_RESOLUTION = {1: 2001, 2: 129, 3: 49, 4: 25}
"""Points along each axis, by the number of coordinates."""


RESERVED = ("run_id", "problem", "config_hash", "checkpoint_sha256", "iteration", "lambda", "delta",
            "checkpoint", "stages", "correction_alone", "certificate", "lambda_uncertainty",
            "streamfunction_uncertainty", "units")  # fmt: skip
"""What a grid may say about itself beside the coordinates that it does not run along."""


@dataclass(frozen=True)
class SolutionGrid(Sampled):
    """Fields of one checkpoint on a rectilinear grid.

    `values` holds every field, and where the problem has an exact solution also that and the error; every residual; all
    of shape (len(axes[0]), len(axes[1]), …). They are called as the problem's `value_names` says.
    """

    coordinates: tuple[str, ...]
    axes: tuple[np.ndarray, ...]
    """Increasing positions along each coordinate."""
    values: dict[str, np.ndarray]
    time: str | None = None
    """The coordinate that is time, if one is."""
    about: dict[str, object] = field(default_factory=dict)
    """Run id, problem, config hash, checkpoint, λ."""
    blow_ups: tuple[str, ...] = ()
    """Names of the values that are a blow-up in physical time: they run through powers of ten along the grid."""
    inside: np.ndarray | None = None
    """Which points lie in the domain, of the values' shape; they are NaN outside. None: all."""
    names: ValueNames | None = None
    """Which values are residuals, exact ones and errors; without it they are known by how their names begin and end."""

    @property
    def points(self) -> int:
        """Number of grid points."""
        return int(np.prod([len(axis) for axis in self.axes]))

    @property
    def uniform(self) -> bool:
        """Whether all axes are equally spaced."""
        return all(np.allclose(np.diff(axis), np.diff(axis)[0], rtol=1e-9, atol=0) for axis in self.axes)

    def coordinates_of_points(self) -> np.ndarray:
        """All points (N, d), the first coordinate varying slowest, as `values[...].ravel()` does."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(-1, len(self.axes))

    def _of_domain(self, values: np.ndarray) -> np.ndarray:
        """Values at the points in the domain alone, (n,)."""
        return values.reshape(-1) if self.inside is None else values[self.inside]

    def _places(self, indices: np.ndarray) -> list[str]:
        points = self.coordinates_of_points()
        return places_of(self.coordinates, points if self.inside is None else points[self.inside.reshape(-1)])(indices)

    def at_time(self, index: int) -> SolutionGrid:
        """The grid of the other coordinates at one position of time; itself where there is no time."""
        if self.time is None:
            return self
        t = self.coordinates.index(self.time)
        rest = [i for i in range(len(self.axes)) if i != t]
        return SolutionGrid(
            coordinates=tuple(self.coordinates[i] for i in rest),
            axes=tuple(self.axes[i] for i in rest),
            values={name: np.take(value, index, axis=t) for name, value in self.values.items()},
            about=self.about | {beside(self.time, "coordinate", RESERVED): float(self.axes[t][index])},
            blow_ups=self.blow_ups,
            inside=None if self.inside is None else np.take(self.inside, index, axis=t),
            names=self.names,
        )

    def save(self, path: Path) -> None:
        """Write as .npz, through a temporary name of its own, so that two writers don't meet."""
        meta = {
            "coordinates": self.coordinates,
            "time": self.time,
            "about": self.about,
            "blow_ups": self.blow_ups,
            "values": list(self.values),  # the file's own members are numbered: not every name can be one
            "names": asdict(self.names),
        }
        axes = {f"axis_{i}": axis for i, axis in enumerate(self.axes)}
        values = {f"value_{i}": value for i, value in enumerate(self.values.values())}
        if self.inside is not None:
            values["inside"] = self.inside
        with written_beside(path) as temporary:
            np.savez(temporary, meta=np.array(json.dumps(meta)), **axes, **values)

    @classmethod
    def read(cls, path: Path) -> SolutionGrid:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            meta = json.loads(str(data["meta"]))
            if "values" in meta:
                values = {name: data[f"value_{i}"] for i, name in enumerate(meta["values"])}
            else:  # a file of an older version
                values = {name[6:]: data[name] for name in data.files if name.startswith("value_")}
            return cls(
                coordinates=tuple(meta["coordinates"]),
                axes=tuple(data[f"axis_{i}"] for i in range(len(meta["coordinates"]))),
                values=values,
                time=meta["time"],
                about=meta["about"],
                inside=data["inside"] if "inside" in data.files else None,
                blow_ups=tuple(meta.get("blow_ups", ())),  # files of older versions name none
                names=ValueNames(**meta["names"]) if "names" in meta else None,
            )


def shown(problem: Problem) -> tuple[int, ...]:
    """Indices of the coordinates that a grid runs along: time, and the first three others."""
    space = [i for i, name in enumerate(problem.coordinates) if name != problem.time][:3]
    return tuple(i for i, name in enumerate(problem.coordinates) if i in space or name == problem.time)


def fixed(problem: Problem) -> dict[str, float]:
    """The coordinates that a grid does not run along, each in the middle of its range."""
    return {name: sum(problem.domain()[i]) / 2 for i, name in enumerate(problem.coordinates) if i not in shown(problem)}


def default_resolution(problem: Problem) -> int:
    """Points along each axis that a first look needs."""
    return DEFAULT_RESOLUTION[len(shown(problem))]


def required_bytes(problem: Problem, resolution: int, formulas: int = 0) -> int:
    """Memory that sampling and meshing a grid takes at its peak: every value three times over, and coordinates."""
    columns = 3 * len(problem.fields) + len(problem.residual_names) + formulas
    return resolution ** len(shown(problem)) * 8 * 3 * (columns + len(problem.coordinates))


def largest_resolution(problem: Problem, formulas: int = 0) -> int:
    """Points along each axis of the largest grid that the machine has memory for."""
    return int((memory().free * 0.6 / required_bytes(problem, 1, formulas)) ** (1 / len(shown(problem))))


def check_resolution(problem: Problem, resolution: int, formulas: int = 0) -> None:
    """Raise LabError when a resolution is too small to be a grid or needs more memory than the machine has to give."""
    if resolution < 2:
        raise LabError(f"A resolution of {resolution} is no grid; it starts at 2 points along each axis.")
    needed, free = required_bytes(problem, resolution, formulas), memory().free * 0.6
    if needed > free:
        raise LabError(
            f"{resolution} points along each of {len(shown(problem))} axes would need {_size(needed)}; this machine "
            f"can give {_size(free)}. The largest resolution that fits is {largest_resolution(problem, formulas)}."
        )


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count > 0.1 * 2**30 else f"{count / 2**20:.1f} MiB"
