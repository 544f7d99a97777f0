"""Points that are a grid, in a grid's order, recognised as one: what is a product of axes is computed axis by axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor


def sides_of(axes: Sequence[Tensor]) -> tuple[int, ...] | None:
    """How many positions of each axis a grid of points has, the last axis the fastest; None where they are none.

    Args:
        axes: what each axis has at the points, (N, w) numbers.

    Returns:
        (n₁, …, n_d, m) with N = n₁⋯n_d·m: each node of these axes stands m times, one after the other.
    """
    run, sides = len(axes[0]), []
    if not run:
        return None
    for axis in axes:
        changed = (axis[:run] != axis[0]).any(1)
        length = int(changed.byte().argmax()) or run  # where the first change is; 0: none
        if run % length:
            return None
        sides.append(run // length)
        run = length
    sides.append(run)
    for k, axis in enumerate(axes):
        nodes = axis.reshape(math.prod(sides[:k]), sides[k], -1, axis.shape[1])
        if not bool((nodes == nodes[:1, :, :1]).all()):
            return None
    return tuple(sides)


def nodes_of(axis: Tensor, sides: Sequence[int], k: int) -> Tensor:
    """What axis k of such a grid has at its nodes, (n_k, w), from what it has at the points (N, w)."""
    return axis.reshape(math.prod(sides[:k]), sides[k], -1, axis.shape[1])[0, :, 0]


def blocks_of(sides: Sequence[int], most: int) -> list[slice]:
    """A grid's points in parts that are grids themselves, of at most so many points, in their order.

    Args:
        sides: as `sides_of` gives them.
        most: points of a part, at least 1.
    """
    k = next(k for k in range(len(sides)) if math.prod(sides[k + 1 :]) <= most)  # the first axis to be cut
    rest, count = math.prod(sides[k + 1 :]), math.prod(sides)
    run, step = sides[k] * rest, most // rest * rest
    return [
        slice(start, min(start + step, first + run))
        for first in range(0, count, run)
        for start in range(first, first + run, step)
    ]
