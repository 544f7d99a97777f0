"""Products of B-splines of several jets: local functions, fine where their knots are near each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from core.jets.in_blocks import in_blocks
from core.jets.jet import Jet


@dataclass(frozen=True)
class SplineProducts:
    """Which products of B-splines there are.

    Args:
        degree: p of the piecewise polynomials, whose derivatives below order p are continuous.
        knots: of each input, increasing, its ends among them, (n_i + 1,): n_i + p splines.
        chosen: of each product the index of its spline of each input, (products, inputs).
    """

    degree: int
    knots: tuple[Tensor, ...]
    chosen: Tensor

    @classmethod
    def of_plain(cls, data: dict[str, Any]) -> SplineProducts:
        """From what `plain` gives."""
        return cls(data["degree"], tuple(own.double() for own in data["knots"]), data["chosen"])

    def plain(self) -> dict[str, Any]:
        """As plain data and tensors on the CPU."""
        return {"degree": self.degree, "knots": [own.cpu() for own in self.knots], "chosen": self.chosen.cpu()}

    def is_sound(self, inputs: int) -> bool:
        """Whether it can be evaluated for so many inputs: what comes from a file may be anything."""
        whole = isinstance(self.degree, int) and self.degree > 0 and self.chosen.dtype == torch.int64
        if not whole or len(self.knots) != inputs or self.chosen.ndim != 2 or self.chosen.shape[1] != inputs:
            return False
        if any(own.ndim != 1 or len(own) < 2 or not bool((own.diff() > 0).all()) for own in self.knots):
            return False
        counts = torch.tensor([len(own) - 1 + self.degree for own in self.knots])
        return bool(((self.chosen >= 0) & (self.chosen < counts)).all())

    def of(self, inputs: Jet) -> Jet:
        """All products at inputs (C, N, d): (C, N, products)."""
        components, points, _ = inputs.data.shape
        found = inputs.data.new_empty(components, points, len(self.chosen))
        for rows, jet in self._blocks(inputs):
            found[:, rows] = jet.data
        return Jet(found, inputs.layout)

    def _blocks(self, inputs: Jet) -> Iterator[tuple[slice, Jet]]:
        """In blocks of points, their slice with each."""
        chosen = self.chosen.to(inputs.data.device)
        levels = [(None if k == 0 else slice(None), chosen[:, k]) for k in range(chosen.shape[1])]
        return in_blocks(inputs, len(chosen), levels, self._factors)

    def _factors(self, inputs: Jet) -> Iterator[Jet]:
        for k, knots in enumerate(self.knots):
            yield splines(Jet(inputs.data[:, :, k], inputs.layout), knots, self.degree)


def splines(x: Jet, knots: Tensor, degree: int) -> Jet:
    """All B-splines of a degree of a jet (C, N): (C, N, n + degree).

    Beyond the ends the polynomials of the outermost intervals go on.

    Args:
        x: the jet.
        knots: increasing, (n + 1,), those at the ends counted `degree` + 1 times.
        degree: of the polynomials.
    """
    order = max(2, x.layout.order)
    derivative = partial(_derivative, x.value, knots.to(x.data), degree)
    f, df, ddf = (derivative(k) for k in range(3))
    further = [partial(derivative, k) for k in range(3, order + 1)]
    return Jet(x.data[..., None], x.layout).map(f, df, ddf, *further)


def _derivative(x: Tensor, knots: Tensor, degree: int, order: int) -> Tensor:
    """The `order`th derivatives of all B-splines at x (N,), (N, n + degree): de Boor, A Practical Guide to Splines, X.

    Derivatives of splines are differences of those of one degree less.
    """
    if order > degree:
        return x.new_zeros(len(x), len(knots) - 1 + degree)
    ends = knots[:1].expand(degree), knots[-1:].expand(degree)
    t = torch.cat([ends[0], knots, ends[1]])
    place = torch.searchsorted(knots[1:-1].contiguous(), x.detach().contiguous(), right=True)
    found = torch.nn.functional.one_hot(place + degree, len(t) - 1).to(x)
    for p in range(1, degree + 1):
        widths = t[p:] - t[:-p]
        inverse = torch.where(widths > 0, 1 / widths, 0.0)
        left, right = found[:, :-1] * inverse[:-1], found[:, 1:] * inverse[1:]
        if p > degree - order:
            found = p * (left - right)
        else:
            found = (x[:, None] - t[: -p - 1]) * left + (t[p + 1 :] - x[:, None]) * right
    return found


def indices(meets: Tensor, degree: int) -> Tensor:
    """Of all products those with something of the domain in their support, (products, d).

    Args:
        meets: of each cell of the knots whether it has some of the domain, (n₁, …, n_d).
        degree: of the splines.
    """
    found = meets
    for axis in range(meets.dim()):
        moved = found.movedim(axis, -1)
        # spline i is not zero in the intervals i − degree … i
        padded = torch.nn.functional.pad(moved.to(torch.uint8), (degree, degree))
        found = padded.unfold(-1, degree + 1, 1).amax(-1).movedim(-1, axis)
    return found.nonzero()
