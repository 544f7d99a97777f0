"""Products of Chebyshev polynomials, and of harmonics of periodic coordinates, of several jets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from core.jets.jet import Jet

Kind = tuple[str, float | None]
"""Which polynomials of a factor there are, and the width of a layer in which it is stretched, None for no layer.

Of `all` polynomials the layer is beside the lower end, negative beside the upper one, and its width is a part of the
range: they are of asinh(distance/width), scaled to [−1, 1]. Of `even` or `odd` ones it is about the middle, and its
width a part of half the range."""
PLAIN: Kind = ("all", None)


def chebyshev(
    inputs: Jet, degrees: Sequence[int], circles: Sequence[int] = (), kinds: Sequence[Kind] | None = None
) -> Jet:
    """All products T_i(x₁)T_j(x₂)… of the first `degrees` polynomials of each input, the last input's the fastest.

    Args:
        inputs: (C, N, d), in [−1, 1].
        degrees: how many polynomials, T₀ … T_{n−1}, of each input; of a circle how many of 1, cos, sin, cos 2, ….
        circles: inputs that are the cosine of a periodic coordinate, the one after it being its sine.
        kinds: of each factor; None: all polynomials, of the input itself. Without effect on circles.

    Returns:
        (C, N, Π degrees).
    """
    product = None
    for one in factors(inputs, degrees, circles, kinds):
        if product is None:
            product = one
        else:
            outer = Jet(product.data[:, :, :, None], product.layout) * Jet(one.data[:, :, None, :], one.layout)
            product = Jet(outer.data.flatten(2), outer.layout)
    return product


def chebyshev_sums(
    inputs: Jet,
    degrees: Sequence[int],
    weight: Tensor,
    circles: Sequence[int] = (),
    kinds: Sequence[Kind] | None = None,
) -> Jet:
    """Sums of the products of `chebyshev` with weights, one input after the other: no product is ever made.

    Args:
        inputs: see `chebyshev`.
        degrees: see `chebyshev`.
        weight: (outputs, Π degrees).
        circles: see `chebyshev`.
        kinds: see `chebyshev`.

    Returns:
        (C, N, outputs).
    """
    functions = factors(inputs, degrees, circles, kinds)
    one, count, outputs = next(functions), degrees[0], len(weight)
    columns = weight.reshape(outputs, count, -1).permute(1, 2, 0).reshape(count, -1)
    total = Jet(one.data @ columns, inputs.layout)  # what is left of the products' indices, outputs the fastest
    for one, count in zip(functions, degrees[1:], strict=True):
        parts = Jet(total.data.unflatten(2, (count, -1)), inputs.layout)
        total = Jet((Jet(one.data[..., None], inputs.layout) * parts).data.sum(2), inputs.layout)
    return total


def factors(
    inputs: Jet, degrees: Sequence[int], circles: Sequence[int], kinds: Sequence[Kind] | None = None
) -> Iterator[Jet]:
    """Of each coordinate, its functions (C, N, count); see `chebyshev`."""
    k = 0
    for place, count in enumerate(degrees):
        if k in circles:
            yield harmonics(_input(inputs, k), _input(inputs, k + 1), count)
        else:
            yield polynomials(_input(inputs, k), count, PLAIN if kinds is None else kinds[place])
        k += 1 + (k in circles)


def _input(inputs: Jet, k: int) -> Jet:
    return Jet(inputs.data[:, :, k], inputs.layout)


def polynomials(x: Jet, count: int, kind: Kind = PLAIN) -> Jet:
    """T₀ … T_{count−1} of a jet (C, N), or others of its kind: (C, N, count)."""
    parity, layer = kind
    one = torch.zeros_like(x.data)
    one[0] = 1
    x = Jet(x.data, x.layout) if layer is None else _stretched(x, layer, parity != "all")
    found, double = [Jet(one, x.layout), x], x * 2
    start, step = {"all": (0, 1), "even": (0, 2), "odd": (1, 2)}[parity]
    while len(found) < start + step * count:
        found.append(double * found[-1] - found[-2])
    return Jet(torch.stack([jet.data for jet in found[start::step][:count]], dim=-1), x.layout)


def _stretched(x: Jet, layer: float, middle: bool) -> Jet:
    """2 asinh(y/δ)/asinh(1/δ) − 1 of the distance y from an end of [−1, 1], over its length, and so from the other.

    Of the middle, asinh(x/δ)/asinh(1/δ).
    """
    if middle:
        return (Jet(x.data, x.layout) * (1 / layer)).asinh() * (1 / math.asinh(1 / layer))
    end, width = math.copysign(1.0, layer), abs(layer)
    distance = Jet(x.data, x.layout) * end + 1
    return ((distance * (0.5 / width)).asinh() * (2 / math.asinh(1 / width)) - 1) * end


def harmonics(cosine: Jet, sine: Jet, count: int) -> Jet:
    """1, cos, sin, cos 2, sin 2, … of an angle, from the jets of its cosine and sine (C, N): (C, N, count).

    The angle is linear in the coordinates, so that all of its derivatives above the first are zero.
    """
    layout, c, s = cosine.layout, cosine.value, sine.value
    slopes = c * sine.gradient - s * cosine.gradient
    rest = torch.zeros_like(cosine.data[1 + layout.dimension :])
    angle = torch.cat([torch.atan2(s, c)[None], slopes, rest])
    one = torch.zeros_like(cosine.data)[..., None]
    one[0] = 1
    orders = torch.arange(1, count // 2 + 1, dtype=c.dtype, device=c.device)
    angles = Jet(angle[..., None] * orders, layout)
    pairs = torch.stack([angles.cos().data, angles.sin().data], dim=-1).flatten(-2)
    return Jet(torch.cat([one, pairs], dim=-1)[..., :count], layout)
