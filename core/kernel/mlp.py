"""Fully connected networks on a CPU by the compiled kernel: jets forward, gradients backward.

For networks of this field's size torch spends most of a step on starting its many small operations and on carrying
their results through memory.
"""

from __future__ import annotations

import ctypes

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
        features = features.contiguous()
        parameters = [p if p is None else p.contiguous() for p in parameters]
        widths = (features.shape[2], *(len(weight) for weight in parameters[::2]))
        shape, samples = ctypes.byref(library.shape(widths, layout, activation)), features.shape[1]
        out = features.new_empty(features.shape[0], samples, widths[-1])
        saved = None
        if any(ctx.needs_input_grad):
            saved = features.new_empty(compiled.mlp_saved(shape, samples))
            ctx.save_for_backward(features, saved, *parameters)
            ctx.shape = shape
        failed = compiled.mlp_forward(
            shape,
            samples,
            features.data_ptr(),
            library.pointers(parameters),
            library.pointer(saved),
            out.data_ptr(),
            torch.get_num_threads(),
        )
        if failed:
            raise MemoryError("The compiled kernel found no memory for its blocks.")
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, cotangent: Tensor):
        features, saved, *parameters = ctx.saved_tensors
        compiled, _ = library.kernel(features.dtype)
        cotangent = cotangent.contiguous()  # named, so that its memory is ours until the kernel is done
        sizes = [0 if p is None else p.numel() for p in parameters]
        gradient = features.new_empty(sum(sizes))
        to_features = torch.empty_like(features) if ctx.needs_input_grad[0] else None
        failed = compiled.mlp_backward(
            ctx.shape,
            features.shape[1],
            features.data_ptr(),
            library.pointers(parameters),
            saved.data_ptr(),
            cotangent.data_ptr(),
            gradient.data_ptr(),
            library.pointer(to_features),
            torch.get_num_threads(),
        )
        if failed:
            raise MemoryError("The compiled kernel found no memory for its gradients.")
        parts = [
            None if p is None else part.view_as(p) for p, part in zip(parameters, gradient.split(sizes), strict=True)
        ]
        return to_features, None, None, *parts


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
        features: jets (C, N, inputs), contiguous.
        layout: of the jets.
        activation: `tanh` or `sine`.
        parameters: weight (out, in) and bias (out,) or None of each layer in turn.
        slope: ∂r/∂outputs, (equations, outputs, C, N), contiguous.
        constant: the residuals where the outputs are zero, (equations, N), contiguous.

    Returns:
        Residuals (equations, N), and the gradient of Σ mean r² as one vector, in the order of the parameters.

    Raises:
        MemoryError: the kernel's work space can't be allocated.
    """
    compiled, _ = library.kernel(features.dtype)
    present = [p for p in parameters if p is not None]
    widths = (features.shape[2], *(len(weight) for weight in parameters[::2]))
    residuals, gradient = torch.empty_like(constant), features.new_empty(sum(p.numel() for p in present))
    failed = compiled.mlp_affine(
        ctypes.byref(library.shape(widths, layout, activation)),
        features.shape[1],
        features.data_ptr(),
        library.pointers(parameters),
        len(constant),
        slope.data_ptr(),
        constant.data_ptr(),
        residuals.data_ptr(),
        gradient.data_ptr(),
        torch.get_num_threads(),
    )
    if failed:
        raise MemoryError("The compiled kernel found no memory for its gradients.")
    return residuals, gradient


def available(features: Tensor, parameters: list[Tensor | None]) -> bool:
    """Whether the kernel computes this network: on a CPU, one dtype, no autocast, no forward mode, layers not too wide.

    Compiles the kernel the first time that only this is in question.
    """
    if features.device.type != "cpu" or features.dtype not in library.DTYPES or torch.is_autocast_enabled("cpu"):
        return False
    if len(parameters) < 4 or forward_ad._current_level >= 0:
        return False
    if any(p is not None and (p.dtype != features.dtype or len(p) > WIDEST) for p in parameters):
        return False
    return library.kernel(features.dtype)[0] is not None


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
