"""What a typed problem's network may read beside its coordinates: what follows from its domain's holes and corners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domains.local_features import CornerFeatures, HoleFeatures
from core.domains.regions import Region
from core.equations.completeness import fields_of
from core.equations.conditions import Condition, Kind
from core.equations.places import Where
from core.equations.system import System
from core.problems.base import Block

if TYPE_CHECKING:
    from core.jets import Jet

HIGHEST = 8.0
"""Exponents of corners' functions go so far."""
VALUES = (Kind.VALUE, Kind.POINT_VALUE)


@dataclass(frozen=True)
class _Corner:
    """Functions of one corner: which family of them, and with which exponents."""

    features: CornerFeatures
    neumann: bool
    mixed: bool

    @property
    def exponents(self) -> list[float]:
        found = self.features.exponents(HIGHEST, self.mixed)
        return found if self.features.depth is None else [*found, *found]

    def functions(self, x: Sequence[Jet]) -> list[Jet]:
        count = len(self.features.exponents(HIGHEST, self.mixed))
        return self.features.functions(tuple(x), count, self.neumann, self.mixed) if count else []


class LocalInputs:
    """Inputs and functions of the domain's own.

    Args:
        system: whose; without a domain there are none.
    """

    def __init__(self, system: System):
        region = system.frame.region
        found = region.local_features if isinstance(region, Region) else ()
        self._space = len(system.names.space)
        self.holes = [each for each in found if isinstance(each, HoleFeatures)]
        self.corners = [each for corner in found if isinstance(corner, CornerFeatures)
                        for each in _families(corner, system)]  # fmt: skip

    def blocks(self, inputs: int) -> tuple[Block, ...]:
        """See `Problem.blocks`; each reads all inputs of time, two where it is periodic: those after space's."""
        d = self._space
        moving = range(d, inputs)
        return tuple(Block((*range(inputs + k * d, inputs + (k + 1) * d), *moving), hole.weight)
                     for k, hole in enumerate(self.holes))  # fmt: skip

    def functions(self, inputs: int) -> tuple[tuple[int, float], ...]:
        """See `Problem.functions`."""
        exponents = [*(0.0 for _ in self.holes), *(m for corner in self.corners for m in corner.exponents)]
        first = inputs + self._space * len(self.holes)
        return tuple((first + k, m) for k, m in enumerate(exponents))

    def of(self, x: Sequence[Jet]) -> list[Jet]:
        """All of them at coordinates of which those of space come first."""
        place = tuple(x[: self._space])
        return [
            *(each for hole in self.holes for each in hole.inputs(place)),
            *(each for hole in self.holes for each in hole.functions(place)),
            *(each for corner in self.corners for each in corner.functions(place)),
        ]


def _families(corner: CornerFeatures, system: System) -> Iterable[_Corner]:
    """Which functions a corner has by what is given on its two sides: values, slopes, or one of both."""
    kinds = {tuple(_value_on(side, name, system) for side in corner.sides) for name in system.names.fields}
    if corner.depth is not None:  # sines and cosines come both there
        kinds = {(before == after, True) for before, after in kinds}
    return [_Corner(corner, neumann=not after, mixed=before != after) for before, after in sorted(kinds, reverse=True)]


def _value_on(boundary: str, name: str, system: System) -> bool:
    """Whether a field's value is given on a boundary, and not its slope alone."""

    def there(each: Condition) -> bool:
        return name in fields_of(each) and (each.place.name == boundary or each.place.kind is Where.BOUNDARY)

    return any(there(each) and each.kind in VALUES for each in system.conditions)
