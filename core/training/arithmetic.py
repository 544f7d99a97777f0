"""What first-order phases compute in."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Arithmetic:
    """How a phase computes: dtype of the parameters, and autocast where it is mixed."""

    name: str
    dtype: torch.dtype
    autocast: torch.dtype | None = None
    tf32: bool = False
    scaled: bool = False
    """fp16 gradients underflow without a GradScaler."""

    def context(self, device: torch.device) -> contextlib.AbstractContextManager:
        """The context in which losses are computed."""
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        if self.autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=self.autocast)


ARITHMETICS = {
    "float64": Arithmetic("float64", torch.float64),
    "float32": Arithmetic("float32", torch.float32),
    "tf32": Arithmetic("tf32", torch.float32, tf32=True),
    "amp-fp16": Arithmetic("amp-fp16", torch.float32, torch.float16, scaled=True),
    "amp-bf16": Arithmetic("amp-bf16", torch.float32, torch.bfloat16),
}


def arithmetic(precision: str, device: torch.device) -> Arithmetic:
    """The arithmetic for a precision; `auto` is float64 on a CPU and AMP on CUDA.

    AMP is in bf16, which keeps float32's range, or in fp16 with a GradScaler on devices that compute no bf16.
    """
    if precision == "auto":
        precision = "float64" if device.type != "cuda" else f"amp-{'bf16' if _has_bf16(device) else 'fp16'}"
    return ARITHMETICS[precision]


def _has_bf16(device: torch.device) -> bool:
    return torch.cuda.get_device_capability(device) >= (8, 0)
