"""The compiled kernel as a library: loaded once for a dtype, and what its functions take."""

from __future__ import annotations

import ctypes
import functools
import time

import torch
from torch import Tensor

from core.forms import Layout
from core.kernel.compiling import UnavailableError, compiled

DTYPES = {torch.float64: (), torch.float32: ("-DSINGLE",)}
"""What is compiled for, and the flags that say so."""


@functools.cache
def kernel(dtype: torch.dtype) -> tuple[ctypes.CDLL | None, str]:
    """The compiled library for a dtype, None where it can't be had, and a line for a log either way."""
    began = time.perf_counter()
    try:
        library = ctypes.CDLL(str(compiled(DTYPES[dtype])))
    except (UnavailableError, OSError) as error:
        return None, f"the network's derivatives are computed by torch, several times slower: {error}"
    address, count = ctypes.c_void_p, ctypes.c_long
    library.mlp_saved.argtypes, library.mlp_saved.restype = [address, count], count
    library.mlp_forward.argtypes = [address, count, *[address] * 4, count]
    library.mlp_affine.argtypes = [address, count, address, address, count, *[address] * 4, count]
    library.jet_product.argtypes = library.jet_product_backward.argtypes = [address, count, *[address] * 3]
    library.adam_step.argtypes = [count, *[address] * 5, *[ctypes.c_double] * 5]
    library.mlp_backward.argtypes = [address, count, *[address] * 6, count]
    return (
        library,
        f"the network's derivatives are computed by a compiled kernel, ready in {time.perf_counter() - began:.1f} s",
    )


def about(dtype: torch.dtype) -> str:
    """One line for a log: whether the kernel is used for a dtype on this machine, and if not, why."""
    return kernel(dtype)[1]


class Shape(ctypes.Structure):
    """`struct mlp` of the kernel."""

    _fields_ = (
        ("layers", ctypes.c_long),
        ("widths", ctypes.POINTER(ctypes.c_long)),
        ("dimension", ctypes.c_long),
        ("forms", ctypes.c_long),
        ("starts", ctypes.POINTER(ctypes.c_long)),
        ("pairs", ctypes.POINTER(ctypes.c_long)),
        ("factors", ctypes.POINTER(ctypes.c_double)),
        ("sine", ctypes.c_long),
    )


@functools.lru_cache(64)
def shape(widths: tuple[int, ...], layout: Layout, activation: str) -> Shape:
    """A network of these widths, inputs first, on jets of this layout."""
    terms = [term for form in layout.forms for term in form]
    starts = [0]
    for form in layout.forms:
        starts.append(starts[-1] + len(form))
    pairs = [index for i, j, _ in terms for index in (i, j)]

    def array(kind, values):
        return (kind * max(1, len(values)))(*values)

    return Shape(
        len(widths) - 1,
        array(ctypes.c_long, widths),
        layout.dimension,
        len(layout.forms),
        array(ctypes.c_long, starts),
        array(ctypes.c_long, pairs),
        array(ctypes.c_double, [c for _, _, c in terms]),
        activation == "sine",
    )


def pointer(tensor: Tensor | None) -> int | None:
    """Address of a tensor's first element."""
    return None if tensor is None else tensor.data_ptr()


def pointers(tensors: list[Tensor | None]) -> ctypes.Array:
    """Addresses of several, as C takes them."""
    return (ctypes.c_void_p * len(tensors))(*map(pointer, tensors))
