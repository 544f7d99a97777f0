"""What each field's ansatz starts from, an expression, and its jet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.equations.calculus import ONE, ZERO, derivatives
from core.equations.evaluation import Program
from core.equations.sampling import inner_points, values_of
from core.equations.system import System
from core.equations.tree import Coordinate, Expression, TreeError, bounded
from core.problems.typed.conditions import Met, how_met, numbers_for_parameters
from core.problems.typed.interpolant import MOST_WORK, interpolant

if TYPE_CHECKING:
    from torch import Tensor

    from core.jets import Jet


class Derivatives:
    """The jet of a known expression, kept with points that are used again and again."""

    def __init__(self, node: Expression, coordinates: Sequence[str]):
        self._node, self._coordinates = node, tuple(coordinates)
        self._programs: dict[tuple[int, ...], Program] = {}

    def __call__(self, x: Sequence[Jet]) -> Jet:
        from core.jets import Jet

        kept, key = x[0].known, ("typed start", self)
        if kept is not None and key in kept:
            return kept[key]
        values = {Coordinate(name): jet.value for name, jet in zip(self._coordinates, x, strict=True)}
        like = x[0].value

        def derivative(by: tuple[int, ...]) -> Tensor:
            (value,) = self.program(by)(values, "torch")
            return value.expand_as(like) if hasattr(value, "shape") else like.new_full(like.shape, value)

        jet = Jet.of(x[0].layout, derivative)
        if kept is not None:
            jet.known = {}
            kept[key] = jet
        return jet

    def program(self, by: tuple[int, ...]) -> Program:
        """What computes one derivative."""
        if by not in self._programs:
            with bounded(MOST_WORK):
                self._programs[by] = Program([derivatives(self._node, [self._coordinates[i] for i in by])])
        return self._programs[by]


def ansatz_of(system: System) -> tuple[Met, dict[str, Expression]]:
    """How conditions are met, and what each ansatz starts from; a field whose start can't be made gets rows."""
    by_rows: set[str] = set()
    while True:
        met = how_met(system, by_rows)
        start: dict[str, Expression] = {}
        failed = set()
        for name, sides in met.ends.items():
            try:
                made = interpolant(sides, system.frame)
                if not _usable(made, system, name):
                    failed.add(name)
                elif made != ZERO:
                    start[name] = made
            except TreeError:
                failed.add(name)
        if not failed:
            return met, _starts(system, met) | start
        by_rows |= failed


def _starts(system: System, met: Met) -> dict[str, Expression]:
    """What fields without conditions in their ansatz start from; a factor that is 0 would hide all it stands before."""
    found = dict.fromkeys((name for name in system.coefficients if name not in met.ends), ONE)
    found |= {name: node for name, node in system.starts.items() if name not in met.ends}
    return {name: made for name, node in found.items() if (made := numbers_for_parameters(system, node)) != ZERO}


def _usable(node: Expression, system: System, name: str) -> bool:
    """Whether an expression and the derivatives that are asked of its field are finite in the domain."""
    needed = [derivatives(node, by) for by in system.derivatives.get(name, ())]
    return all(np.isfinite(value).all() for value in values_of(needed, inner_points(system.frame), system.frame))
