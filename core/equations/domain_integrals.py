"""Integrals in a domain: nodes and weights for each point that one is asked for at, and whether one has a value."""

from __future__ import annotations

import numpy as np

from core.domains.integration import along, over_boundary, over_inside
from core.domains.quadrature import gauss
from core.domains.sequences import halton
from core.equations.places import Frame
from core.equations.tree import Expression, Normal

LEAST = {1: 96, 2: 600}
"""Nodes in so many coordinates of space for each point that an integral is asked for at, where these are many."""
LEAST_BEYOND = 1500
IN_TIME = 24
"""Nodes in time, where it is integrated over."""
TARGETS = 48
"""Points that an integral is asked for at where some coordinates of space are left."""


def spread(frame: Frame, count: int, on: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Points of the domain, or of boundaries, and of its time, by the names of their coordinates."""
    region, d = frame.region, frame.region.dimension
    unit = halton(count, len(frame.domain), np.zeros(len(frame.domain)))
    columns = np.concatenate([region.boundary(unit[:, :d], on).points, unit[:, d:]], 1) if on else region.interior(unit)
    found = dict(zip(frame.domain, columns.T, strict=True))
    if frame.names.time is not None:
        low, high = frame.domain[frame.names.time]
        found[frame.names.time] = low + (high - low) * found[frame.names.time]
    return found


def normals_of(frame: Frame, on: tuple[str, ...], points: dict[str, np.ndarray]) -> dict[Expression, np.ndarray]:
    """The normal's components at points of boundaries; empty where there are none."""
    if not on:
        return {}
    normals = frame.region.normals(np.stack([points[x] for x in frame.names.space], axis=1), on)
    return {Normal(x): column for x, column in zip(frame.names.space, normals.T, strict=True)}


def scattered(frame: Frame, on: tuple[str, ...] = ()) -> np.ndarray:
    """Points of the domain, or of boundaries, and its time (m, d), in the order of the coordinates."""
    return np.stack(list(spread(frame, TARGETS, on).values()), axis=1)


def nodes(
    frame: Frame, over: tuple[str, ...], on: tuple[str, ...], fixed: dict[str, float], target: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Points (q, d) and weights (q,).

    Args:
        frame: of a domain.
        over: coordinates that are integrated over.
        on: names of boundaries where it is over these.
        fixed: what the place fixes.
        target: (d,): what the other coordinates are.
        most: nodes.

    Raises:
        LabError: there is no rule.
    """
    region, names = frame.region, list(frame.domain)
    space = tuple(k for k, name in enumerate(names[: region.dimension]) if name in over)
    in_time = frame.names.time in over
    least = LEAST.get(region.dimension, LEAST_BEYOND)
    most = max(most // IN_TIME, least // 4) if in_time else max(most, least)
    if on:
        rule = over_boundary(region, on, most)
        points, weights = rule.points, rule.weights
    elif len(space) == region.dimension:
        rule = over_inside(region, most)
        points, weights = rule.points, rule.weights
    elif space:
        others = {k: float(fixed.get(names[k], target[k])) for k in range(region.dimension) if k not in space}
        rule = along(region, space, others, most)
        points, weights = rule.points, rule.weights
    else:
        points, weights = target[None, : region.dimension], np.ones(1)
    found = np.tile(target, (len(points), 1))
    found[:, : region.dimension] = points
    if frame.names.time is None:
        return found, weights
    clock = names.index(frame.names.time)
    if frame.names.time in fixed:
        found[:, clock] = fixed[frame.names.time]
    if not in_time:
        return found, weights
    moments, shares = gauss(IN_TIME, *frame.domain[frame.names.time])
    found = np.repeat(found, IN_TIME, axis=0)
    found[:, clock] = np.tile(moments, len(points))
    return found, np.outer(weights, shares).ravel()
