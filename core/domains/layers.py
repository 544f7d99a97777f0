"""Features of thin layers beside a boundary: coordinates that are stretched towards it, and points in it.

Where a small factor stands before the highest derivatives a solution changes within a thin layer beside a boundary,
such as an outflow's, to meet its condition there. Waves of x and y don't follow that; waves of asinh(d/ℓ) do, d the
distance from the boundary: within the thickness ℓ they are as fine as it, farther off they get longer with d.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.domains.arithmetic import Number, asinh
from core.domains.boundaries import pieces
from core.domains.curves import Curve
from core.domains.points import BoundaryPoints
from core.domains.shapes import Shape
from core.errors import LabError

SHARE, MOST = 0.1, 0.4
"""Of the points of one set, in each layer, and in all of them at most."""
THICKNESSES = 20.0
"""So far from its boundary, in its thicknesses, a layer has points of its own."""


@dataclass(frozen=True)
class Layer:
    """Beside one line or arc of a boundary."""

    name: str
    """Of the boundary."""
    piece: Curve
    thickness: float

    def input(self, x: tuple[Number, ...]) -> Number:
        """asinh(d/ℓ), (n,): 0 on the boundary, 1 about a thickness away, its logarithm far off."""
        return asinh(self.piece.implicit(x) * (1 / self.thickness))


def layers(domain: Any, thickness: Mapping[str, float]) -> tuple[Layer, ...]:
    """A layer for each line or arc that the named boundaries are parts of.

    Args:
        domain: of any kind; None for a box of coordinates.
        thickness: boundary → ℓ.

    Raises:
        LabError: the domain is not in the plane and made of shapes, or no boundary has such a name.
    """
    if not isinstance(domain, Shape) or domain.dimension != 2:
        raise LabError("Layers are for domains in the plane that are made of shapes; give one, or leave them out.")
    found: dict[tuple, Layer] = {}
    every = pieces(domain)
    for name, size in thickness.items():
        own = [piece for piece in every if piece.name == name]
        if not own:
            known = ", ".join(dict.fromkeys(piece.name for piece in every))
            raise LabError(f"There is no boundary {name!r} for a layer; the domain has {known}.")
        for piece in own:
            found.setdefault((name, *piece.key), Layer(name, piece, size))
    return tuple(found.values())


def points_in_layers(
    thickness: Mapping[str, float],
    boundary: Callable[[np.ndarray, str], BoundaryPoints],
    contains: Callable[[np.ndarray], np.ndarray],
    lots: np.ndarray,
) -> np.ndarray:
    """Points (k, 2) of the layers, evenly spread in asinh(d/ℓ).

    Args:
        thickness: boundary → ℓ.
        boundary: from lots (m, 2) and a name to points on that boundary.
        contains: whether points (m, 2) lie in the domain.
        lots: points (n, 3) of the unit cube, n those of the whole set.
    """
    each = int(min(SHARE, MOST / max(1, len(thickness))) * len(lots))
    found = [lots[:0, :2]]
    for k, (name, size) in enumerate(thickness.items()):
        own = lots[k * each : (k + 1) * each]
        at = boundary(own[:, :2], name)
        depth = size * np.sinh(own[:, 2] * np.arcsinh(THICKNESSES))
        points = at.points - depth[:, None] * at.normals
        found.append(points[contains(points)])
    return np.concatenate(found)
