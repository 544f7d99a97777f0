"""What a typed problem's network may read beside its coordinates: what follows from its domain's holes and corners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.domains.layers import layers, points_in_layers
from core.domains.local_features import WHOLE, CornerFeatures, HoleFeatures
from core.domains.regions import Region
from core.domains.sequences import halton, shift_of
from core.domains.wedges import Wedge, corner_weight, pressures
from core.equations.completeness import fields_of
from core.equations.conditions import Condition, Kind
from core.equations.places import Where
from core.equations.structure import order
from core.equations.system import System
from core.problems.base import Block, Function, Narrow
from core.problems.typed.own_solutions import HarmonicCorner, OwnSolutions

if TYPE_CHECKING:
    from torch import Tensor

    from core.jets import Jet

AROUND = 2.0
"""Features that read a corner's surroundings, beside others'."""
FOURTH = 4
CLAMPED = 3
"""Orders from it on go with two conditions on a side: the streamfunction's beside a pressure, the plate's."""
LEFT = {3: 2.0, 4: 3.0}
"""By order: a function r^λ of the corner times a smooth one leaves r^(λ−2) and r^(λ−3)."""
CORNER = 0.01
"""Of the domain's size: so far from a corner its functions and smooth ones are told apart."""
HIGHEST_OF_FOURTH = 6.0
"""Those of fields of fourth order: there are twice as many, with derivatives that cost more."""
VALUES = (Kind.VALUE, Kind.POINT_VALUE)


@dataclass(frozen=True)
class _Wedge:
    """Functions of one corner for fields of fourth order."""

    wedge: Wedge
    left: float
    """s where the equations have r^(λ−s) left of a function r^λ."""
    field: int | None
    """Which field alone reads them; None: all."""

    @property
    def exponents(self) -> list[float]:
        return self.wedge.exponents(HIGHEST_OF_FOURTH)[self._first :]

    def functions(self, x: Sequence[Jet]) -> list[Jet]:
        return self.wedge.functions(x, HIGHEST_OF_FOURTH)[self._first :]

    @property
    def leaves(self) -> float:
        """Power of 1/r that its lowest function leaves of the equations at the corner; 0 where none does."""
        return max(0.0, self.left - min(self.exponents, default=self.left))

    @property
    def _first(self) -> int:
        """Without r²θ beside a pressure, which would be log r there."""
        return 0 if self.field is None else 1


@dataclass(frozen=True)
class _Pressure:
    """What a field of first order, a pressure, is at a corner where another is a streamfunction's."""

    wedge: Wedge
    field: int

    @property
    def exponents(self) -> list[float]:
        """Those of the streamfunction's: the two are asked for together."""
        return self.wedge.exponents(HIGHEST_OF_FOURTH)[1:]

    def functions(self, x: Sequence[Jet]) -> list[Jet]:
        return pressures(self.wedge, x, HIGHEST_OF_FOURTH)


class LocalInputs:
    """Inputs and functions of the domain's own.

    Args:
        system: whose; without a domain there are none.
        thickness: boundary → thickness of the layer beside it.
    """

    def __init__(self, system: System, thickness: Mapping[str, float]):
        region = system.frame.region
        found = region.local_features if isinstance(region, Region) else ()
        self.space = len(system.names.space)
        """How many coordinates of space there are; they come first."""
        self._region, self._order = region, order(*system.residuals)
        self.layers = layers(region.domain, thickness) if thickness else ()
        self.holes = [each for each in found if isinstance(each, HoleFeatures)]
        self.corners = [each for corner in found if isinstance(corner, CornerFeatures)
                        for each in _families(corner, system)]  # fmt: skip
        self._weighed = [(each.wedge.corner, each.leaves) for each in self.corners if isinstance(each, _Wedge)]
        self._own = OwnSolutions(
            system, self.holes, [each for each in self.corners if isinstance(each, HarmonicCorner)]
        )

    def blocks(self, inputs: int) -> tuple[Block, ...]:
        """See `Problem.blocks`; each reads all inputs of time, two where it is periodic: those after space's."""
        d = self.space
        moving = range(d, inputs)
        holes = [Block((*range(inputs + k * d, inputs + (k + 1) * d), *moving), hole.weight)
                 for k, hole in enumerate(self.holes)]  # fmt: skip
        first = inputs + d * len(holes)
        found = []
        for layer in self.layers:
            own = (first, first + 1) if layer.around else (first,)
            found.append(Block((*own, *moving), AROUND) if layer.around else Block((*own, *range(inputs))))
            first += len(own)
        return (*holes, *found)

    def functions(self, inputs: int) -> tuple[Function, ...]:
        """See `Problem.functions`."""
        replaced = self._own.replace_holes
        kinds = [(0.0, None, replaced, None) for _ in self.holes]
        kinds += [(m, None, corner in self._own.replaced, getattr(corner, "field", None))
                  for corner in self.corners for m in corner.exponents]  # fmt: skip
        kinds += [(m, digits, False, None) for family in self._own.families
                  for m, digits in zip(family.exponents, family.digits, strict=True)]  # fmt: skip
        first = inputs + self.space * len(self.holes) + sum(2 if layer.around else 1 for layer in self.layers)
        found = [Function(first + k, *kind) for k, kind in enumerate(kinds)]
        return tuple(sorted(found, key=lambda each: each.exponent > 0))

    def beside(self, inputs: Sequence[Jet], x: Sequence[Jet]) -> Sequence[Jet]:
        """What networks read by themselves, and all of the domain's own at coordinates x, those of space first."""
        place = tuple(x[: self.space])
        return self._own.after([*inputs, *self._harmonic(place)], place)

    def _harmonic(self, place: tuple[Jet, ...]) -> list[Jet]:
        return [
            *(each for hole in self.holes for each in hole.inputs(place)),
            *(each for layer in self.layers for each in layer.inputs(place)),
            *(each for hole in self.holes for each in hole.functions(place)),
            *(each for corner in self.corners for each in corner.functions(place)),
        ]

    def singular(self, order: int) -> list[tuple[float, float]]:
        """The corners at which derivatives of an order are beyond all bounds: where a function goes as a lower power.

        Those of r² log r, of its own order, grow too slowly to be seen beside rounding.
        """
        found = {
            _corner_of(each).place: None for each in self.corners if any(m < order - WHOLE for m in each.exponents)
        }
        return list(found)

    @property
    def narrow(self) -> tuple[Narrow, ...]:
        """See `Problem.narrow`: at layers, and at corners where highest derivatives have no square to integrate."""
        found = [Narrow(k, at, layer.thickness) for layer in self.layers
                 for k, at in enumerate(layer.places) if at is not None]  # fmt: skip
        corners = {_corner_of(each).place: _corner_of(each).size for each in self.corners
                   if any(m < self._order - 1 and abs(m - round(m)) > WHOLE for m in each.exponents)}  # fmt: skip
        found += [Narrow(k, at, CORNER * size) for place, size in corners.items() for k, at in enumerate(place)]
        return tuple(dict.fromkeys(found))

    @property
    def has_wedges(self) -> bool:
        """Whether some field is of fourth order, and the domain has corners."""
        return bool(self._weighed)

    def weight(self, x: Sequence[Jet]) -> Tensor:
        """What equations are multiplied by, (n,): less near corners whose functions leave what is infinite there."""
        return corner_weight(self._weighed, [jet.value for jet in x[: self.space]])

    def with_layers(self, inside: np.ndarray) -> np.ndarray:
        """Points (n, d + e) of the domain, time from 0 to 1 beside them, some of them moved into layers."""
        if not self.layers:
            return inside
        region, d = self._region, self.space
        lots = halton(len(inside), d + 1, shift_of(inside, d + 1))
        own = points_in_layers(self.layers, lambda unit, name: region.boundary(unit, [name]), region.contains, lots)
        found = inside.copy()
        found[len(found) - len(own) :, :d] = own  # last: rows of other sets take the first points
        return found


def _corner_of(family: HarmonicCorner | _Wedge | _Pressure) -> CornerFeatures:
    return family.features if isinstance(family, HarmonicCorner) else family.wedge.corner


def _families(corner: CornerFeatures, system: System) -> Iterable[HarmonicCorner | _Wedge | _Pressure]:
    """Which functions a corner has by the order of the equations and by what is given on its two sides."""
    fields, given = system.names.fields, {}
    for name in fields:
        highest = order(*system.residuals, field=name)
        on_sides = tuple(_orders_on(side, name, system) for side in corner.sides)
        if highest == FOURTH or (highest >= CLAMPED and all(len(orders) == 2 for orders in on_sides)):
            given[name] = (*on_sides, highest)
    wedges = [
        _Wedge(Wedge(corner, after, before), LEFT[highest], None if highest == FOURTH else list(fields).index(name))
        for (before, after, highest), name in sorted({held: name for name, held in given.items()}.items())
        if len(before) == len(after) == 2
    ]
    others, flows = [name for name in fields if name not in given], []
    if flow := next((each for each in wedges if each.left == LEFT[CLAMPED]), None):
        driving = [name for name in others if order(*system.residuals, field=name) == 1]
        flows = [_Pressure(flow.wedge, list(fields).index(name)) for name in driving]
        others = [name for name in others if name not in driving]
    return [*_harmonic(corner, others, system), *wedges, *flows]


def _harmonic(corner: CornerFeatures, fields: Sequence[str], system: System) -> Iterable[HarmonicCorner]:
    """By values, slopes, or one of both."""
    kinds = {tuple(_value_on(side, name, system) for side in corner.sides) for name in fields}
    if corner.depth is not None:  # sines and cosines come both there
        kinds = {(before == after, True) for before, after in kinds}
    return [
        HarmonicCorner(corner, neumann=not after, mixed=before != after)
        for before, after in sorted(kinds, reverse=True)
    ]


def _orders_on(boundary: str, name: str, system: System) -> tuple[int, ...]:
    """Which derivatives of a field are given on a boundary, the two lowest orders."""
    held = [order(each.residual, field=name) for each in system.conditions if _is_on(each, boundary, name)]
    if len(held) > 1 and set(held) == {1}:
        return 0, 1  # its whole gradient: the value along the side as well
    return tuple(sorted(set(held)))[:2]


def _value_on(boundary: str, name: str, system: System) -> bool:
    """Whether a field's value is given on a boundary, and not its slope alone."""
    return any(_is_on(each, boundary, name) and each.kind in VALUES for each in system.conditions)


def _is_on(condition: Condition, boundary: str, name: str) -> bool:
    """Whether a condition holds there, and is about this field."""
    place = condition.place
    return name in fields_of(condition) and (place.name == boundary or place.kind is Where.BOUNDARY)
