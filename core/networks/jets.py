"""Jets: a value with its gradient and chosen second-order operators, propagated forward through a computation.

One pass gives u, ∂u/∂x_i and every form Σ c ∂_i∂_j u that a PDE needs (Taylor mode); the Laplacian costs one
component instead of d (forward Laplacian, arXiv 2307.08214). Reverse-mode differentiation with respect to network
parameters works through all of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from core.networks import fused
from core.problems.base import Form


@dataclass(frozen=True)
class Layout:
    """What a jet carries: 1 value, `dimension` first derivatives, one component for each second-order form."""

    dimension: int
    forms: tuple[Form, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, dimension: int, forms: dict[str, Form]) -> Layout:
        """The layout for a problem's coordinates and its named forms."""
        return cls(dimension, tuple(forms.values()), tuple(forms))

    @property
    def components(self) -> int:
        """C = 1 + d + number of forms."""
        return 1 + self.dimension + len(self.forms)

    def curvature(self, form: Form, a: Tensor) -> Tensor:
        """Σ c a_i a_j over the form's terms, for a gradient a of shape (d, …): half of `pairs(form, a, a)`."""
        (i, j, c), *rest = form
        total = a[i] * a[j]
        if c != 1:
            total = total * c
        for i, j, c in rest:
            total = torch.addcmul(total, a[i], a[j], value=c)
        return total

    def pairs(self, form: Form, a: Tensor, b: Tensor) -> Tensor:
        """Σ c (a_i b_j + a_j b_i) over the form's terms, for gradients a, b of shape (d, …)."""
        total = None
        for i, j, c in form:
            term = a[i] * b[j] * (2 * c) if i == j else (a[i] * b[j] + a[j] * b[i]) * c
            total = term if total is None else total + term
        return total


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
    """Tensor of shape (C, …): component 0 the value, 1…d the gradient, the rest the forms of its layout.

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

    def second(self, name: str) -> Tensor:
        """The second-order form of this name applied to the value."""
        return self.data[1 + self.layout.dimension + self.layout.names.index(name)]

    def first_points(self, count: int) -> Jet:
        """The first `count` of a jet of shape (n,)."""
        return Jet(self.data[:, :count], self.layout)

    def map(self, f: Tensor, df: Tensor, ddf: Tensor | None) -> Jet:
        """Compose with a function whose value and first two derivatives at `value` are given."""
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
        return self.map(s, c, -s)

    @_remembered
    def cos(self) -> Jet:
        """Cosine."""
        s, c = self.value.sin(), self.value.cos()
        return self.map(c, -s, -c)

    @_remembered
    def exp(self) -> Jet:
        """Exponential."""
        e = self.value.exp()
        return self.map(e, e, e)

    @_remembered
    def log(self) -> Jet:
        """Natural logarithm of a positive jet."""
        r = 1 / self.value
        return self.map(self.value.log(), r, -r * r)

    @_remembered
    def sqrt(self) -> Jet:
        """Square root of a positive jet."""
        root = self.value.sqrt()
        slope = 0.5 / root
        return self.map(root, slope, -0.5 * slope / self.value)

    @_remembered
    def asinh(self) -> Jet:
        """Inverse hyperbolic sine."""
        slope = (1 + self.value.square()).rsqrt()
        return self.map(self.value.asinh(), slope, -self.value * slope**3)

    @_remembered
    def tanh(self) -> Jet:
        """Hyperbolic tangent."""
        t = self.value.tanh()
        d = 1 - t * t
        return self.map(t, d, -2 * t * d)

    @_remembered
    def __pow__(self, n: int) -> Jet:
        """Integer power n ≥ 1."""
        v = self.value
        return self.map(v**n, n * v ** (n - 1), n * (n - 1) * v ** (n - 2) if n > 1 else torch.zeros_like(v))

    @_remembered
    def reciprocal(self) -> Jet:
        """1 / self."""
        r = 1 / self.value
        return self.map(r, -r * r, 2 * r * r * r)

    @_remembered
    def __mul__(self, other: Jet | Tensor | float) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.data * other, self.layout)
        if (self.known is None) != (other.known is None):
            constant, factor = (self, other) if other.known is None else (other, self)
            if fused.multiplies(constant.data, factor.data):
                return Jet(fused.product(constant.data, factor.data, self.layout), self.layout)
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
    s, c = jet.value.sin(), jet.value.cos()
    parts = [torch.cat([c, s], dim=-1)[None], torch.cat([jet.gradient * -s, jet.gradient * c], dim=-1)]
    for k, form in enumerate(layout.forms):
        second, curvature = jet.data[1 + d + k], layout.curvature(form, jet.gradient)
        parts.append(torch.cat([-s * second - c * curvature, c * second - s * curvature], dim=-1)[None])
    return Jet(torch.cat(parts), layout)


class _Activate(torch.autograd.Function):
    """`Jet.map` with its backward written out: one pass over memory each way instead of autograd's many."""

    @staticmethod
    def forward(ctx, data: Tensor, layout: Layout, activation: Activation) -> Tensor:
        d = layout.dimension
        f0, f1, f2 = activation.derivatives(data[0])
        out = data * f1
        out[0] = f0
        curvatures = [layout.curvature(form, data[1 : 1 + d]) for form in layout.forms]
        for k, curvature in enumerate(curvatures):
            out[1 + d + k].addcmul_(curvature, f2)
        ctx.layout, ctx.activation = layout, activation
        ctx.save_for_backward(data, f0, f1, f2, *curvatures)
        ctx.save_for_forward(data, f0, f1, f2, *curvatures)
        return out

    @staticmethod
    def jvp(ctx, tangent: Tensor, _layout, _activation) -> Tensor:
        data, f0, f1, f2, *curvatures = ctx.saved_tensors
        layout, d = ctx.layout, ctx.layout.dimension
        slope = f2 * tangent[0]
        out = f1 * tangent + slope * data
        out[0] = f1 * tangent[0]
        f3 = ctx.activation.third(f0, f1) if curvatures else None
        for k, (form, curvature) in enumerate(zip(layout.forms, curvatures, strict=True)):
            change = layout.pairs(form, data[1 : 1 + d], tangent[1 : 1 + d])
            out[1 + d + k] += f3 * tangent[0] * curvature + f2 * change
        return out

    @staticmethod
    @once_differentiable  # the saved derivatives are constants to autograd: a second pass would be silently wrong
    def backward(ctx, grad: Tensor):
        data, f0, f1, f2, *curvatures = ctx.saved_tensors
        layout, d = ctx.layout, ctx.layout.dimension
        result = grad * f1
        value = grad[1] * data[1]
        for component in range(2, len(data)):
            value.addcmul_(grad[component], data[component])
        value.mul_(f2)
        f3 = ctx.activation.third(f0, f1) if curvatures else None
        for k, (form, curvature) in enumerate(zip(layout.forms, curvatures, strict=True)):
            g = grad[1 + d + k]
            value.addcmul_(g * f3, curvature)
            g = g * f2
            for i, j, c in form:
                if i == j:
                    result[1 + i].addcmul_(g, data[1 + i], value=2 * c)
                else:
                    result[1 + i].addcmul_(g, data[1 + j], value=c)
                    result[1 + j].addcmul_(g, data[1 + i], value=c)
        result[0] += value
        return result, None, None


@dataclass(frozen=True)
class Activation:
    """A function with its derivatives, for jets."""

    derivatives: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
    """z → f, f′, f″."""
    third: Callable[[Tensor, Tensor], Tensor]
    """f, f′ → f‴."""


def _tanh(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    t = z.tanh()
    slope = torch.addcmul(t.new_ones(()), t, t, value=-1)
    return t, slope, (t * slope).mul_(-2)


def _sine(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    s, c = z.sin(), z.cos()
    return s, c, -s


ACTIVATIONS = {
    "tanh": Activation(_tanh, lambda t, slope: slope * (4 - 6 * slope)),
    "sine": Activation(_sine, lambda s, c: -c),
}
"""Activations by name."""


def activate(jet: Jet, name: str) -> Jet:
    """The activation applied to a jet of any shape, with a fused backward pass."""
    return Jet(_Activate.apply(jet.data, jet.layout, ACTIVATIONS[name]), jet.layout)


class _Affine(torch.autograd.Function):
    """x ↦ xWᵀ with the bias added to component 0, without the copies that autograd makes of a part written in place."""

    @staticmethod
    def forward(ctx, data: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(data, weight)
        ctx.save_for_forward(data, weight)
        ctx.has_bias = bias is not None
        out = data @ weight.T
        if bias is not None:
            out[0] += bias
        return out

    @staticmethod
    def jvp(ctx, inputs: Tensor | None, slope: Tensor | None, shift: Tensor | None) -> Tensor:
        data, weight = ctx.saved_tensors
        out = data.new_zeros(*data.shape[:-1], len(weight))
        if inputs is not None:
            out = out + inputs @ weight.T
        if slope is not None:
            out = out + data @ slope.T
        if shift is not None:
            out[0] += shift
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        data, weight = ctx.saved_tensors
        inputs = grad @ weight if ctx.needs_input_grad[0] else None
        slope = None
        if ctx.needs_input_grad[1]:
            # by components: twice as fast as one product over the C·N rows, which BLAS does not split well
            slope = torch.bmm(grad.transpose(1, 2), data).sum(0)
        bias = grad[0].sum(0) if ctx.has_bias and ctx.needs_input_grad[2] else None
        return inputs, slope, bias


def affine(jet: Jet, weight: Tensor, bias: Tensor | None) -> Jet:
    """A jet (C, N, in) through an affine map, weight (out, in) and bias (out,): (C, N, out)."""
    if torch.is_autocast_enabled(jet.data.device.type):
        dtype = torch.get_autocast_dtype(jet.data.device.type)
        jet = Jet(jet.data.to(dtype), jet.layout)
        weight, bias = weight.to(dtype), None if bias is None else bias.to(dtype)
    return Jet(_Affine.apply(jet.data, weight, bias), jet.layout)
