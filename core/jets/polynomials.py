"""Products of Chebyshev polynomials of several jets."""

from __future__ import annotations

from collections.abc import Sequence

import torch

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
        one = _polynomials(Jet(inputs.data[:, :, k], inputs.layout), count)
        if product is None:
            product = one
        else:
            outer = Jet(product.data[:, :, :, None], product.layout) * Jet(one.data[:, :, None, :], one.layout)
            product = Jet(outer.data.flatten(2), outer.layout)
    return product


def _polynomials(x: Jet, count: int) -> Jet:
    """T₀ … T_{count−1} of a jet (C, N): (C, N, count)."""
    first = torch.zeros_like(x.data)
    first[0] = 1
    found = [Jet(first, x.layout), Jet(x.data, x.layout)]
    double = Jet(2 * x.data, x.layout)
    while len(found) < count:
        found.append(double * found[-1] - found[-2])
    return Jet(torch.stack([jet.data for jet in found[:count]], dim=-1), x.layout)
