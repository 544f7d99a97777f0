"""What the first process asks of all, and how the answers are put together: the same code on either side."""

from __future__ import annotations

import enum
import io
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from core.optimizers import triangle
from core.training.spread.part import Part
from core.training.spread.ranks import END, HERE, Ranks


class Call(enum.IntEnum):
    """What is asked."""

    END = END
    HERE = HERE
    """Nothing but whether all are still there."""
    BEGIN = 2
    """Here are a solution and points: take your part."""
    LOSS = 3
    LINEARISE = 4
    SLOPE = 5
    NORMS = 6
    GRADIENT = 7
    GRAM = 8
    TRIANGLE = 9
    DECREASE = 10


MOVES = (Call.LOSS, Call.LINEARISE, Call.SLOPE)
"""Calls that come with the parameters' values."""


def announce(ranks: Ranks, call: Call, size: int, length: int = 0) -> None:
    """In the first process: say to all what follows, for how many of them, and how many bytes belong to it."""
    ranks.told(torch.tensor([call, size, length]), ranks.world)


def awaited(ranks: Ranks) -> tuple[Call, int, int]:
    """In another one: what follows, for how many, and how many bytes belong to it."""
    call, size, length = ranks.told(torch.zeros(3, dtype=torch.int64), ranks.world).tolist()
    return Call(call), size, length


def packet(data: dict[str, Any]) -> Tensor:
    """Plain data and tensors as bytes."""
    buffer = io.BytesIO()
    torch.save(data, buffer)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def unpacked(packet_: Tensor) -> dict[str, Any]:
    """What was packed; nothing in it is run."""
    return torch.load(io.BytesIO(packet_.numpy().tobytes()), map_location="cpu", weights_only=True)


def answer(ranks: Ranks, call: Call, size: int, part: Part, given: Tensor | None = None) -> Any:
    """Do a call in this process, as all of the group do; what comes out of it is right in the first alone.

    Args:
        ranks: the processes.
        call: other than `END`, `HERE` and `BEGIN`.
        size: of the group.
        part: this process's.
        given: parameters (P,) or a step (P,); in the others what is overwritten by it.
    """
    if given is not None:
        ranks.told(given, size)
    if call in MOVES:
        if not ranks.first:
            part.move(given)
        if call is Call.SLOPE:
            figures, gradient = part.slope()
            return _figures(ranks, size, *figures), ranks.summed(gradient, size)
        return _figures(ranks, size, *(part.loss() if call is Call.LOSS else part.linearise()))
    if call is Call.TRIANGLE:
        return _triangle(ranks, size, part)
    if call is Call.DECREASE:
        return ranks.summed(part.decrease(given), size)
    sums: dict[Call, Callable[[], Tensor]] = {
        Call.NORMS: part.norms,
        Call.GRADIENT: part.gradient,
        Call.GRAM: part.gram,
    }
    return ranks.summed(sums[call](), size)


def with_given(call: Call) -> bool:
    """Whether a call comes with P numbers."""
    return call in MOVES or call is Call.DECREASE


def _figures(ranks: Ranks, size: int, squares: Tensor, largest: Tensor) -> tuple[Tensor, Tensor]:
    """Σ r² and max |r| over all rows; beside them goes whether anybody was asked to stop."""
    ranks.summed(squares, size)
    flagged = ranks.largest(torch.cat([largest, torch.tensor([float(ranks.asked)], dtype=torch.float64)]), size)
    ranks.asked = ranks.asked or bool(flagged[-1])
    return squares, flagged[:-1]


def _triangle(ranks: Ranks, size: int, part: Part) -> tuple[Tensor, Tensor] | None:
    """R (P, P) and the first P of Qᵀr of all rows: two triangles become one, pair by pair, up a binary tree."""
    R, c = part.rows.triangle()
    S, y = R.triu(), c.clone()
    part.drop()
    step = 1
    while step < size:
        if ranks.rank % (2 * step):
            ranks.send(torch.cat([y, triangle.packed(S)]), ranks.rank - step)
            return None
        if ranks.rank + step < size:
            n = len(y)
            like = torch.cat([y, triangle.packed(S)])
            received = ranks.receive(torch.empty_like(like), ranks.rank + step)
            triangle.stack(S, y, triangle.unpacked(received[n:], n), received[:n])
        step *= 2
    return S, y
