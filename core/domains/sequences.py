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


def fewer(unit: np.ndarray, count: int) -> np.ndarray:
    """`count` rows that are spread as `unit` (n, d) is: its first ones, but Halton's where those are of a grid.

    The first nodes of a grid are those of one side.
    """
    return halton(count, unit.shape[1], shift_of(unit, unit.shape[1])) if is_grid(unit) else unit[:count]


def is_grid(unit: np.ndarray) -> bool:
    """Whether points (n, d) lie on lines: some coordinate has few values that come again and again."""
    return any(len(np.unique(column)) <= len(unit) / 2 for column in unit.T)


def shift_of(unit: np.ndarray, dimension: int) -> np.ndarray:
    """A shift (d,) that given points decide, so that other points have another continuation."""
    digest = hashlib.sha256(np.ascontiguousarray(unit, dtype="<f8").tobytes()).digest()
    return np.frombuffer(digest, "<u4")[:dimension] / 2.0**32
