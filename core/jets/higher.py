"""Products and compositions of jets whose layout goes to third or fourth order: Leibniz's and Faà di Bruno's rules.

They are ordinary tensor operations, so that automatic differentiation goes through them in either mode and as often as
it likes. Which terms there are is worked out once for a layout.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad

from core.forms import Layout, Monomial


def product(f: Tensor, g: Tensor, layout: Layout) -> Tensor:
    """f·g for jets (C, …) that may be broadcast."""
    f, g = f.unbind(), g.unbind()  # one by one: a part taken by itself is differentiated as a whole jet of zeros
    parts = [f[0] * g[0]] + [f[0] * b + g[0] * a for a, b in zip(f[1:], g[1:], strict=True)]
    for k, split in enumerate(layout.splits, start=1 + layout.dimension):
        for p, q, c in split:
            cross = f[p] * g[q] if p == q else (f[p] * g[q]).addcmul(f[q], g[p])
            parts[k] = parts[k] + _times(cross, c)
    return torch.stack(parts)


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
    bends, jet = [ddf, *(further[k]() for k in range(layout.order - 2))], data.unbind()
    products = _Monomials(jet)
    parts = [f] + [df * part for part in jet[1:]]
    for k, sums in enumerate(layout.chains, start=1 + layout.dimension):
        for bend, monomials in zip(bends, sums, strict=False):
            if monomials:
                parts[k] = parts[k].addcmul(bend, products.sum(monomials))
    return torch.stack(parts)


def cos_sin(data: Tensor, layout: Layout) -> Tensor:
    """[cos, sin] of a jet (C, …), joined along the last axis: what their derivatives share is computed once."""
    first = 1 + layout.dimension
    # of affine inputs, a network's mostly, no product in which a higher derivative takes part is left
    plain = not data.requires_grad and forward_ad._current_level < 0
    straight = plain and data.device.type == "cpu" and not bool(data[first:].any())
    s, c = data[0].sin(), data[0].cos()
    jet = data.unbind()
    products = _Monomials(jet)
    parts = [torch.cat([c, s], dim=-1), *(torch.cat([-s * part, c * part], dim=-1) for part in jet[1:first])]
    for part, sums in zip(jet[first:], layout.chains, strict=True):
        shared = [torch.zeros_like(part), part]  # with f″ and f⁗, with f′ and f‴: their signs alternate
        for order, monomials in enumerate(sums, start=2):
            if kept := [one for one in monomials if not straight or max(one[0]) < first]:
                total, place = products.sum(kept), order % 2
                shared[place] = shared[place] - total if order > 2 else total
        even, odd = shared
        parts.append(torch.cat([(-s * odd).addcmul(-c, even), (c * odd).addcmul(-s, even)], dim=-1))
    return torch.stack(parts)


class _Monomials:
    """Sums of products of a jet's components; what several have in common, products of two, is computed once."""

    def __init__(self, jet: Sequence[Tensor]):
        self._jet = jet
        self._pairs: dict[tuple[int, int], Tensor] = {}

    def sum(self, monomials: Sequence[Monomial]) -> Tensor:
        """Σ c Π of the components, (…)."""
        (places, c), *rest = monomials
        total = _times(self._pair(*places) if len(places) == 2 else operator.mul(*self._halves(places)), c)
        for places, c in rest:
            total = total.addcmul(*self._halves(places), value=c)
        return total

    def _halves(self, places: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        match places:
            case p, q:
                return self._jet[p], self._jet[q]
            case p, q, r:
                return self._pair(p, q), self._jet[r]
            case p, q, r, s:
                return self._pair(p, q), self._pair(r, s)

    def _pair(self, p: int, q: int) -> Tensor:
        if (p, q) not in self._pairs:
            self._pairs[p, q] = self._jet[p] * self._jet[q]
        return self._pairs[p, q]


def _times(part: Tensor, c: float) -> Tensor:
    """By itself, since `addcmul` with a factor crashes torch 2.13 where memory is metered and one of two is dual."""
    return part if c == 1 else part * c
