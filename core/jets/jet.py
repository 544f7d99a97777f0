"""Jets: a value with its gradient and chosen operators of order 2 to 4, propagated forward through a computation.

One pass gives u, ∂u/∂x_i and every form Σ c ∂_i∂_j u that a PDE needs (Taylor mode); the Laplacian costs one
component instead of d (forward Laplacian, arXiv 2307.08214). Reverse-mode differentiation with respect to network
parameters works through all of it. What jets with derivatives of third and fourth order do otherwise stands in
`core.jets.higher`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from core import kernel
from core.forms import Layout, MultiIndex
from core.jets import higher


def _constant(operand: Jet | Tensor | float) -> bool:
    return operand.known is not None if isinstance(operand, Jet) else isinstance(operand, (int, float))


def _remembered(operation: Callable[..., Jet]) -> Callable[..., Jet]:
    """What an operation makes of constant jets and numbers alone is constant too, and computed once."""
    name = operation.__name__

    @functools.wraps(operation)
    def remembering(self: Jet, *operands: Jet | Tensor | float) -> Jet:
        if self.known is None or not all(map(_constant, operands)):
            return operation(self, *operands)
        key = (name, *operands)
        if key not in self.known:
            self.known[key] = result = operation(self, *operands)
            result.known = {}
        return self.known[key]

    return remembering


class Jet:
    """Tensor of shape (C, …): component 0 the value, 1…d the gradient, then the forms and partials of its layout.

    Arithmetic follows Leibniz and Faà di Bruno; a plain number or tensor counts as constant in the coordinates.

    Args:
        data: the components.
        layout: what they are.
        constant: nothing that is trained takes part in it, and it is used again and again: what is computed from it and
            from other constants alone is remembered.
    """

    __slots__ = ("data", "known", "layout")

    def __init__(self, data: Tensor, layout: Layout, constant: bool = False):
        self.data = data
        self.layout = layout
        self.known: dict[tuple, Jet] | None = {} if constant else None

    @classmethod
    def of(cls, layout: Layout, derivative: Callable[[MultiIndex], Tensor]) -> Jet:
        """A jet of a function whose derivatives (…) are known, asked for by their coordinates: () is the value."""
        parts = [derivative(()), *(derivative((i,)) for i in range(layout.dimension))]
        parts += [sum(c * derivative(tuple(sorted(term))) for *term, c in form) for form in layout.operators]
        return cls(torch.stack(parts), layout)

    @property
    def value(self) -> Tensor:
        """The value, shape (…)."""
        return self.data[0]

    @property
    def gradient(self) -> Tensor:
        """All first derivatives, shape (d, …)."""
        return self.data[1 : 1 + self.layout.dimension]

    def first(self, i: int) -> Tensor:
        """∂_i of the value."""
        return self.data[1 + i]

    def form(self, name: str) -> Tensor:
        """The form of this name, of any order, applied to the value."""
        return self.data[1 + self.layout.dimension + self.layout.names.index(name)]

    second = form

    def derivative(self, *coordinates: int) -> Tensor:
        """A derivative by its coordinates in any order: `derivative(0, 0, 1)` is ∂₀∂₀∂₁ of the value.

        Raises KeyError where the layout carries it neither as a form nor below one.
        """
        place = self.layout.places.get(tuple(sorted(coordinates)))
        if place is None:
            raise KeyError(f"the derivative {coordinates} is no form of its own and below none")
        return self.data[place]

    def first_points(self, count: int) -> Jet:
        """The first `count` of a jet of shape (n,)."""
        return Jet(self.data[:, :count], self.layout)

    def map(self, f: Tensor, df: Tensor, ddf: Tensor | None, *further: Callable[[], Tensor]) -> Jet:
        """Compose with a function whose value and first two derivatives at `value` are given.

        `further` give the third and the fourth one, and are called only where the layout goes so far.
        """
        if self.layout.order > 2:
            return Jet(higher.composed(self.data, self.layout, f, df, ddf, *further), self.layout)
        d = self.layout.dimension
        parts = [f[None], df * self.gradient]
        for k, form in enumerate(self.layout.forms):
            curvature = self.layout.curvature(form, self.gradient) * ddf
            parts.append((df * self.data[1 + d + k] + curvature)[None])
        return Jet(torch.cat(parts), self.layout)

    @_remembered
    def sin(self) -> Jet:
        """Sine."""
        s, c = self.value.sin(), self.value.cos()
        return self.map(s, c, -s, lambda: -c, lambda: s)

    @_remembered
    def cos(self) -> Jet:
        """Cosine."""
        s, c = self.value.sin(), self.value.cos()
        return self.map(c, -s, -c, lambda: s, lambda: c)

    @_remembered
    def exp(self) -> Jet:
        """Exponential."""
        e = self.value.exp()
        return self.map(e, e, e, lambda: e, lambda: e)

    @_remembered
    def log(self) -> Jet:
        """Natural logarithm of a positive jet."""
        r = 1 / self.value
        return self.map(self.value.log(), r, -r * r, lambda: 2 * r**3, lambda: -6 * r**4)

    @_remembered
    def log1p(self) -> Jet:
        """Natural logarithm of one more than a jet, exact where that is small."""
        r = 1 / (1 + self.value)
        return self.map(self.value.log1p(), r, -r * r)

    @_remembered
    def sqrt(self) -> Jet:
        """Square root of a positive jet."""
        root = self.value.sqrt()
        slope, v = 0.5 / root, self.value
        return self.map(root, slope, -0.5 * slope / v, lambda: 0.75 * slope / v.square(), lambda: -1.875 * slope / v**3)

    @_remembered
    def asinh(self) -> Jet:
        """Inverse hyperbolic sine."""
        v = self.value
        slope = (1 + v.square()).rsqrt()
        return self.map(
            v.asinh(),
            slope,
            -v * slope**3,
            lambda: (2 * v.square() - 1) * slope**5,
            lambda: (9 - 6 * v.square()) * v * slope**7,
        )

    @_remembered
    def tanh(self) -> Jet:
        """Hyperbolic tangent."""
        t = self.value.tanh()
        d = 1 - t * t
        return self.map(t, d, -2 * t * d, lambda: (4 - 6 * d) * d, lambda: (24 * d - 8) * t * d)

    @_remembered
    def __pow__(self, n: float) -> Jet:
        """A fixed power; of a positive jet where n is no whole number ≥ 1."""
        v = self.value

        def derived(k: int) -> Tensor:
            factor = math.prod(n - i for i in range(k))
            return factor * v ** (n - k) if factor else torch.zeros_like(v)

        return self.map(v**n, derived(1), derived(2), lambda: derived(3), lambda: derived(4))

    @_remembered
    def reciprocal(self) -> Jet:
        """1 / self."""
        r = 1 / self.value
        return self.map(r, -r * r, 2 * r * r * r, lambda: -6 * r**4, lambda: 24 * r**5)

    @_remembered
    def __mul__(self, other: Jet | Tensor | float) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.data * other, self.layout)
        if self.layout.order > 2:
            return Jet(higher.product(self.data, other.data, self.layout), self.layout)
        if (self.known is None) != (other.known is None):
            constant, factor = (self, other) if other.known is None else (other, self)
            if kernel.multiplies(constant.data, factor.data):
                return Jet(kernel.product(constant.data, factor.data, self.layout), self.layout)
        d = self.layout.dimension
        f, g = self.data, other.data
        parts = [(f[0] * g[0])[None], f[0] * g[1 : 1 + d] + g[0] * f[1 : 1 + d]]
        for k, form in enumerate(self.layout.forms):
            cross = self.layout.pairs(form, f[1 : 1 + d], g[1 : 1 + d])
            parts.append((f[0] * g[1 + d + k] + g[0] * f[1 + d + k] + cross)[None])
        return Jet(torch.cat(parts), self.layout)

    __rmul__ = __mul__

    @_remembered
    def __truediv__(self, other: Jet | Tensor | float) -> Jet:
        return self * (other.reciprocal() if isinstance(other, Jet) else 1 / other)

    @_remembered
    def __add__(self, other: Jet | Tensor | float) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.data + other.data, self.layout)
        value = (self.value + other)[None]
        return Jet(torch.cat([value, self.data[1:].expand(-1, *value.shape[1:])]), self.layout)

    __radd__ = __add__

    @_remembered
    def __neg__(self) -> Jet:
        return Jet(-self.data, self.layout)

    @_remembered
    def __sub__(self, other: Jet | Tensor | float) -> Jet:
        return self + (-other)

    @_remembered
    def __rsub__(self, other: Tensor | float) -> Jet:
        return -self + other


def coordinates(points: Tensor, layout: Layout, constant: bool = False) -> tuple[Jet, ...]:
    """The coordinates of points (N, d) as jets of shape (N,), each with unit gradient; `constant` as for `Jet`."""
    jets = []
    for i in range(layout.dimension):
        data = points.new_zeros(layout.components, len(points))
        data[0] = points[:, i]
        data[1 + i] = 1
        jets.append(Jet(data, layout, constant))
    return tuple(jets)


def stack(jets: Sequence[Jet]) -> Jet:
    """Jets of shape (N,) side by side: shape (N, number of jets)."""
    return Jet(torch.stack([jet.data for jet in jets], dim=-1), jets[0].layout)


def cos_sin(jet: Jet) -> Jet:
    """[cos, sin] of a jet, joined along the last axis: the sines and cosines are computed once for both."""
    layout, d = jet.layout, jet.layout.dimension
    if layout.order > 2:
        return Jet(higher.cos_sin(jet.data, layout), layout)
    s, c = jet.value.sin(), jet.value.cos()
    parts = [torch.cat([c, s], dim=-1)[None], torch.cat([jet.gradient * -s, jet.gradient * c], dim=-1)]
    for k, form in enumerate(layout.forms):
        second, curvature = jet.data[1 + d + k], layout.curvature(form, jet.gradient)
        parts.append(torch.cat([-s * second - c * curvature, c * second - s * curvature], dim=-1)[None])
    return Jet(torch.cat(parts), layout)
