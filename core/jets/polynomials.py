"""Products of Chebyshev polynomials of several jets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.jets.jet import Jet


def chebyshev(inputs: Jet, degrees: Sequence[int]) -> Jet:
    """All products T_i(x₁)T_j(x₂)… of the first `degrees` polynomials of each input, the last input's the fastest.

    Args:
        inputs: (C, N, d), in [−1, 1].
        degrees: how many polynomials, T₀ … T_{n−1}, of each of the d inputs.

    Returns:
        (C, N, Π degrees).
    """
    product = None
    for k, count in enumerate(degrees):
        one = _polynomials(_input(inputs, k), count)
        if product is None:
            product = one
        else:
            outer = Jet(product.data[:, :, :, None], product.layout) * Jet(one.data[:, :, None, :], one.layout)
            product = Jet(outer.data.flatten(2), outer.layout)
    return product


def chebyshev_sums(inputs: Jet, degrees: Sequence[int], weight: Tensor) -> Jet:
    """Sums of the products of `chebyshev` with weights, one input after the other: no product is ever made.

    Args:
        inputs: (C, N, d), in [−1, 1].
        degrees: of each input.
        weight: (outputs, Π degrees).

    Returns:
        (C, N, outputs).
    """
    one, count, outputs = _polynomials(_input(inputs, 0), degrees[0]), degrees[0], len(weight)
    columns = weight.reshape(outputs, count, -1).permute(1, 2, 0).reshape(count, -1)
    total = Jet(one.data @ columns, inputs.layout)  # what is left of the products' indices, outputs the fastest
    for k, count in enumerate(degrees[1:], start=1):
        one = _polynomials(_input(inputs, k), count)
        parts = Jet(total.data.unflatten(2, (count, -1)), inputs.layout)
        total = Jet((Jet(one.data[..., None], inputs.layout) * parts).data.sum(2), inputs.layout)
    return total


def _input(inputs: Jet, k: int) -> Jet:
    return Jet(inputs.data[:, :, k], inputs.layout)


def _polynomials(x: Jet, count: int) -> Jet:
    """T₀ … T_{count−1} of a jet (C, N): (C, N, count)."""
    first = torch.zeros_like(x.data)
    first[0] = 1
    found = [Jet(first, x.layout), Jet(x.data, x.layout)]
    double = Jet(2 * x.data, x.layout)
    while len(found) < count:
        found.append(double * found[-1] - found[-2])
    return Jet(torch.stack([jet.data for jet in found[:count]], dim=-1), x.layout)
