"""Activations and affine maps of jets, their backward passes written out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from core.forms import Layout
from core.jets.jet import Jet


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
    fourth: Callable[[Tensor, Tensor], Tensor]
    """f, f′ → f⁗."""


def _tanh(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    t = z.tanh()
    slope = torch.addcmul(t.new_ones(()), t, t, value=-1)
    return t, slope, (t * slope).mul_(-2)


def _sine(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    s, c = z.sin(), z.cos()
    return s, c, -s


ACTIVATIONS = {
    "tanh": Activation(_tanh, lambda t, slope: slope * (4 - 6 * slope), lambda t, slope: t * slope * (24 * slope - 8)),
    "sine": Activation(_sine, lambda s, c: -c, lambda s, c: s),
}
"""Activations by name."""


def activate(jet: Jet, name: str) -> Jet:
    """The activation applied to a jet of any shape, up to second order with a fused backward pass."""
    if jet.layout.order > 2:
        function = ACTIVATIONS[name]
        f0, f1, f2 = function.derivatives(jet.value)
        return jet.map(f0, f1, f2, lambda: function.third(f0, f1), lambda: function.fourth(f0, f1))
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
