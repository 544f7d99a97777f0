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
        width = outputs * math.prod(sums.counts[k] for k in sums.others)
        if sums.waves is None or width > WIDEST:
            return None
        mean = slopes.reshape(rows, len(components), outputs, *sums.sides).mean([3 + k for k in sums.circles])
        blocks = _by_wave(sums, mean.reshape(rows, len(components), outputs, -1), components)
        gram = 0
        for a, b in itertools.product(blocks, repeat=2):
            symbol = sums.waves.symbol(a).conj() * sums.waves.symbol(b)
            gram = gram + symbol[..., None, None] * (blocks[a].T @ blocks[b])
        size = gram.diagonal(dim1=-2, dim2=-1).real.mean(-1)
        gram.diagonal(dim1=-2, dim2=-1).add_(RIDGE * size[..., None])
        lower, info = torch.linalg.cholesky_ex(gram)
        if bool(info.any()):
            return None
        one = torch.eye(width, dtype=lower.dtype, device=lower.device).expand_as(lower)
        return cls(sums, torch.linalg.solve_triangular(lower, one, upper=False).mH.contiguous())

    def solved(self, y: Tensor) -> Tensor:
        """R⁻¹y (outputs, products)."""
        waves = self._each(self._inverses, self._sums.waves.of(self._turned(y)))
        return self._turned_back(self._sums.waves.back(waves) / self._sums.waves.norms)

    def transposed(self, g: Tensor) -> Tensor:
        """R⁻ᵀg (outputs, products)."""
        waves = self._sums.waves.of(self._turned(g) / self._sums.waves.norms)
        return self._turned_back(self._sums.waves.back(self._each(self._inverses.mH, waves)))

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
