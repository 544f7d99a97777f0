"""Residuals of typed equations and conditions at points, from the jets of the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.equations.calculus import substituted
from core.equations.evaluation import Program
from core.equations.structure import known_parts
from core.equations.tree import (
    Coordinate,
    Expression,
    Field,
    Normal,
    Parameter,
    Unknown,
)

if TYPE_CHECKING:
    from torch import Tensor

    from core.jets import Jet


class RowProgram:
    """Several residuals, each over its natural size, as tensors of jets; what depends on points alone is kept.

    Args:
        residuals: the expressions, parameters replaced by their values.
        sizes: what each is divided by.
        coordinates: names, in the order of the points' columns.
        operators: leaf of second order or higher → the name of the form that it means.
        normals: from points, coordinate → (n,), to the values of the outward normal's components.
        unknowns: names of the unknown numbers, in the order of the columns of what stands for λ.
    """

    def __init__(
        self,
        residuals: Sequence[Expression],
        sizes: Sequence[float],
        coordinates: Sequence[str],
        operators: Mapping[Field, str],
        normals: Callable[[Mapping[str, np.ndarray]], Mapping[Expression, object]],
        unknowns: Sequence[str] = (),
    ):
        self._unknowns = tuple(unknowns)
        self.residuals = tuple(residuals)
        self.sizes = tuple(sizes)
        self.operators = dict(operators)
        self._coordinates = tuple(coordinates)
        self._normals = normals
        self._known = known_parts(residuals)
        self._constant = Program(self._known)
        self._stands_for = {part: Parameter(f"known {k}") for k, part in enumerate(self._known)}
        self._program = Program(_with(residuals, self._stands_for))

    def __call__(self, u: Mapping[str, Jet | Tensor], x: Sequence[Jet], lam: Tensor | None) -> list[Tensor]:
        """The residuals (n,); integrals are among `u` by the names of their parameters."""
        values: dict[Expression, Tensor] = dict(self._at_points(x))
        for leaf in self._program.leaves:
            if isinstance(leaf, Field):
                values[leaf] = self._derivative(u[leaf.name], leaf)
            elif isinstance(leaf, Coordinate):
                values[leaf] = x[self._coordinates.index(leaf.name)].value
            elif isinstance(leaf, Unknown):
                values[leaf] = lam if lam.ndim == 1 else lam[:, self._unknowns.index(leaf.name)]
            elif isinstance(leaf, Parameter) and leaf.name in u:
                values[leaf] = u[leaf.name]
        like = x[0].value
        found = self._program(values, "torch")
        return [(value if hasattr(value, "shape") else like.new_full(like.shape, value)).expand_as(like) / size
                for value, size in zip(found, self.sizes, strict=True)]  # fmt: skip

    def _at_points(self, x: Sequence[Jet]) -> dict[Expression, Tensor]:
        """What depends on the points alone, kept with them where they are used again and again."""
        kept, key = x[0].known, ("typed rows", self)
        if kept is not None and key in kept:
            return kept[key]
        values = {Coordinate(name): jet.value for name, jet in zip(self._coordinates, x, strict=True)}
        found = dict(zip(self._stands_for.values(), self._constant(values, "torch"), strict=True))
        if any(isinstance(leaf, Normal) for leaf in self._program.leaves):
            like = x[0].value
            places = {name: jet.value.detach().cpu().double().numpy()
                      for name, jet in zip(self._coordinates, x, strict=True)}  # fmt: skip
            found |= {leaf: like.new_tensor(value) for leaf, value in self._normals(points=places).items()}
        if kept is not None:
            kept[key] = found
        return found

    def _derivative(self, jet: Jet, leaf: Field) -> Tensor:
        if leaf.order == 0:
            return jet.value
        if leaf.order == 1:
            return jet.first(self._coordinates.index(leaf.by[0]))
        return jet.form(self.operators[leaf])


def _with(residuals: Sequence[Expression], values: Mapping[Expression, Expression]) -> list[Expression]:
    return [substituted(each, values) for each in residuals]
