"""Functions that take NumPy arrays, tensors and jets alike, so that a formula is written once for all three.

Tensors and jets are asked for their own methods: nothing here imports torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Number = Any
"""An array, a tensor or a jet of shape (n,)."""


def value_of(v: Number) -> np.ndarray:
    """The values (n,) as an array, without derivatives."""
    tensor = v.value if hasattr(v, "layout") else v
    return tensor if isinstance(tensor, np.ndarray) else tensor.detach().cpu().numpy()


def points_of(x: tuple[Number, ...]) -> np.ndarray:
    """Coordinates side by side, (n, d)."""
    return np.stack([value_of(v) for v in x], axis=1)


def sqrt(v: Number) -> Number:
    """Square root."""
    return np.sqrt(v) if isinstance(v, np.ndarray) else v.sqrt()


def reciprocal(v: Number) -> Number:
    """1 / v."""
    return v.reciprocal() if hasattr(v, "layout") else 1.0 / v


def log(v: Number) -> Number:
    """Natural logarithm."""
    return np.log(v) if isinstance(v, np.ndarray) else v.log()


def exp(v: Number) -> Number:
    """Exponential."""
    return np.exp(v) if isinstance(v, np.ndarray) else v.exp()


def sin(v: Number) -> Number:
    """Sine."""
    return np.sin(v) if isinstance(v, np.ndarray) else v.sin()


def cos(v: Number) -> Number:
    """Cosine."""
    return np.cos(v) if isinstance(v, np.ndarray) else v.cos()


def asinh(v: Number) -> Number:
    """Inverse hyperbolic sine."""
    return np.arcsinh(v) if isinstance(v, np.ndarray) else v.asinh()


def atan(v: Number) -> Number:
    """Inverse tangent, of jets up to fourth order."""
    if isinstance(v, np.ndarray):
        return np.arctan(v)
    if not hasattr(v, "layout"):
        return v.atan()
    a = v.value
    q = 1 / (1 + a * a)
    return v.map(a.atan(), q, -2 * a * q * q, lambda: (6 * a * a - 2) * q**3, lambda: 24 * a * (1 - a * a) * q**4)


def chosen(which: np.ndarray, yes: Number, no: Number) -> Number:
    """`yes` where `which` (n,) is true and `no` elsewhere; what is not chosen may be NaN."""
    if isinstance(yes, np.ndarray):
        return np.where(which, yes, no)
    if hasattr(yes, "layout"):
        return type(yes)(_masked(which, yes.data, no.data), yes.layout)
    return _masked(which, yes, no)


def _masked(which: np.ndarray, yes: Number, no: Number) -> Number:
    mask = yes.new_tensor(np.ascontiguousarray(which)) != 0
    return yes.where(mask, no)


def turned_positive(v: Number, rounding: float) -> Number:
    """|v|, but what is negative by less than `rounding` stays: on a boundary the sign is nobody's knowledge."""
    negative = value_of(v) < -rounding
    return chosen(negative, -v, v) if negative.any() else v


def joined(a: Number, b: Number) -> Number:
    """ab/(a+b): zero where one of two functions is, with that one's slope there. Associative; 0 where both are."""
    total = a + b
    empty = value_of(total) == 0
    if empty.any():
        total = chosen(empty, total + 1.0, total)
    return a * b / total


def both(a: Number, b: Number) -> Number:
    """Positive where both are: a + b − √(a² + b²), without its cancellation."""
    root = sqrt(a * a + b * b)
    total = a + b
    safe = chosen(value_of(total) > 0, total + root, root + 1.0)
    return chosen(value_of(total) > 0, 2.0 * a * b / safe, total - root)


def either(a: Number, b: Number) -> Number:
    """Positive where one of two is."""
    return -both(-a, -b)
