"""What least squares keeps of r and J: all of them in one piece, or the triangle that blocks of rows were reduced to.

[J r] is written where it is factorised, and factorised in place. What steps need after that (the gradient, damped and
undamped solves, the decrease they promise) follows from the triangle and from Qᵀr.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from core.optimizers import triangle
from core.optimizers.report import Slopes

ONE_PIECE = 2**29
"""Bytes of [J r] up to which it is kept in one piece, however many rows it has: it is then not reduced at all while the
damping is large."""
TALL = 3
"""Rows for each column up to which it is kept so whatever its size: a triangle and a block would hardly take less."""


class Rows(Protocol):
    """The rows of a linear least-squares problem |r + Jδ|², with P columns."""

    def loss(self) -> float:
        """|r|²."""

    def norms(self) -> Tensor:
        """Of the columns of J, (P,)."""

    def gradient(self) -> Tensor:
        """Jᵀr (P,)."""

    def gram(self) -> Tensor:
        """JᵀJ (P, P), column-major, the caller's own."""

    def triangle(self) -> tuple[Tensor, Tensor]:
        """R (P, P), of which only the upper triangle means anything, and the first P of Qᵀr."""

    def decrease(self, step: Tensor) -> float:
        """|r|² − |r + Jδ|² for a step δ (P,)."""


class Whole:
    """All rows in one piece.

    Args:
        joined: [J r] (M, P+1), column-major; it is overwritten by its factorisation.
    """

    def __init__(self, joined: Tensor):
        self._joined = joined
        self.r = joined[:, -1].clone()
        self._tau: Tensor | None = None
        self._reduced: tuple[Tensor, Tensor] | None = None

    def loss(self) -> float:
        """See `Rows.loss`."""
        return float(self.r @ self.r)

    @classmethod
    def of(cls, r: Tensor, J: Tensor) -> Whole:
        """From r (M,) and J (M, P), which are copied."""
        joined = triangle.column_major(len(J), J.shape[1] + 1, J)
        joined[:, :-1], joined[:, -1] = J, r
        return cls(joined)

    def norms(self) -> Tensor:
        """See `Rows.norms`."""
        if self._reduced is None:
            return torch.linalg.vector_norm(self._joined[:, :-1], dim=0)
        return triangle.norms_of_columns(self._reduced[0])

    def gradient(self) -> Tensor:
        """See `Rows.gradient`."""
        if self._reduced is None:
            return self._joined[:, :-1].mT @ self.r
        return triangle.transposed_times(*self._reduced)

    def gram(self) -> Tensor:
        """See `Rows.gram`."""
        if self._reduced is None:
            return triangle.gram(self._joined[:, :-1])
        return _gram(self._reduced[0])

    def triangle(self) -> tuple[Tensor, Tensor]:
        """See `Rows.triangle`."""
        if self._reduced is None:
            self._tau = triangle.factorise(self._joined)
            rows, P = len(self._joined), self._joined.shape[1] - 1
            R, c = self._joined[:P, :P], self._joined[:P, P].clone()
            if rows < P:
                R = torch.cat([R.triu(), R.new_zeros(P - rows, P)])
                c = torch.cat([c, c.new_zeros(P - rows)])
            self._reduced = R, c
        return self._reduced

    def times(self, step: Tensor) -> Tensor:
        """Jδ (M,) for δ (P,)."""
        if self._reduced is None:
            return self._joined[:, :-1] @ step
        padded = torch.zeros_like(self.r)
        count = min(len(step), len(padded))
        padded[:count] = triangle.times(self._reduced[0], step)[:count]
        return self._by_reflectors(padded, transpose=False)

    def transposed(self, rows: Tensor) -> Tensor:
        """Jᵀw (P,) for w (M,)."""
        if self._reduced is None:
            return self._joined[:, :-1].mT @ rows
        R, c = self._reduced
        seen, count = torch.zeros_like(c), min(len(c), len(rows))
        seen[:count] = self._by_reflectors(rows, transpose=True)[:count]
        return triangle.transposed_times(R, seen)

    def decrease(self, step: Tensor) -> float:
        """See `Rows.decrease`."""
        if self._reduced is None:
            change = self._joined[:, :-1] @ step
            return float(-(2 * self.r + change) @ change)
        return _decrease(*self._reduced, step)

    def _by_reflectors(self, rows: Tensor, transpose: bool) -> Tensor:
        count = len(self._tau)
        return torch.ormqr(self._joined[:, :count], self._tau, rows[:, None], transpose=transpose)[:, 0]


class Reduced:
    """Rows of which only the triangle is kept, reduced block by block (a tall-and-skinny QR).

    Args:
        slopes: where the rows come from, at least as many as columns.
        at_once: rows of a block.
    """

    def __init__(self, slopes: Slopes, at_once: int):
        rows, P = slopes.shape
        self.r = slopes.r
        kept, at_once = P + 1, math.ceil(rows / math.ceil(rows / at_once))  # a last one of few rows would take as long
        joined = triangle.column_major(kept + at_once, P + 1, slopes.r)
        joined[:kept] = 0
        for start in range(0, rows, at_once):
            count = min(at_once, rows - start)
            slopes.write(joined[kept : kept + count], start)
            joined[kept + count :] = 0
            triangle.factorise(joined)
            triangle.clear_below(joined[:kept])
        self._triangle = joined[:P, :P].clone(), joined[:P, P].clone()

    def loss(self) -> float:
        """See `Rows.loss`."""
        return float(self.r @ self.r)

    def norms(self) -> Tensor:
        """See `Rows.norms`."""
        return triangle.norms_of_columns(self._triangle[0])

    def gradient(self) -> Tensor:
        """See `Rows.gradient`."""
        return triangle.transposed_times(*self._triangle)

    def gram(self) -> Tensor:
        """See `Rows.gram`."""
        return _gram(self._triangle[0])

    def triangle(self) -> tuple[Tensor, Tensor]:
        """See `Rows.triangle`."""
        return self._triangle

    def decrease(self, step: Tensor) -> float:
        """See `Rows.decrease`."""
        return _decrease(*self._triangle, step)


@runtime_checkable
class Elsewhere(Protocol):
    """Slopes that other processes hold a part of: they say themselves how their rows are kept."""

    def rows(self) -> Rows:
        """As they are kept."""


def read(slopes: Slopes | Elsewhere, whole: bool = False) -> Rows:
    """The rows as they fit best; what their shape alone decides, so that a run that goes on elsewhere does the same.

    Args:
        slopes: where the rows come from.
        whole: whether products with J are needed.
    """
    if isinstance(slopes, Elsewhere):
        return slopes.rows()
    at_once = rows_at_once(*slopes.shape)
    return Whole(slopes.whole()) if whole or at_once == slopes.shape[0] else Reduced(slopes, at_once)


def rows_at_once(rows: int, columns: int) -> int:
    """Of how many rows [J r] is made at a time: all, or blocks."""
    fit = ONE_PIECE // (8 * (columns + 1))
    return rows if rows <= max(fit, TALL * columns) else max(fit, (TALL - 1) * columns)


def dense_bytes(rows: int, columns: int, squared: Literal["columns", "rows"], whole: bool = False) -> int:
    """Bytes that a dense Jacobian takes with what is factorised, at most.

    Args:
        rows: of the Jacobian.
        columns: its parameters.
        squared: whether the factorised matrix is parameters², or rows², for which all of J is kept.
        whole: whether all of J is kept anyway.
    """
    if squared == "rows":
        return 8 * (rows * (columns + 1) + 2 * rows**2)
    at_once = rows if whole else rows_at_once(rows, columns)
    joined, triangle_ = (columns + 1) * (at_once if at_once == rows else at_once + columns), columns**2
    return 8 * (joined + 2 * triangle_)


def _gram(R: Tensor) -> Tensor:
    return triangle.gram(R.triu(), upper=True)


def _decrease(R: Tensor, c: Tensor, step: Tensor) -> float:
    change = triangle.times(R, step)
    return float(-(2 * c + change) @ change)
