"""Products of a jet with a constant one by the compiled kernel."""

from __future__ import annotations

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
        f = f.contiguous()
        ctx.layout = library.jet_layout(layout)
        ctx.save_for_backward(f)
        out = torch.empty_like(f)
        compiled.jet_product(ctx.layout, f.shape[1], f, g.contiguous(), out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, cotangent: Tensor):
        (f,) = ctx.saved_tensors
        compiled, _ = library.kernel(f.dtype)
        out = torch.empty_like(f)
        compiled.jet_product_backward(ctx.layout, f.shape[1], f, cotangent.contiguous(), out)
        return None, out, None


def multiplies(f: Tensor, g: Tensor) -> bool:
    """Whether the kernel multiplies a jet by a constant one, f."""
    return (
        g.device.type == "cpu"
        and f.dtype == g.dtype
        and f.shape == g.shape
        and f.ndim == 2
        and forward_ad._current_level < 0
        and library.has(g.dtype)
    )


def product(f: Tensor, g: Tensor, layout: Layout) -> Tensor:
    """f·g for jets (C, n), f constant: what Leibniz's rule gives, differentiable once and by g alone."""
    return _Product.apply(f, g, layout)
