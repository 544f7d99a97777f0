"""Products of polynomials of many inputs, of which those up to a total degree alone are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from core.jets.in_blocks import in_blocks
from core.jets.jet import Jet
from core.jets.polynomials import Kind, factors


@dataclass(frozen=True)
class Limited:
    """Which products there are: one input after another, the products so far that go on and its functions they take."""

    degrees: tuple[int, ...]
    circles: tuple[int, ...]
    levels: tuple[tuple[Tensor, Tensor], ...]
    kinds: tuple[Kind, ...] | None
    orders: np.ndarray
    """(products, factors): of each product, the index of its function of each coordinate."""

    @staticmethod
    def of(
        degrees: Sequence[int],
        circles: Sequence[int],
        orders: Sequence[np.ndarray],
        total: int,
        kinds: Sequence[Kind] | None = None,
    ) -> Limited:
        """Those whose degrees add up to at most `total`.

        Args:
            degrees: how many functions of each coordinate.
            circles: inputs that are the cosine of a periodic coordinate; see `core.jets.chebyshev`.
            orders: the degree of each function of each coordinate.
            total: see above.
            kinds: see `core.jets.chebyshev`.
        """
        sums, levels, indices = np.zeros(1, int), [], np.zeros((1, 0), int)
        for each in orders:
            before, its = np.nonzero(sums[:, None] + each[None] <= total)
            sums = sums[before] + each[its]
            indices = np.concatenate([indices[before], its[:, None]], axis=1)
            levels.append((torch.as_tensor(before), torch.as_tensor(its)))
        return Limited(tuple(degrees), tuple(circles), tuple(levels), kinds and tuple(kinds), indices)


def limited(inputs: Jet, which: Limited) -> Jet:
    """Products of Chebyshev polynomials, and of harmonics of periodic coordinates, up to a total degree.

    Args:
        inputs: (C, N, d), in [−1, 1].
        which: the products.

    Returns:
        (C, N, products).
    """
    components, points, _ = inputs.data.shape
    found = inputs.data.new_empty(components, points, len(which.orders))
    for rows, jet in _in_blocks(inputs, which):
        found[:, rows] = jet.data
    return Jet(found, inputs.layout)


def limited_sums(inputs: Jet, which: Limited, weight: Tensor) -> Jet:
    """Their sums with weights, (outputs, products): (C, N, outputs)."""
    return Jet(torch.cat([jet.data @ weight.T for _, jet in _in_blocks(inputs, which)], dim=1), inputs.layout)


def _in_blocks(inputs: Jet, which: Limited) -> Iterator[tuple[slice, Jet]]:
    device = inputs.data.device
    levels = [(before.to(device), its.to(device)) for before, its in which.levels]
    of_each = partial(factors, degrees=which.degrees, circles=which.circles, kinds=which.kinds)
    return in_blocks(inputs, len(which.orders), levels, of_each)
