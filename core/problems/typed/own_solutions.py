"""Solutions of a typed equation itself as functions that a network may read: made only where one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domains.arithmetic import Number, points_of
from core.domains.local_features import CornerFeatures, HoleFeatures
from core.domains.solutions import Operator, Solutions, Terms, Values, around, from_the_middle, into
from core.equations.system import System
from core.problems.typed.constant import operator_of

HIGHEST = 8.0
"""Exponents of corners' functions go so far."""


@dataclass(frozen=True)
class HarmonicCorner:
    """Harmonic functions of one corner: which family of them, and with which exponents."""

    features: CornerFeatures
    neumann: bool
    mixed: bool

    @property
    def exponents(self) -> list[float]:
        """Of each of the functions."""
        found = self.features.exponents(HIGHEST, self.mixed)
        return found if self.features.depth is None else [*found, *found]

    def functions(self, x: Sequence[Number]) -> list[Number]:
        """Them, at coordinates."""
        count = len(self.features.exponents(HIGHEST, self.mixed))
        return self.features.functions(tuple(x), count, self.neumann, self.mixed) if count else []


class OwnSolutions:
    """Families of solutions of a system's equations, for each operator that has constant coefficients.

    Args:
        system: whose.
        holes: features of the domain's holes and of their images.
        corners: what its corners have otherwise.
    """

    def __init__(self, system: System, holes: Sequence[HoleFeatures], corners: Sequence[HarmonicCorner]):
        self.families: list[Solutions] = []
        self.replaced: set[HarmonicCorner] = set()
        region = system.frame.region
        found = {} if region is None else {name: operator_of(system, name) for name in system.names.fields}
        operators = [each for each in dict.fromkeys(found.values()) if each is not None and each.fits(region.size)]
        self.replace_holes = bool(found) and all(each in operators for each in found.values())
        for operator in operators:
            self.families += [around(operator, hole, len(holes)) for hole in holes]
            self.families.append(from_the_middle(operator, region.box()))
            followed = self._into(operator, [each for each in corners if each.exponents])
            self.replaced = followed if operator == operators[0] else self.replaced & followed
        if not self.replace_holes:
            self.replaced.clear()

    def _into(self, operator: Operator, corners: Sequence[HarmonicCorner]) -> set[HarmonicCorner]:
        """Adds families of corners; those corners that have one."""
        found = set()
        for corner in corners:
            family = into(operator, corner.features, corner.exponents, corner.neumann)
            if family is not None:
                self.families.append(family)
                found.add(corner)
        return found

    def after(self, first: list[Number], place: tuple[Number, ...]) -> Sequence[Number]:
        """Jets, and after them those of all solutions at a place, each made when it is asked for."""
        return _Listed(first, self.families, place) if self.families else first


class _Listed(Sequence):
    """Jets that are there, and columns of families behind them."""

    def __init__(self, first: list[Number], families: Sequence[Solutions], place: tuple[Number, ...]):
        self._first, self._families, self._place = first, families, place
        self._ends = np.cumsum([len(first), *(len(each.columns) for each in families)])
        self._values: dict[int, Values] = {}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, which):
        if isinstance(which, slice):
            return [self[k] for k in range(*which.indices(len(self)))]
        if which < len(self._first):
            return self._first[which]
        if which >= len(self):
            raise IndexError(which)
        k = int(np.searchsorted(self._ends, which, side="right")) - 1
        return self._solution(k, which - int(self._ends[k]))

    def _solution(self, family: int, column: int) -> Number:
        like, key = self._place[0], ("solution", self._families[family], column)
        if like.known is not None and key in like.known:
            return like.known[key]
        if family not in self._values:
            self._values[family] = self._families[family].at(points_of(self._place))
        values, layout = self._values[family], like.layout
        parts: list[Terms] = [[((), 1.0)], *([((k,), 1.0)] for k in range(layout.dimension))]
        parts += [[(tuple(term), c) for *term, c in form] for form in layout.operators]
        data = like.data.new_tensor(np.stack([values.applied(column, part) for part in parts]))
        made = type(like)(data, layout, constant=like.known is not None)
        if like.known is not None:
            like.known[key] = made
        return made
