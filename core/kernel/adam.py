"""Adam's update by the compiled kernel."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from core.kernel import library


def adam_step(
    parameters: list[Tensor],
    mean: Tensor,
    square: Tensor,
    *,
    rate: float,
    first: float,
    second: float,
    unbiased: float,
    epsilon: float,
) -> bool:
    """Adam's update in one pass; False where the kernel can't, and then nothing has changed.

    Args:
        parameters: moved along their gradients.
        mean: of all gradients, one vector, updated.
        square: likewise.
        rate: learning rate, divided by the correction of the mean's bias.
        first: decay of the mean.
        second: decay of the square.
        unbiased: what √square is divided by.
        epsilon: added to that.
    """
    gradients = [p.grad for p in parameters]
    for p, gradient in zip(parameters, gradients, strict=True):
        if gradient is None or p.device.type != "cpu" or p.dtype != mean.dtype or gradient.dtype != mean.dtype:
            return False
        if not (p.is_contiguous() and gradient.is_contiguous()):
            return False
    if not library.has(mean.dtype):
        return False
    sizes = (ctypes.c_long * len(parameters))(*[p.numel() for p in parameters])
    library.kernel(mean.dtype)[0].adam_step(
        len(parameters),
        sizes,
        parameters,
        gradients,
        mean,
        square,
        rate,
        first,
        second,
        unbiased,
        epsilon,
    )
    torch.autograd.graph.increment_version(parameters)  # as torch's own operations in place do
    return True
