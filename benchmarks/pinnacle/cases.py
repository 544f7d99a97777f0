"""The rows: which config each is, what it is held against, and what the bars are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from benchmarks.pinnacle import holes, references, spectral
from benchmarks.pinnacle.tables import Table, read_table

EQUATIONS = Path(__file__).parent / "equations"
QUARTER_HOUR, HALF_HOUR = 900.0, 1800.0


def _as_they_are(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return points, np.ones(len(points))


@dataclass(frozen=True)
class Check:
    """What a row is held against."""

    against: str
    """In words."""
    fields: tuple[str, ...]
    bar: float | None
    """Largest relative L2 error; None: shown, not asked for."""
    reference: Callable[[Path | None], Table]
    """From the folder of tables."""
    needs_table: bool = False


@dataclass(frozen=True)
class Case:
    """A row of the suite as a typed equation."""

    name: str
    checks: tuple[Check, ...]
    """The first is what the row says as its error."""
    published: float
    """Relative L2 error of PELINE, an agent that chains optimizers, as its public repository quotes it."""
    most_seconds: float = QUARTER_HOUR
    way: str = "as it stands"
    """What a reader must know of how it was typed or trained."""
    seen_as: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] = _as_they_are
    """Points of the table → points of the run's own coordinates, and the sign (n,) of the fields there."""
    slopes: Mapping[str, tuple[str, int, float]] = field(default_factory=dict)
    """Fields of the table that are slopes of the run's: name → (field, which coordinate, factor)."""
    prepare: Callable[[Path], None] | None = None
    """Puts into a lab home what the run learns from."""
    preset: str = ""
    """Of the gallery, where it has the row; empty: a file of `EQUATIONS`."""

    @property
    def config(self) -> str:
        """The preset or file that `core train` is given."""
        return self.preset or str(EQUATIONS / f"{self.name}.yaml")


def table(file: str, coordinates: Sequence[str], fields: Sequence[str], bar: float | None) -> Check:
    """A check against one of PINNacle's tables."""

    def read(folder: Path | None) -> Table:
        return read_table(folder / file, coordinates, fields)

    return Check("PINNacle's table", tuple(fields), bar, read, needs_table=True)


def known(against: str, fields: Sequence[str], bar: float, made: Callable[[], Table]) -> Check:
    """A check against what needs no table."""
    return Check(against, tuple(fields), bar, lambda folder: made())


def _radius(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (x1 … x5, t) → (|x|, t)."""
    return np.stack([np.linalg.norm(points[:, :5], axis=1), points[:, 5]], axis=1), np.ones(len(points))


def _waves(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points x → [0, 1/2], of a solution that is odd about each multiple of 1/4, so that 1/2 is a period of it."""
    x, y, t = points.T
    return np.stack([x % 0.5, y, t], axis=1), np.ones(len(points))


OF_A_STREAMFUNCTION = MappingProxyType({"u": ("psi", 1, 1.0), "v": ("psi", 0, -1.0)})
BURGERS = (
    known("Cole–Hopf", ["u"], 1e-6, references.burgers),
    table("burgers1d_c.csv", ["x", "t"], ["u"], None),
)

_ALL = (
    Case("burgers1d-c", BURGERS, 1.3e-2),
    Case(
        "poisson2d-c",
        (
            known("own solution", ["u"], 1e-7, lambda: holes.table_of(holes.laplace, 0.5, holes.HOLES_C)),
            table("poisson2d_c.csv", ["x", "y"], ["u"], 2e-4),
        ),
        3.1e-1,
        most_seconds=30,
    ),
    Case(
        "poisson2d-cg",
        (
            known("own solution", ["u"], 1e-7, lambda: holes.table_of(holes.poisson_boltzmann, 1.0, holes.HOLES_CG)),
            table("poisson2d_cg.csv", ["x", "y"], ["u"], 2e-4),
        ),
        4.1e-3,
        most_seconds=30,
        preset="typed-cg",
    ),
    Case(
        "heat2d-ms",
        (
            known("exact", ["u"], 1e-6, references.heat2d_ms),
            table("heat2d_ms.csv", ["x", "y", "t"], ["u"], None),
        ),
        1.3e-1,
    ),
    Case(
        "heat2d-lt",
        (
            known("own spectral reference", ["u"], 1e-2, spectral.heat_table),
            table("heat2d_lt.csv", ["x", "y", "t"], ["u"], None),
        ),
        1.0,
        most_seconds=HALF_HOUR,
        way="typed as its odd continuation, which is periodic; windows; harmonics and polynomials, axis by axis",
        seen_as=_waves,
    ),
    Case(
        "ns2d-c",
        (table("ns2d_c_lid_a4.csv", ["x", "y"], ["u", "v"], 1e-3),),
        4.4e-2,
        way="typed as a streamfunction, of which u and v are slopes; no p",
        slopes=OF_A_STREAMFUNCTION,
    ),
    Case(
        "ns2d-cg",
        (table("ns2d_cg_backstep.csv", ["x", "y"], ["u", "v"], 3e-3),),
        2.0e-1,
        way="streamfunction and pressure by splines; the outflow has v = 0, and the table's p: −100 min(u, 0)²",
        slopes=OF_A_STREAMFUNCTION,
        preset="typed-step",
    ),
    Case("wave1d-c", (known("exact", ["u"], 1e-6, references.wave1d),), 6.5e-2),
    Case(
        "ks",
        (known("own spectral reference", ["u"], 1e-2, spectral.ks_table),),
        9.5e-1,
        most_seconds=HALF_HOUR,
        way="windows; harmonics and polynomials",
        preset="typed-kuramoto-sivashinsky",
    ),
    Case(
        "gray-scott",
        (known("own spectral reference", ["u", "v"], 1e-2, spectral.gray_scott_table),),
        9.3e-2,
        most_seconds=HALF_HOUR,
        way="windows; harmonics and polynomials, axis by axis",
    ),
    Case("poisson5d", (known("exact", ["u"], 1e-6, references.poisson5d),), 2.4e-4),
    Case(
        "heat5d",
        (known("exact", ["u"], 1e-6, references.heat5d),),
        2.5e-4,
        way="said to be even in each x; polynomials up to total degree 7",
    ),
    Case(
        "heat5d-radial",
        (known("exact", ["u"], 1e-6, references.heat5d),),
        2.5e-4,
        way="typed in the radius and time",
        seen_as=_radius,
    ),
    Case(
        "poisson-inverse",
        (known("exact", ["a"], 1.5e-2, references.conductivity),),
        1.5e-2,
        prepare=references.write_noisy_samples,
    ),
)
CASES: dict[str, Case] = {case.name: case for case in _ALL}
"""Name → row, in PINNacle's order."""
