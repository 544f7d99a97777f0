"""Equations averaged over their periodic coordinates: what preconditions those that are not the same everywhere.

With coefficients that are the same along periodic coordinates waves don't mix: JᵀJ falls into one block for each wave
vector, as wide as there are fields times functions of the other coordinates, time for one. Over a short window of time
what is left, the difference of the coefficients from their averages, changes little.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from core.jets import TensorSums

WIDEST = 400
"""Unknowns of a block beyond which factorising all of them takes longer than it spares."""
MOST = 2**30
"""Bytes of all blocks beyond which none is made: levelling spares products, and nothing needs it."""
AT_ONCE = 2**24
"""Bytes of blocks that are factorised at a time: what that takes beside the result does not grow with their number."""
MADE_FROM = 5
"""Times what is factorised at a time: products, their sum, its factor and that one's inverse."""
RIDGE = 1e-13
"""Part of a block's mean diagonal that is added to it: some products are nothing at the nodes."""


class Averaged:
    """R with RᵀR ≈ JᵀJ.

    Args:
        sums: of the layer, with waves.
        inverses: R⁻¹ of each wave vector, (…, b, b) complex.
    """

    def __init__(self, sums: TensorSums, inverses: Tensor):
        self._sums, self._inverses = sums, inverses

    @classmethod
    def of(cls, sums: TensorSums, slopes: Tensor, components: Sequence[int]) -> Averaged | None:
        """From what rows change by with components of the layer's jet; None without waves, or for too wide blocks.

        Args:
            sums: of the layer.
            slopes: (rows, components, outputs, nodes).
            components: which ones.
        """
        rows, _, outputs, _ = slopes.shape
        if not levelled([sums], outputs):
            return None
        mean = slopes.reshape(rows, len(components), outputs, *sums.sides).mean([3 + k for k in sums.circles])
        blocks = _by_wave(sums, mean.reshape(rows, len(components), outputs, -1), components)
        squares = {
            (a, b): (blocks[a].T @ blocks[b], (sums.waves.symbol(a).conj() * sums.waves.symbol(b)).flatten())
            for a, b in itertools.product(blocks, repeat=2)
        }
        (square, symbol), *_ = squares.values()
        inverses = symbol.new_empty(len(symbol), *square.shape)
        one = torch.eye(len(square), dtype=symbol.dtype, device=symbol.device)
        for some in torch.arange(len(symbol)).split(max(1, AT_ONCE // one.nbytes)):
            chosen = slice(int(some[0]), int(some[-1]) + 1)
            gram = torch.zeros_like(inverses[chosen])
            for square, symbol in squares.values():
                gram += symbol[chosen, None, None] * square
            size = gram.diagonal(dim1=-2, dim2=-1).real.mean(-1)
            gram.diagonal(dim1=-2, dim2=-1).add_(RIDGE * size[..., None])
            lower, info = torch.linalg.cholesky_ex(gram)
            if bool(info.any()):
                return None
            inverses[chosen] = torch.linalg.solve_triangular(lower, one.expand_as(lower), upper=False).mH
        return cls(sums, inverses.unflatten(0, sums.waves.shape))

    def solved(self, y: Tensor) -> Tensor:
        """R⁻¹y (outputs, products)."""
        waves = self._each(self._inverses, self._sums.waves.of(self._turned(y)))
        return self._turned_back(self._sums.waves.back(waves) / self._sums.waves.norms)

    def transposed(self, g: Tensor) -> Tensor:
        """R⁻ᵀg (outputs, products)."""
        waves = self._sums.waves.of(self._turned(g) / self._sums.waves.norms)
        # conjugates of the vectors: those of the blocks would be a copy of all of them
        return self._turned_back(self._sums.waves.back(self._each(self._inverses.mT, waves.conj()).conj()))

    def _turned(self, weight: Tensor) -> Tensor:
        """(outputs, products) with waves' axes last."""
        return weight.reshape(-1, *self._sums.counts).permute(self._sums.kept)

    def _turned_back(self, weight: Tensor) -> Tensor:
        return weight.permute(self._sums.given).reshape(len(weight), -1)

    def _each(self, blocks: Tensor, waves: Tensor) -> Tensor:
        """Each wave vector's block applied to it."""
        places = len(self._sums.circles)
        inner = waves.shape[:-places]
        z = waves.flatten(0, -places - 1).movedim(0, -1)
        return (blocks @ z[..., None])[..., 0].movedim(-1, 0).unflatten(0, inner)


def levelled(sums: Sequence[TensorSums], outputs: int) -> bool:
    """Whether there are blocks for a layer's sums at each point set, the equations' first.

    With rows of conditions beside them the equations alone leave what only a ridge would level.
    """
    first = sums[0]
    return len(sums) == 1 and first.waves is not None and block_bytes(first.counts, first.circles, outputs) > 0


def block_bytes(counts: Sequence[int], circles: Sequence[int], outputs: int) -> int:
    """Bytes that making the blocks of all waves takes; 0 where there are none, or they would be too wide or too many.

    Args:
        counts: functions along each axis.
        circles: which axes are of waves.
        outputs: fields.
    """
    if not circles:
        return 0
    width = outputs * math.prod(count for k, count in enumerate(counts) if k not in circles)
    *first, last = (counts[k] for k in circles)
    found = 16 * math.prod(first) * (last // 2 + 1) * width**2  # of the last axis half of the waves are conjugates
    return found + MADE_FROM * min(found, AT_ONCE) if width <= WIDEST and found <= MOST else 0


def _by_wave(sums: TensorSums, mean: Tensor, components: Sequence[int]) -> dict[tuple[int, ...], Tensor]:
    """By orders along the periodic axes: (rows · other nodes, outputs · other functions), without the waves.

    Args:
        sums: of the layer.
        mean: what rows change by with components, (rows, components, outputs, other nodes).
        components: which ones.
    """
    found: dict[tuple[int, ...], Tensor] = {}
    for place, component in enumerate(components):
        for c, orders in sums.terms[component]:
            table = mean.new_ones(1, 1)
            for k in sums.others:
                table = torch.kron(table, sums.axes[k].tables[orders[k]])
            block = c * mean[:, place].transpose(1, 2)[..., None] * table[None, :, None, :]
            block = block.flatten(2).flatten(0, 1)
            key = tuple(orders[k] for k in sums.circles)
            found[key] = found[key] + block if key in found else block
    return found
