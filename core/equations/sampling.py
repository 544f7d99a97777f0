"""Points of a system's domain and the values of expressions there, to check what is claimed of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from core.equations.evaluation import Program
from core.equations.places import Frame, Place, Where
from core.equations.tree import Coordinate, Expression, Parameter, Unknown

POINTS = 200


def inner_points(frame: Frame, count: int = POINTS) -> dict[str, np.ndarray]:
    """Points spread evenly over the box of all coordinates: name → (count,)."""
    unit = _spread(len(frame.domain), count)
    return {name: low + (high - low) * unit[:, i] for i, (name, (low, high)) in enumerate(frame.domain.items())}


def points_at(places: Iterable[Place], frame: Frame, count: int = POINTS) -> dict[str, np.ndarray]:
    """Points where several sides or points meet: their coordinates fixed, the others spread, their ends among them."""
    points = inner_points(frame, count)
    for row, (name, (low, high)) in enumerate(frame.domain.items()):
        points[name][row :: len(frame.domain) + 7] = low
        points[name][row + 3 :: len(frame.domain) + 7] = high
    for place in places:
        for name, value in dict(place.point).items():
            points[name] = np.full(count, value)
        if place.kind is Where.SIDE:
            points[place.coordinate] = np.full(count, place.value)
    return points


def values_of(
    nodes: Iterable[Expression],
    points: Mapping[str, np.ndarray],
    frame: Frame,
    more: Mapping[Expression, Any] | None = None,
) -> list[np.ndarray]:
    """The values (n,) of expressions without fields at points; NaN or infinite where they have none.

    Args:
        nodes: expressions of coordinates, parameters and what `more` has.
        points: coordinate → (n,).
        frame: of the system.
        more: leaf → value, of unknowns or normals.
    """
    known = {Coordinate(name): values for name, values in points.items()}
    known |= {Parameter(name): value for name, value in frame.parameters.items()}
    n = len(next(iter(points.values())))
    with np.errstate(all="ignore"):
        found = Program(nodes)(known | dict(more or {}))
    return [np.broadcast_to(np.asarray(value, dtype=float), n) for value in found]


def is_known(node: Expression, more: Iterable[Expression] = ()) -> bool:
    """Whether an expression has a value at any point: no field, integral, normal or unknown beside `more`."""
    allowed = set(more)
    return all(isinstance(leaf, Coordinate | Parameter) or leaf in allowed for leaf in Program([node]).leaves)


def where(points: Mapping[str, np.ndarray], index: int, names: Iterable[str] | None = None) -> str:
    """A point in words: `x = 0.2, t = 0.7`."""
    return ", ".join(f"{name} = {points[name][index] + 0.0:.3g}" for name in (names or points))


def unknown_values(unknowns: Mapping[str, float]) -> dict[Expression, float]:
    """Values of unknowns as leaf → value."""
    return {Unknown(name): value for name, value in unknowns.items()}


def _spread(dimension: int, count: int) -> np.ndarray:
    """(count, dimension) in the unit cube: Kronecker's sequence by the root of r^(d+1) = r + 1 (Roberts, 2018)."""
    ratio = 2.0
    for _ in range(40):
        ratio = (1 + ratio) ** (1 / (dimension + 1))
    steps = ratio ** -np.arange(1.0, dimension + 1)
    return (0.5 + np.outer(np.arange(1, count + 1), steps)) % 1.0
