"""Fully connected networks on a CPU by the compiled kernel: jets forward, gradients backward.

For networks of this field's size torch spends most of a step on starting its many small operations and on carrying
their results through memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import once_differentiable

from core.forms import Layout
from core.kernel import library

WIDEST = 256
"""Units of a layer; torch's products are as fast for wider ones."""


class _Fused(torch.autograd.Function):
    """The network as one operation. Parameters are weight and bias (or None) of each layer."""

    @staticmethod
    def forward(ctx, features: Tensor, layout: Layout, activation: str, *parameters: Tensor | None) -> Tensor:
        compiled, _ = library.kernel(features.dtype)
        features, parameters = features.contiguous(), _contiguous(parameters)
        shape, samples = _shape(features, layout, activation, parameters), features.shape[1]
        out = features.new_empty(features.shape[0], samples, len(parameters[-2]))
        saved = None
        if any(ctx.needs_input_grad):
            saved = features.new_empty(compiled.mlp_saved(shape, samples))
            ctx.save_for_backward(features, saved, *parameters)
            ctx.shape = shape
        compiled.mlp_forward(shape, samples, features, parameters, saved, out, torch.get_num_threads())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, cotangent: Tensor):
        features, saved, *parameters = ctx.saved_tensors
        compiled, _ = library.kernel(features.dtype)
        sizes = [0 if p is None else p.numel() for p in parameters]
        gradient = features.new_empty(sum(sizes))
        to_features = torch.empty_like(features) if ctx.needs_input_grad[0] else None
        compiled.mlp_backward(
            ctx.shape,
            features.shape[1],
            features,
            parameters,
            saved,
            cotangent.contiguous(),
            gradient,
            to_features,
            torch.get_num_threads(),
        )
        parts = [
            None if p is None else part.view_as(p) for p, part in zip(parameters, gradient.split(sizes), strict=True)
        ]
        return to_features, None, None, *parts


def _contiguous(parameters: Sequence[Tensor | None]) -> list[Tensor | None]:
    return [p if p is None else p.contiguous() for p in parameters]


def _shape(
    features: Tensor, layout: Layout, activation: str, parameters: Sequence[Tensor | None]
) -> library.NetworkShape:
    return library.network_shape((features.shape[2], *map(len, parameters[::2])), layout, activation)


def affine_gradient(
    features: Tensor,
    layout: Layout,
    activation: str,
    parameters: list[Tensor | None],
    slope: Tensor,
    constant: Tensor,
) -> tuple[Tensor, Tensor]:
    """Residuals that are affine in a network's outputs, and the gradient of their mean squares, in one pass.

    Args:
        features: jets (C, N, inputs).
        layout: of the jets.
        activation: `tanh` or `sine`.
        parameters: weight (out, in) and bias (out,) or None of each layer in turn.
        slope: ∂r/∂outputs, (equations, outputs, C, N).
        constant: the residuals where the outputs are zero, (equations, N).

    Returns:
        Residuals (equations, N), and the gradient of Σ mean r² as one vector, in the order of the parameters.

    Raises:
        MemoryError: the kernel's work space can't be allocated.
    """
    compiled, _ = library.kernel(features.dtype)
    residuals = torch.empty_like(constant, memory_format=torch.contiguous_format)
    gradient = features.new_empty(sum(p.numel() for p in parameters if p is not None))
    compiled.mlp_affine(
        _shape(features, layout, activation, parameters),
        features.shape[1],
        features.contiguous(),
        _contiguous(parameters),
        len(constant),
        slope.contiguous(),
        constant.contiguous(),
        residuals,
        gradient,
        torch.get_num_threads(),
    )
    return residuals, gradient


def available(features: Tensor, layout: Layout, parameters: list[Tensor | None]) -> bool:
    """Whether the kernel computes this network.

    On a CPU, up to second order, in one dtype, without autocast and forward mode, layers not too wide.

    Compiles the kernel the first time that only this is in question.
    """
    if layout.order > 2 or features.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    if len(parameters) < 4 or forward_ad._current_level >= 0:
        return False
    if any(p is not None and (p.dtype != features.dtype or len(p) > WIDEST) for p in parameters):
        return False
    return library.has(features.dtype)


def network(features: Tensor, layout: Layout, activation: str, parameters: list[Tensor | None]) -> Tensor:
    """Features (C, N, inputs) through affine layers with an activation between them: (C, N, outputs).

    Equal to `JetLinear` and `activate` in turn, up to rounding, and once differentiable; bit-identical between runs
    on one machine whatever the number of threads.

    Args:
        features: jets, component by component.
        layout: of the jets.
        activation: `tanh` or `sine`.
        parameters: weight (out, in) and bias (out,) or None of each layer in turn.

    Raises:
        MemoryError: the kernel's work space can't be allocated.
    """
    return _Fused.apply(features, layout, activation, *parameters)
