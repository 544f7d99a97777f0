"""The natural size of equations and conditions: that of their largest term on what is known of the solution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from core.equations.algebra import total
from core.equations.calculus import ZERO, derivatives, substituted
from core.equations.evaluation import Program
from core.equations.integrals import Quadrature
from core.equations.places import Place
from core.equations.sampling import inner_points, points_at
from core.equations.structure import additive_terms, fields_in, has_field
from core.equations.system import System
from core.equations.tree import Coordinate, Expression, Field, Normal, Parameter, Product, TreeError, Unknown, bounded

MOST_WORK = 200_000
POINTS = 500
TINY = 1e-12
"""A residual whose terms are all below it has no size of its own."""


def _felt_terms(residual: Expression) -> list[Expression]:
    """A residual's terms, those that hold the same fields together: parts that cancel have a size that nobody feels."""
    felt: dict[frozenset[Expression], list[Expression]] = {}
    for term in additive_terms(residual):
        factors = term.factors if isinstance(term, Product) else (term,)
        with_fields = frozenset(each for each in factors if has_field(each))
        felt.setdefault(with_fields, []).append(term)
    return [total(*terms) for terms in felt.values()]


class Known:
    """What is known of the fields before training: the exact solution, else what the ansatz starts from.

    Args:
        system: whose.
        start: field → the expression that its ansatz starts from.
    """

    def __init__(self, system: System, start: Mapping[str, Expression]):
        self._system = system
        self._fields = dict(start) | dict(system.exact)
        self._numbers = dict(system.unknowns) | dict(system.exact_unknowns)

    def size(self, residual: Expression, place: Place | None = None) -> float:
        """The root mean square of a residual's largest additive term; 1 where nothing is known of it."""
        frame = self._system.frame
        points = inner_points(frame, POINTS) if place is None else points_at([place], frame, POINTS)
        sizes = self._rms(_felt_terms(residual), points)
        return max(sizes, default=0.0) if max(sizes, default=0.0) > TINY else 1.0

    def of_integral(self, quadrature: Quadrature) -> float:
        """The largest part of an integral condition, every integral that of its integrand's absolute value."""
        frame = self._system.frame
        points = dict(zip(self._system.names.coordinates, quadrature.points.T, strict=True))
        found = 0.0
        for leaf, piece in quadrature.pieces.items():
            rms = self._rms([piece.integrand], points)[0]
            measure = float(quadrature.weights[leaf].sum(1).max())
            found = max(found, rms * measure)
        try:
            outside = substituted(quadrature.residual, {leaf: ZERO for leaf in quadrature.pieces})
        except TreeError:  # 1/int(u)
            outside = ZERO
        found = max(found, *self._rms([outside], points_at([], frame, POINTS)))
        return found if found > TINY else 1.0

    def of_field(self, name: str) -> float:
        """The root mean square of a field; 1 where nothing is known of it."""
        leaf = self._system.names.field(name)
        (size,) = self._rms([leaf], inner_points(self._system.frame, POINTS)) or (0.0,)
        return size if size > TINY else 1.0

    def _rms(self, terms: Sequence[Expression], points: Mapping[str, np.ndarray]) -> list[float]:
        values: dict[Expression, object] = {Coordinate(name): array for name, array in points.items()}
        values |= {Parameter(name): value for name, value in self._system.frame.parameters.items()}
        values |= {Unknown(name): value for name, value in self._numbers.items()}
        values |= {Normal(x): 1.0 for x in self._system.names.space}
        found = []
        with np.errstate(all="ignore"):
            for leaf in fields_in(*terms):
                values[leaf] = self._value(leaf, values)
            for term in terms:
                value = np.asarray(Program([term])(values)[0], dtype=float)
                found.append(float(np.sqrt(np.nanmean(np.square(value)))) if np.isfinite(value).any() else 0.0)
        return [each if math.isfinite(each) else 0.0 for each in found]

    def _value(self, leaf: Field, values: Mapping[Expression, object]) -> object:
        known = self._fields.get(leaf.name)
        if known is None:
            return 0.0
        try:
            with bounded(MOST_WORK):
                return Program([derivatives(known, leaf.by)])(values)[0]
        except TreeError:
            return 0.0
