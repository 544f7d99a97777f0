"""Fully connected networks on a CPU by a compiled kernel, `fused_mlp.c`: jets forward, gradients backward.

For networks of this field's size torch spends most of a step on starting its many small operations and on carrying
their results through memory. The kernel is compiled once, with the system's C compiler, into the user's cache folder.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from core.networks.jets import Layout

SOURCE = Path(__file__).with_name("fused_mlp.c")
FLAGS = (
    "-O3",
    "-march=native",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
    "-pthread",
)
DTYPES = {torch.float64: (), torch.float32: ("-DSINGLE",)}
"""What is compiled for, and the flags that say so."""
COMPILE_SECONDS = 60
WIDEST = 256
"""Units of a layer; torch's products are as fast for wider ones."""


class UnavailableError(Exception):
    """The kernel can't be had on this machine; says why."""


def cache_folder() -> Path:
    """Where compiled kernels are kept: `singularity-lab` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "singularity-lab"


def _processor() -> str:
    """What `-march=native` looks at: a cache folder may be shared by several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(
        sorted({line for line in lines if line.startswith(("model", "vendor", "flags", "Features", "CPU"))})
    )


def compiled(flags: tuple[str, ...]) -> Path:
    """The kernel as a shared library, compiled unless the same source, flags, compiler and processor already were.

    Raises UnavailableError where there is no compiler, or it fails, or the cache folder can't be written.
    """
    found = shutil.which("cc")
    if found is None:
        raise UnavailableError("there is no C compiler (cc) on the PATH")
    compiler = Path(found).resolve()
    about = compiler.stat()
    identity = (
        SOURCE.read_text(),
        *FLAGS,
        *flags,
        str(compiler),
        str((about.st_size, about.st_mtime_ns)),
        _processor(),
    )
    library = cache_folder() / f"fused_mlp-{hashlib.sha256(repr(identity).encode()).hexdigest()[:20]}.so"
    if library.exists():
        return library
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / library.name
            command = [str(compiler), *FLAGS, *flags, str(SOURCE), "-o", str(made), "-lm"]
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMPILE_SECONDS)
            made.replace(library)
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"{compiler} failed: {' '.join(error.stderr.split())[:300]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    return library


@functools.cache
def _kernel(dtype: torch.dtype) -> tuple[ctypes.CDLL | None, str]:
    began = time.perf_counter()
    try:
        library = ctypes.CDLL(str(compiled(DTYPES[dtype])))
    except (UnavailableError, OSError) as error:
        return None, f"the network's derivatives are computed by torch, several times slower: {error}"
    pointer, count = ctypes.c_void_p, ctypes.c_long
    library.mlp_saved.argtypes, library.mlp_saved.restype = [pointer, count], count
    library.mlp_forward.argtypes = [pointer, count, *[pointer] * 4, count]
    library.mlp_affine.argtypes = [pointer, count, pointer, pointer, count, *[pointer] * 4, count]
    library.jet_product.argtypes = library.jet_product_backward.argtypes = [pointer, count, *[pointer] * 3]
    library.adam_step.argtypes = [count, *[pointer] * 5, *[ctypes.c_double] * 5]
    library.mlp_backward.argtypes = [pointer, count, *[pointer] * 6, count]
    return (
        library,
        f"the network's derivatives are computed by a compiled kernel, ready in {time.perf_counter() - began:.1f} s",
    )


def about(dtype: torch.dtype) -> str:
    """One line for a log: whether the kernel is used for a dtype on this machine, and if not, why."""
    return _kernel(dtype)[1]


class _Shape(ctypes.Structure):
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
def _shape(widths: tuple[int, ...], layout: Layout, activation: str) -> _Shape:
    terms = [term for form in layout.forms for term in form]
    starts = [0]
    for form in layout.forms:
        starts.append(starts[-1] + len(form))
    pairs = [index for i, j, _ in terms for index in (i, j)]

    def array(kind, values):
        return (kind * max(1, len(values)))(*values)

    return _Shape(
        len(widths) - 1,
        array(ctypes.c_long, widths),
        layout.dimension,
        len(layout.forms),
        array(ctypes.c_long, starts),
        array(ctypes.c_long, pairs),
        array(ctypes.c_double, [c for _, _, c in terms]),
        activation == "sine",
    )


class _Fused(torch.autograd.Function):
    """The network as one operation. Parameters are weight and bias (or None) of each layer."""

    @staticmethod
    def forward(ctx, features: Tensor, layout: Layout, activation: str, *parameters: Tensor | None) -> Tensor:
        library, _ = _kernel(features.dtype)
        features = features.contiguous()
        parameters = [p if p is None else p.contiguous() for p in parameters]
        widths = (features.shape[2], *(len(weight) for weight in parameters[::2]))
        shape, samples = ctypes.byref(_shape(widths, layout, activation)), features.shape[1]
        out = features.new_empty(features.shape[0], samples, widths[-1])
        saved = None
        if any(ctx.needs_input_grad):
            saved = features.new_empty(library.mlp_saved(shape, samples))
            ctx.save_for_backward(features, saved, *parameters)
            ctx.shape = shape
        failed = library.mlp_forward(
            shape, samples, features.data_ptr(), _pointers(parameters), _pointer(saved), out.data_ptr(), _threads()
        )
        if failed:
            raise MemoryError("The compiled kernel found no memory for its blocks.")
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, cotangent: Tensor):
        features, saved, *parameters = ctx.saved_tensors
        library, _ = _kernel(features.dtype)
        sizes = [0 if p is None else p.numel() for p in parameters]
        gradient = features.new_empty(sum(sizes))
        to_features = torch.empty_like(features) if ctx.needs_input_grad[0] else None
        failed = library.mlp_backward(
            ctx.shape,
            features.shape[1],
            features.data_ptr(),
            _pointers(parameters),
            saved.data_ptr(),
            cotangent.contiguous().data_ptr(),
            gradient.data_ptr(),
            _pointer(to_features),
            _threads(),
        )
        if failed:
            raise MemoryError("The compiled kernel found no memory for its gradients.")
        parts = [
            None if p is None else part.view_as(p) for p, part in zip(parameters, gradient.split(sizes), strict=True)
        ]
        return to_features, None, None, *parts


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _pointers(tensors: list[Tensor | None]) -> ctypes.Array:
    return (ctypes.c_void_p * len(tensors))(*map(_pointer, tensors))


_threads = torch.get_num_threads


class _Product(torch.autograd.Function):
    """f·g of jets (C, n), f constant."""

    @staticmethod
    def forward(ctx, f: Tensor, g: Tensor, layout: Layout) -> Tensor:
        library, _ = _kernel(g.dtype)
        ctx.shape = ctypes.byref(_shape((), layout, ""))
        ctx.save_for_backward(f)
        g, out = g.contiguous(), torch.empty_like(f)
        library.jet_product(ctx.shape, f.shape[1], f.data_ptr(), g.data_ptr(), out.data_ptr())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, cotangent: Tensor):
        (f,) = ctx.saved_tensors
        library, _ = _kernel(f.dtype)
        cotangent, out = cotangent.contiguous(), torch.empty_like(f)
        library.jet_product_backward(ctx.shape, f.shape[1], f.data_ptr(), cotangent.data_ptr(), out.data_ptr())
        return None, out, None


def multiplies(f: Tensor, g: Tensor) -> bool:
    """Whether the kernel multiplies a jet by a constant one, f."""
    return (
        g.device.type == "cpu"
        and f.dtype == g.dtype
        and f.shape == g.shape
        and f.ndim == 2
        and g.dtype in DTYPES
        and forward_ad._current_level < 0
        and _kernel(g.dtype)[0] is not None
    )


def product(f: Tensor, g: Tensor, layout: Layout) -> Tensor:
    """f·g for jets (C, n), contiguous f constant: what Leibniz's rule gives, differentiable once and by g alone."""
    return _Product.apply(f, g, layout)


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
    library, _ = _kernel(features.dtype)
    present = [p for p in parameters if p is not None]
    widths = (features.shape[2], *(len(weight) for weight in parameters[::2]))
    residuals, gradient = torch.empty_like(constant), features.new_empty(sum(p.numel() for p in present))
    failed = library.mlp_affine(
        ctypes.byref(_shape(widths, layout, activation)),
        features.shape[1],
        features.data_ptr(),
        _pointers(parameters),
        len(constant),
        slope.data_ptr(),
        constant.data_ptr(),
        residuals.data_ptr(),
        gradient.data_ptr(),
        _threads(),
    )
    if failed:
        raise MemoryError("The compiled kernel found no memory for its gradients.")
    return residuals, gradient


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
    if mean.dtype not in DTYPES or _kernel(mean.dtype)[0] is None:
        return False
    sizes = (ctypes.c_long * len(parameters))(*[p.numel() for p in parameters])
    _kernel(mean.dtype)[0].adam_step(
        len(parameters),
        sizes,
        _pointers(parameters),
        _pointers(gradients),
        mean.data_ptr(),
        square.data_ptr(),
        rate,
        first,
        second,
        unbiased,
        epsilon,
    )
    torch.autograd.graph.increment_version(parameters)  # as torch's own operations in place do
    return True


def available(features: Tensor, parameters: list[Tensor | None]) -> bool:
    """Whether the kernel computes this network: on a CPU, one dtype, no autocast, no forward mode, layers not too wide.

    Compiles the kernel the first time that only this is in question.
    """
    if features.device.type != "cpu" or features.dtype not in DTYPES or torch.is_autocast_enabled("cpu"):
        return False
    if len(parameters) < 4 or forward_ad._current_level >= 0:
        return False
    if any(p is not None and (p.dtype != features.dtype or len(p) > WIDEST) for p in parameters):
        return False
    return _kernel(features.dtype)[0] is not None


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
