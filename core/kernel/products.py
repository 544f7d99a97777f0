"""Products of a jet with a constant one by the compiled kernel."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import once_differentiable

from core.forms import Layout
from core.kernel import library


class _Product(torch.autograd.Function):
    """f·g of jets (C, n), f constant."""

    @staticmethod
    def forward(ctx, f: Tensor, g: Tensor, layout: Layout) -> Tensor:
        compiled, _ = library.kernel(g.dtype)
        ctx.shape = ctypes.byref(library.shape((), layout, ""))
        ctx.save_for_backward(f)
        g, out = g.contiguous(), torch.empty_like(f)
        compiled.jet_product(ctx.shape, f.shape[1], f.data_ptr(), g.data_ptr(), out.data_ptr())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, cotangent: Tensor):
        (f,) = ctx.saved_tensors
        compiled, _ = library.kernel(f.dtype)
        cotangent, out = cotangent.contiguous(), torch.empty_like(f)
        compiled.jet_product_backward(ctx.shape, f.shape[1], f.data_ptr(), cotangent.data_ptr(), out.data_ptr())
        return None, out, None


def multiplies(f: Tensor, g: Tensor) -> bool:
    """Whether the kernel multiplies a jet by a constant one, f."""
    return (
        g.device.type == "cpu"
        and f.dtype == g.dtype
        and f.shape == g.shape
        and f.ndim == 2
        and g.dtype in library.DTYPES
        and forward_ad._current_level < 0
        and library.kernel(g.dtype)[0] is not None
    )


def product(f: Tensor, g: Tensor, layout: Layout) -> Tensor:
    """f·g for jets (C, n), contiguous f constant: what Leibniz's rule gives, differentiable once and by g alone."""
    return _Product.apply(f, g, layout)
