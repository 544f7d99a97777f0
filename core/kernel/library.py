"""The compiled kernel as a library: loaded once for a dtype, what its functions take, and the shapes they are given."""

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


class Numbers:
    """An argument that Python gives as a contiguous tensor on the CPU, or as None, and C gets as an address.

    A call holds its arguments until it returns. So a tensor that was made in the call's own line lives long enough,
    which it would not if its address were given.
    """

    @staticmethod
    def from_param(tensor: Tensor | None) -> ctypes.c_void_p:
        """What ctypes gives to C. Raises ValueError, which a call turns into ctypes.ArgumentError."""
        return ctypes.c_void_p(_address(tensor))


class NumbersApart:
    """An argument that Python gives as a list of such tensors, and C gets as an array of addresses."""

    @staticmethod
    def from_param(tensors: list[Tensor | None]) -> ctypes.Array:
        """As `Numbers.from_param`, of each."""
        return (ctypes.c_void_p * len(tensors))(*map(_address, tensors))


def _address(tensor: Tensor | None) -> int | None:
    if tensor is None:
        return None
    if not (tensor.is_contiguous() and tensor.is_cpu):
        raise ValueError(f"a tensor on {tensor.device} with strides {tensor.stride()}, shape {tuple(tensor.shape)}")
    return tensor.data_ptr()


@functools.cache
def kernel(dtype: torch.dtype) -> tuple[ctypes.CDLL | None, str]:
    """The compiled library for a dtype, None where it can't be had, and a line for a log either way.

    Functions that need memory of their own raise MemoryError.
    """
    began = time.perf_counter()
    try:
        library = ctypes.CDLL(str(compiled(DTYPES[dtype])))
    except (UnavailableError, OSError) as error:
        return None, f"the network's derivatives are computed by torch, several times slower: {error}"
    count, number = ctypes.c_long, ctypes.c_double
    layout, network = ctypes.POINTER(JetLayout), ctypes.POINTER(NetworkShape)
    library.mlp_saved.argtypes, library.mlp_saved.restype = [network, count], count
    of_network = [network, count, Numbers, NumbersApart]
    library.mlp_forward.argtypes = [*of_network, Numbers, Numbers, count]
    library.mlp_backward.argtypes = [*of_network, *[Numbers] * 4, count]
    library.mlp_affine.argtypes = [*of_network, count, *[Numbers] * 4, count]
    for function in (library.mlp_forward, library.mlp_backward, library.mlp_affine):
        function.errcheck = _check_memory
    library.jet_product.argtypes = library.jet_product_backward.argtypes = [layout, count, *[Numbers] * 3]
    library.jet_product.restype = library.jet_product_backward.restype = library.adam_step.restype = None
    library.adam_step.argtypes = [
        count, ctypes.POINTER(count), NumbersApart, NumbersApart, Numbers, Numbers, *[number] * 5,
    ]  # fmt: skip
    return (
        library,
        f"the network's derivatives are computed by a compiled kernel, ready in {time.perf_counter() - began:.1f} s",
    )


def _check_memory(failed: int, *_) -> None:
    if failed:
        raise MemoryError("The compiled kernel found no memory for its blocks and gradients.")


def about(dtype: torch.dtype) -> str:
    """One line for a log: whether the kernel is used for a dtype on this machine, and if not, why."""
    return kernel(dtype)[1]


def has(dtype: torch.dtype) -> bool:
    """Whether there is a kernel for a dtype on this machine; compiles it the first time that this is asked."""
    return dtype in DTYPES and kernel(dtype)[0] is not None


class JetLayout(ctypes.Structure):
    """`struct layout` of the kernel."""

    _fields_ = (
        ("dimension", ctypes.c_long),
        ("forms", ctypes.c_long),
        ("starts", ctypes.POINTER(ctypes.c_long)),
        ("pairs", ctypes.POINTER(ctypes.c_long)),
        ("factors", ctypes.POINTER(ctypes.c_double)),
    )


class NetworkShape(ctypes.Structure):
    """`struct mlp` of the kernel."""

    _fields_ = (
        ("layout", JetLayout),
        ("layers", ctypes.c_long),
        ("widths", ctypes.POINTER(ctypes.c_long)),
        ("sine", ctypes.c_long),
    )


@functools.lru_cache(64)
def jet_layout(layout: Layout) -> JetLayout:
    """A layout as the kernel reads it."""
    terms = [term for form in layout.forms for term in form]
    starts = [0]
    for form in layout.forms:
        starts.append(starts[-1] + len(form))
    return JetLayout(
        layout.dimension,
        len(layout.forms),
        _array(ctypes.c_long, starts),
        _array(ctypes.c_long, [index for i, j, _ in terms for index in (i, j)]),
        _array(ctypes.c_double, [c for _, _, c in terms]),
    )


@functools.lru_cache(64)
def network_shape(widths: tuple[int, ...], layout: Layout, activation: str) -> NetworkShape:
    """A network of these widths, inputs first, on jets of this layout; `activation` is `tanh` or `sine`."""
    return NetworkShape(jet_layout(layout), len(widths) - 1, _array(ctypes.c_long, widths), activation == "sine")


def _array(kind: type, values: list | tuple) -> ctypes.Array:
    return (kind * max(1, len(values)))(*values)
