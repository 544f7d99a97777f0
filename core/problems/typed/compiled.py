"""All that a run needs of a typed problem, made once for each value of it: ansatz, rows, sizes, operators, words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from core.domains.sequences import fewer
from core.equations.algebra import number, product
from core.equations.calculus import derivatives
from core.equations.integrals import Quadrature
from core.equations.places import ON_BOUNDARIES, Place
from core.equations.sampling import normals_at, values_of
from core.equations.structure import fields_in, order
from core.equations.system import System
from core.equations.tree import Expression, Field
from core.forms import Form
from core.problems.base import INTERIOR
from core.problems.typed.ansatz import Derivatives, ansatz_of
from core.problems.typed.cautions import not_finite_at_start
from core.problems.typed.combined import combined, operator
from core.problems.typed.conditions import Rows, numbers_for_parameters, sentences
from core.problems.typed.interpolant import bubble
from core.problems.typed.local import LocalInputs
from core.problems.typed.reading import KNOWN, Typed, checked
from core.problems.typed.rows import RowProgram
from core.problems.typed.sizes import Known

if TYPE_CHECKING:
    from torch import Tensor

    from core.jets import Jet

HIGHEST, FINE = 4, 10.0
"""Of equations of fourth order, of which waves of this number are felt most, conditions of lower order weigh more."""
FEWEST_ON_A_SIDE = 16
ON_BOUNDARY = 8
"""Times n^((d−1)/d) points of n go to a region's boundary."""
LEAST_ON_A_HOLE = 0.5
"""Of what a hole's edge would get if all closed curves had as many points."""


@dataclass(frozen=True)
class PointRows:
    """The rows of one set of points."""

    place: Place | None
    """None: all of the domain."""
    names: tuple[str, ...]
    program: RowProgram
    quadrature: Quadrature | None = None
    """Of rows that hold integrals, which are parameters of `program`."""
    integrands: RowProgram | None = None


class Compiled:
    """A typed problem, ready to be trained."""

    def __init__(self, system: System, smooth: bool = False, layers: Mapping[str, float] | None = None):
        self.system = system
        self.frame = system.frame
        self.coordinates = system.names.coordinates
        self.met, self.start = ansatz_of(system)
        unused = [f"{name} starts as its conditions say: where it is to start is not looked at."
                  for name in system.starts if name in self.met.ends]  # fmt: skip
        self.words = (*sentences(system, self.met), *unused)
        constant = _constancies(system)
        bends = _bends(system) if smooth else {}
        self.smooth = frozenset(bends)
        """Names of the rows that make fields found from data smooth."""
        asked = (*system.residuals, *constant, *bends.values())
        equations = [numbers_for_parameters(system, each) for each in asked]
        conditions = [[numbers_for_parameters(system, each) for each in _asked(rows)] for rows in self.met.rows]
        shared = combined([*equations, *(each for held in conditions for each in held)])
        self.forms: dict[str, Form] = shared.forms(self.coordinates)
        named = {form: name for name, form in self.forms.items()}
        operators = {leaf: named[operator(parts, self.coordinates)] for leaf, parts in shared.meant.items()}
        known = Known(system, self.start)
        sizes = [known.size(each) for each in equations[: len(equations) - len(bends)]] + [1.0] * len(bends)
        self.sets: dict[str, PointRows] = {}
        self.labels: dict[str, str] = {}
        """Of rows of conditions, which of the typed ones they are: `condition 3`."""
        left, unknowns = list(shared.residuals), tuple(system.unknowns)
        self.sets[INTERIOR] = PointRows(
            None,
            (
                *_names(len(system.residuals), "equation"),
                *(f"constant_{k}" for k in range(1, len(constant) + 1)),
                *bends,
            ),
            RowProgram(left[: len(equations)], sizes, self.coordinates, operators, lambda x: {}, unknowns),
        )
        del left[: len(equations)]
        for rows, held in zip(self.met.rows, conditions, strict=True):
            made, left = left[: len(held)], left[len(held) :]
            if rows.quadrature is not None:
                self.sets[rows.name] = self._integral(rows, made, known, operators)
                self.labels[rows.name] = rows.conditions[0].label
                continue
            at_place = [known.size(each, rows.place) / self._weight_of(rows.place, each) for each in held]
            names = tuple(f"{rows.name}_{k}" if len(held) > 1 else rows.name for k in range(1, len(held) + 1))
            normals = partial(normals_at, rows.place, frame=self.frame)
            program = RowProgram(made, at_place, self.coordinates, operators, normals, unknowns)
            self.sets[rows.name] = PointRows(rows.place, names, program)
            self.labels |= {name: each.label for name, each in zip(names, rows.conditions, strict=True)}
        self.local = LocalInputs(system, layers or {})
        self.order = max(1, order(*system.residuals))
        self._jets = {name: Derivatives(node, self.coordinates) for name, node in self.start.items()}
        self._exact = tuple(numbers_for_parameters(system, system.exact[name]) for name in system.names.fields
                            if name in system.exact)  # fmt: skip

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """See `core.problems.typed.cautions`."""
        return tuple(not_finite_at_start(self.system, self.start))

    def _weight_of(self, place: Place, condition: Expression) -> float:
        """What rows of a condition on a region's boundary weigh beside the equations, by both their orders."""
        if self.frame.region is None or place.kind not in ON_BOUNDARIES:
            return 1.0
        equation = max(order(*self.system.residuals, field=each.name) for each in fields_in(condition))
        return FINE ** max(0, equation - 1 - order(condition)) if equation == HIGHEST else 1.0

    def _integral(self, rows: Rows, made: list[Expression], known: Known, operators: dict[Field, str]) -> PointRows:
        """Rows of an integral condition: what is made of the integrals, and what is integrated."""
        residual, *integrands = made
        size = known.of_integral(rows.quadrature)
        normals, unknowns = partial(normals_at, rows.place, frame=self.frame), tuple(self.system.unknowns)
        inner = RowProgram(integrands, [1.0] * len(integrands), self.coordinates, operators, normals, unknowns)
        program = RowProgram([residual], [size], self.coordinates, operators, normals, unknowns)
        return PointRows(rows.place, (rows.name,), program, rows.quadrature, inner)

    def collocation(self, unit: np.ndarray, walls: float = 0.0) -> dict[str, np.ndarray]:
        """Points of every set, (n_i, d), from points of the unit cube (n, d).

        Args:
            unit: points of the unit cube.
            walls: how much denser those of a region get towards its boundary, 0 to 1.
        """
        region = self.frame.region
        inside = unit if region is None else region.interior(unit, walls)
        if walls:
            inside = self.local.with_layers(inside)
        inside = self._with_time(inside)
        return {name: self._points(rows, unit, inside) for name, rows in self.sets.items()}

    def _points(self, rows: PointRows, unit: np.ndarray, inside: np.ndarray) -> np.ndarray:
        if rows.quadrature is not None:
            return rows.quadrature.points
        if rows.place is None:
            return inside
        on_boundary = self.frame.region is not None and rows.place.kind in ON_BOUNDARIES
        return self._on(rows.place, unit) if on_boundary else self._at(rows.place, inside)

    def _with_time(self, points: np.ndarray) -> np.ndarray:
        """Points of the region as they are, time from its beginning to its end; without a region all by their ends."""
        low, high = np.array([self.frame.domain[name] for name in self.coordinates]).T
        if self.frame.region is not None:
            low[: self.frame.region.dimension], high[: self.frame.region.dimension] = 0, 1
        return low + (high - low) * points

    def _on(self, place: Place, unit: np.ndarray) -> np.ndarray:
        """Points of a boundary with a name, or of all, for all of the time."""
        n, d = unit.shape
        count = min(max(FEWEST_ON_A_SIDE, int(ON_BOUNDARY * n ** ((d - 1) / d))), max(n // 2, FEWEST_ON_A_SIDE), n)
        space = self.frame.region.dimension
        lots = fewer(unit, count)
        at = self.frame.region.boundary(lots[:, :space], self.frame.named(place), least=LEAST_ON_A_HOLE)
        return self._with_time(np.concatenate([at.points, lots[:, space:]], axis=1))

    def _at(self, place: Place, inside: np.ndarray) -> np.ndarray:
        """Points moved to a place: as many as lie along a side of a grid of all, four times over."""
        points = inside.copy()
        for name, value in place.fixed.items():
            points[:, self.coordinates.index(name)] = value
        d = len(self.coordinates)
        free = d - len(place.fixed)
        if not free:
            return points[:1]
        different = np.unique(points, axis=0)
        if len(different) < 0.9 * len(points):
            return different  # of a grid: again a grid
        count = max(FEWEST_ON_A_SIDE, int(4 * len(points) ** (free / d)))
        return points[:count]

    def features(self, x: Sequence[Jet]) -> Sequence[Jet]:
        """Each coordinate scaled to [−1, 1], a periodic one as cosine and sine, of a mirrored one what is even.

        Then what follows the domain.
        """
        found = []
        for name, jet in zip(self.coordinates, x, strict=True):
            if name in self.met.periodic:
                angle = self._angle(name, jet)
                found += [angle.cos()] if name in self.met.mirrors else [angle.cos(), angle.sin()]
            else:
                unit = self._unit(name, jet)
                found.append(2 * unit * unit - 1 if name in self.met.mirrors else unit)
        return self.local.beside(found, x)

    def _unit(self, name: str, jet: Jet) -> Jet:
        low, high = self.frame.domain[name]
        return (jet - (low + high) / 2) * (2 / (high - low))

    def _angle(self, name: str, jet: Jet) -> Jet:
        low, high = self.frame.domain[name]
        return (jet - low) * (2 * np.pi / (high - low))

    def _odd(self, field: str, x: Mapping[str, Jet], output: Jet) -> Jet:
        """A network's output, odd in the coordinates in which its field is."""
        for name, mirror in self.met.mirrors.items():
            if field in mirror.odd:
                periodic = name in self.met.periodic
                output = output * (self._angle(name, x[name]).sin() if periodic else self._unit(name, x[name]))
        return output

    @property
    def inputs(self) -> int:
        """How many there are."""
        return len(self.coordinates) + len(set(self.met.periodic) - set(self.met.mirrors))

    def ansatz(self, raw: Sequence[Jet], x: Sequence[Jet], lam: Tensor | None = None) -> dict[str, Jet]:
        """Each field as G + B·N; unknown numbers take no part in it, but where a window of time begins."""
        by_name = dict(zip(self.coordinates, x, strict=True))
        found = {}
        for name, output in zip(self.system.names.fields, raw, strict=True):
            distance = bubble(self.met.ends.get(name, {}), by_name, self.frame)
            output = self._odd(name, by_name, output)
            field = output if distance is None else distance * output
            found[name] = field + self._jets[name](x) if name in self._jets else field
        return found

    def integrals(self, points: str) -> dict[str, np.ndarray]:
        """Name → (m, n) weights of each integral in the rows of a set of points; empty where it has none."""
        quadrature = self.sets[points].quadrature
        return {} if quadrature is None else {leaf.name: found for leaf, found in quadrature.weights.items()}

    def integrands(self, points: str, u: dict[str, Jet], x: Sequence[Jet], lam: Tensor | None) -> dict[str, Tensor]:
        """What is integrated (n,), by the name of its integral."""
        return dict(zip(self.integrals(points), self.sets[points].integrands(u, x, lam), strict=True))

    def residuals(self, points: str, u: dict[str, Jet], x: Sequence[Jet], lam: Tensor | None) -> dict[str, Tensor]:
        """The rows of a set of points."""
        rows = self.sets[points]
        found = rows.program(u, x, lam)
        if points == INTERIOR and self.local.has_wedges:
            weight = self.local.weight(x)
            found = [each * weight for each in found]
        return dict(zip(rows.names, found, strict=True))

    def exact(self, x: np.ndarray) -> dict[str, np.ndarray] | None:
        """The exact fields (n,); None where one isn't known."""
        names = self.system.names.fields
        if len(self._exact) < len(names):
            return None
        points = dict(zip(self.coordinates, np.asarray(x, dtype=float).T, strict=True))
        return {name: np.array(value) for name, value in
                zip(names, values_of(self._exact, points, self.frame), strict=True)}  # fmt: skip


def _constancies(system: System) -> list[Field]:
    """That a field of some coordinates only doesn't change along the others."""
    names = system.names.coordinates
    return [Field(name, names, (x,)) for name, over in system.names.fields.items() for x in names if x not in over]


def _bends(system: System) -> dict[str, Expression]:
    """Second derivatives of the fields found from data, over the unit cube, by the names of their rows."""
    found: dict[str, Expression] = {}
    length = {x: high - low for x, (low, high) in system.frame.domain.items()}
    for name in system.coefficients:
        field = system.names.field(name)
        for i, x in enumerate(field.over):
            for y in field.over[i:]:
                factor = length[x] * length[y] * (1 if x == y else 2**0.5)
                found[f"smooth_{name}_{x}{y}"] = product(number(factor), derivatives(field, (x, y)))
    return found


def _asked(rows: Rows) -> list[Expression]:
    """What rows hold: residuals; of an integral condition that of the integrals, and then what is integrated."""
    if rows.quadrature is None:
        return [each.residual for each in rows.conditions]
    return [rows.quadrature.residual, *(piece.integrand for piece in rows.quadrature.pieces.values())]


def _names(count: int, what: str) -> list[str]:
    return [f"{what}_{k}" for k in range(1, count + 1)] if count > 1 else [what]


@lru_cache(maxsize=KNOWN)
def compiled(typed: Typed) -> Compiled:
    """A typed problem made ready.

    Raises:
        EquationError: with everything that is wrong with it.
    """
    return Compiled(checked(typed).system, typed.smooth, typed.layers)
