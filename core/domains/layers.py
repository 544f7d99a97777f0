"""Features of thin layers beside a boundary: coordinates that are stretched towards it, and points in it.

Where a small factor stands before the highest derivatives a solution changes within a thin layer beside a boundary,
such as an outflow's, to meet its condition there. Waves of x and y don't follow that; waves of asinh(d/ℓ) do, d the
distance from the boundary: within the thickness ℓ they are as fine as it, farther off they get longer with d.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.domains.arithmetic import Number, asinh
from core.domains.boundaries import Corner, corners, pieces
from core.domains.curves import Curve, Segment
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

    around = False
    """Whether its features read x and y, too."""

    @property
    def places(self) -> tuple[float | None, float | None]:
        """Along which coordinates it is thin, and where: of a straight boundary along the other one."""
        if not isinstance(self.piece, Segment):
            return None, None
        (ax, ay), (bx, by), close = self.piece.a, self.piece.b, 1e-9 * self.piece.size
        return (ax if abs(bx - ax) <= close else None, ay if abs(by - ay) <= close else None)

    def inputs(self, x: tuple[Number, ...]) -> list[Number]:
        """asinh(d/ℓ), (n,): 0 on the boundary, 1 about a thickness away, its logarithm far off."""
        return [asinh(self.piece.implicit(x) * (1 / self.thickness))]


@dataclass(frozen=True)
class Surroundings:
    """Of a corner, where a solution gets finer and finer; layers in both directions."""

    name: str
    """Of the boundaries that meet there: `step and roof`."""
    corner: Corner
    thickness: float
    around = True

    @property
    def places(self) -> tuple[float, float]:
        """See `Layer.places`."""
        return self.corner.at

    def inputs(self, x: tuple[Number, ...]) -> list[Number]:
        """asinh(a/ℓ) and asinh(b/ℓ) of the coordinates along the line that halves the angle, and across it, (n,)."""
        (u, v), scale = self.corner.towards, 1 / self.thickness
        p, q = ((each - place) * scale for each, place in zip(x, self.corner.at, strict=False))
        return [asinh(p * u + q * v), asinh(q * u - p * v)]


def layers(domain: Any, thickness: Mapping[str, float]) -> tuple[Layer | Surroundings, ...]:
    """A layer for each line or arc that the named boundaries are parts of, and surroundings of the named corners.

    Args:
        domain: of any kind; None for a box of coordinates.
        thickness: boundary or corner → ℓ.

    Raises:
        LabError: the domain is not in the plane and made of shapes, or has neither boundary nor corner of such a name.
    """
    if not isinstance(domain, Shape) or domain.dimension != 2:
        raise LabError("Layers are for domains in the plane that are made of shapes; give one, or leave them out.")
    found: dict[tuple, Layer | Surroundings] = {}
    every, bends = pieces(domain), _named(domain)
    for name, size in sorted(thickness.items()):  # the order of data is no part of a config
        own = [piece for piece in every if piece.name == name]
        if not own and name not in bends:
            known = ", ".join(dict.fromkeys(piece.name for piece in every))
            corner = f", and corners such as {next(iter(bends))!r}" if bends else ""
            raise LabError(f"There is no boundary {name!r} for a layer; the domain has {known}{corner}.")
        for piece in own:
            found.setdefault((name, *piece.key), Layer(name, piece, size))
        for corner in () if own else bends[name]:
            found[name, corner.at] = Surroundings(name, corner, size)
    return tuple(found.values())


def _named(domain: Shape) -> dict[str, list[Corner]]:
    """A domain's corners by the names of the boundaries that meet there."""
    found: dict[str, list[Corner]] = {}
    for corner in corners(domain):
        found.setdefault(" and ".join(dict.fromkeys(corner.names)), []).append(corner)
    return found


def points_in_layers(
    found: Sequence[Layer | Surroundings],
    boundary: Callable[[np.ndarray, str], BoundaryPoints],
    contains: Callable[[np.ndarray], np.ndarray],
    lots: np.ndarray,
) -> np.ndarray:
    """Points (k, 2) of the layers, evenly spread in asinh(d/ℓ).

    Args:
        found: the layers.
        boundary: from lots (m, 2) and a name to points on that boundary.
        contains: whether points (m, 2) lie in the domain.
        lots: points (n, 3) of the unit cube, n those of the whole set.
    """
    each = int(min(SHARE, MOST / max(1, len(found))) * len(lots))
    points = [lots[:0, :2]]
    for k, layer in enumerate(found):
        own = lots[k * each : (k + 1) * each]
        depth = (layer.thickness * np.sinh(own[:, 2] * np.arcsinh(THICKNESSES)))[:, None]
        if isinstance(layer, Surroundings):
            angle = 2 * np.pi * own[:, 0]
            points.append(layer.corner.at + depth * np.stack([np.cos(angle), np.sin(angle)], axis=1))
        else:
            at = boundary(own[:, :2], layer.name)
            points.append(at.points - depth * at.normals)
    every = np.concatenate(points)
    return every[contains(every)]
