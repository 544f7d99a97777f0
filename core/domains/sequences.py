"""Halton's sequence: points of low discrepancy that go on as far as one likes."""

from __future__ import annotations

import hashlib

import numpy as np

PRIMES = (2, 3, 5, 7, 11, 13, 17)


def halton(n: int, dimension: int, shift: np.ndarray, start: int = 0) -> np.ndarray:
    """Points number start+1 … start+n of Halton's sequence in the unit cube, moved around by `shift` (d,); (n, d)."""
    out = np.empty((n, dimension))
    for k, base in enumerate(PRIMES[:dimension]):
        index = np.arange(start + 1, start + n + 1)
        column, part = np.zeros(n), 1.0 / base
        while index.any():
            column += part * (index % base)
            index //= base
            part /= base
        out[:, k] = (column + shift[k]) % 1.0
    return out


def shift_of(unit: np.ndarray, dimension: int) -> np.ndarray:
    """A shift (d,) that given points decide, so that other points have another continuation."""
    digest = hashlib.sha256(np.ascontiguousarray(unit, dtype="<f8").tobytes()).digest()
    return np.frombuffer(digest, "<u4")[:dimension] / 2.0**32
