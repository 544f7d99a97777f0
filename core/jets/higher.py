"""Products and compositions of jets whose layout goes to third or fourth order: Leibniz's and Faà di Bruno's rules.

They are ordinary tensor operations, so that automatic differentiation goes through them in either mode and as often as
it likes. Which terms there are is worked out once for a layout.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from core.forms import Layout, Monomial


def product(f: Tensor, g: Tensor, layout: Layout) -> Tensor:
    """f·g for jets (C, …) that may be broadcast."""
    d = layout.dimension
    whole = f[0] * g[1:] + g[0] * f[1:]
    parts = [(f[0] * g[0])[None], whole[:d]]
    for total, split in zip(whole[d:], layout.splits, strict=True):
        for p, q, c in split:
            total = total.addcmul(f[p], g[q], value=c)
            if p != q:
                total = total.addcmul(f[q], g[p], value=c)
        parts.append(total[None])
    return torch.cat(parts)


def composed(
    data: Tensor, layout: Layout, f: Tensor, df: Tensor, ddf: Tensor, *further: Callable[[], Tensor]
) -> Tensor:
    """h(f) for a jet (C, …), from h and its derivatives at the jet's value, each (…).

    Args:
        data: the jet.
        layout: of the jet.
        f: h.
        df: h′.
        ddf: h″.
        further: h‴ and h⁗, called as far as the layout goes.
    """
    if layout.order > 2 + len(further):
        raise TypeError(f"a function of a jet of order {layout.order} was given without its derivatives up to there")
    d, bends = layout.dimension, [ddf, *(further[k]() for k in range(layout.order - 2))]
    whole = df * data[1:]
    parts = [f[None], whole[:d]]
    for total, sums in zip(whole[d:], layout.chains, strict=True):
        for bend, monomials in zip(bends, sums, strict=False):
            if monomials:
                total = total.addcmul(bend, _sum(data, monomials))
        parts.append(total[None])
    return torch.cat(parts)


def _sum(data: Tensor, monomials: tuple[Monomial, ...]) -> Tensor:
    """Σ c Π of the components, (…)."""
    total = None
    for (first, *middle, last), c in monomials:
        left = data[first]
        for place in middle:
            left = left * data[place]
        total = left * data[last] * c if total is None else total.addcmul(left, data[last], value=c)
    return total
