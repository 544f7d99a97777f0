"""Points of a system's domain and the values of expressions there, to check what is claimed of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from core.equations.evaluation import Program
from core.equations.places import ON_BOUNDARIES, Frame, Place
from core.equations.tree import Coordinate, Expression, Normal, Parameter, Unknown

POINTS = 200
FINER = 100
"""Rounding is smaller by more than this in extended precision, which has 11 bits more."""


def inner_points(frame: Frame, count: int = POINTS) -> dict[str, np.ndarray]:
    """Points spread evenly over the domain: name → (count,)."""
    unit = _spread(len(frame.domain), count)
    if frame.region is not None:
        return _placed(frame.region.interior(unit), frame)
    return {name: low + (high - low) * unit[:, i] for i, (name, (low, high)) in enumerate(frame.domain.items())}


def _placed(columns: np.ndarray, frame: Frame) -> dict[str, np.ndarray]:
    """Points in the region with time from 0 to 1 beside them, where there is time, by name and in the frame's order."""
    names = (*frame.names.space, *(() if frame.names.time is None else (frame.names.time,)))
    found = dict(zip(names, columns.T, strict=True))
    if frame.names.time is not None:
        low, high = frame.domain[frame.names.time]
        found[frame.names.time] = low + (high - low) * found[frame.names.time]
    return {name: found[name] for name in frame.domain}


def points_at(places: Iterable[Place], frame: Frame, count: int = POINTS) -> dict[str, np.ndarray]:
    """Points of several places, where they meet: their coordinates fixed, the others spread, their ends among them."""
    places = tuple(places)
    on = [place for place in places if place.kind in ON_BOUNDARIES and frame.region is not None]
    points = _on_boundary(frame, count, frame.shared(on)) if on else inner_points(frame, count)
    for row, (name, (low, high)) in enumerate(frame.domain.items()):
        if frame.region is not None and name != frame.names.time:
            continue
        points[name][row :: len(frame.domain) + 7] = low
        points[name][row + 3 :: len(frame.domain) + 7] = high
    for place in places:
        points |= {name: np.full(count, value) for name, value in place.fixed.items()}
    return points


def _on_boundary(frame: Frame, count: int, on: Sequence[str]) -> dict[str, np.ndarray]:
    unit = _spread(len(frame.domain), count)
    d = frame.region.dimension
    at = frame.region.boundary(unit[:, :d], on, least=0.5).points
    return _placed(np.concatenate([at, unit[:, d:]], axis=1), frame)


def normals_at(place: Place, points: Mapping[str, np.ndarray], frame: Frame) -> dict[Expression, Any]:
    """The outward normal's components at points of a place; of a box, at an end of a coordinate."""
    space = frame.names.space
    if frame.region is not None and place.kind in ON_BOUNDARIES:
        at = np.stack([points[name] for name in space], axis=1)
        normals = frame.region.normals(at, frame.named(place))
        return {Normal(x): column for x, column in zip(space, normals.T, strict=True)}
    sign = {"low": -1.0, "high": 1.0}.get(place.end, 0.0)
    return {Normal(x): sign * (x == place.coordinate) for x in space}


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


def largest(values: np.ndarray) -> float:
    """The largest finite size among values; 0 where there is none."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0


def is_known(node: Expression, more: Iterable[Expression] = ()) -> bool:
    """Whether an expression has a value at any point: no field, integral, normal or unknown beside `more`."""
    allowed = set(more)
    return all(isinstance(leaf, Coordinate | Parameter) or leaf in allowed for leaf in Program([node]).leaves)


def is_rounding(node: Expression, frame: Frame) -> bool:
    """Whether an expression is zero but for rounding: what it leaves shrinks with the precision it is computed in."""
    if not is_known(node):
        return False
    points = points_at([], frame)
    (plain,) = values_of([node], points, frame)
    finer = np.longdouble
    known = {Coordinate(name): finer(values) for name, values in points.items()}
    known |= {Parameter(name): finer(value) for name, value in frame.parameters.items()}
    try:
        with np.errstate(all="ignore"):
            fine = np.abs(np.asarray(Program([node])(known)[0], dtype=finer))
    except TypeError:  # a function that has no such precision
        return not np.any(plain)
    return bool(np.isfinite(plain).all() and fine.max() * FINER <= np.abs(plain).max())


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
