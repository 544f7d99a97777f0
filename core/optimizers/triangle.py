"""Triangular matrices: products, solves, and the triangle of [R; √μ D], all without a copy of what is triangular."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WIDE = 512
"""Columns of a block of products and solves."""
NARROW = 192
"""Columns of a block of AᵀA: 128 to 256 are fastest on a CPU."""
PANEL = 96
"""Columns that are eliminated together: 64 to 128 are fastest on a CPU."""


def column_major(rows: int, columns: int, like: Tensor) -> Tensor:
    """An empty matrix (rows, columns) in the order in which LAPACK works in place."""
    return torch.empty(columns, rows, dtype=like.dtype, device=like.device).mT


def factorise(A: Tensor) -> Tensor:
    """QR in place: A (m, n), column-major, gets R on and above its diagonal, the reflectors below.

    Returns:
        τ (min(m, n),) of the reflectors, as `torch.ormqr` takes it.
    """
    tau = A.new_empty(min(A.shape))
    torch.geqrf(A, out=(A, tau))
    return tau


def gram(A: Tensor, upper: bool = False) -> Tensor:
    """AᵀA (n, n) of A (m, n), column-major and exactly symmetric.

    Of each block of rows only what lies right of the diagonal is multiplied: little more than half of the work.

    Args:
        A: what is multiplied.
        upper: whether it is an upper triangle, zeros below: a third of the work then.
    """
    n = A.shape[1]
    found = column_major(n, n, A)
    for here in _slices(n, NARROW):
        rows = slice(0, here.stop if upper else None)
        part = A[rows, here].mT @ A[rows, here.start :]
        found[here, here.start :] = part
        found[here.start :, here] = part.mT
    return found


def times(R: Tensor, x: Tensor) -> Tensor:
    """Rx (n,), of which only the upper triangle of R (n, n) is read."""
    y = torch.empty_like(x)
    for here, after in _blocks(len(x)):
        y[here] = R[here, here].triu() @ x[here] + R[here, after] @ x[after]
    return y


def transposed_times(R: Tensor, y: Tensor) -> Tensor:
    """Rᵀy (n,), likewise."""
    x = torch.zeros_like(y)
    for here, after in _blocks(len(y)):
        x[here] += R[here, here].triu().mT @ y[here]
        x[after] += R[here, after].mT @ y[here]
    return x


def solve(R: Tensor, y: Tensor) -> Tensor:
    """X (n,) with Rx = y, likewise."""
    x = torch.empty_like(y)
    for here, after in reversed(list(_blocks(len(y)))):
        left = y[here] - R[here, after] @ x[after]
        x[here] = torch.linalg.solve_triangular(R[here, here], left[:, None], upper=True)[:, 0]
    return x


def transposed_solve(R: Tensor, x: Tensor) -> Tensor:
    """Y (n,) with Rᵀy = x, likewise."""
    left, y = x.clone(), torch.empty_like(x)
    for here, after in _blocks(len(x)):
        y[here] = torch.linalg.solve_triangular(R[here, here].mT, left[here, None], upper=False)[:, 0]
        left[after] -= R[here, after].mT @ y[here]
    return y


def clear_below(R: Tensor) -> None:
    """Set what is below the diagonal of R (n, n) to zero."""
    for here, after in _blocks(len(R)):
        R[here, here] = R[here, here].triu()
        R[after, here] = 0


def norms_of_columns(R: Tensor) -> Tensor:
    """Norms (n,) of the columns of the upper triangle of R."""
    squares = R.new_zeros(len(R))
    for here, after in _blocks(len(R)):
        squares[here] += R[here, here].triu().square().sum(0)
        squares[after] += R[here, after].square().sum(0)
    return squares.sqrt()


def damp(S: Tensor, y: Tensor, root: float) -> Tensor:
    """Replace the triangle S (n, n) and y (n,) by those of the stacked [S; root·I] and [y; 0], in place.

    Below its diagonal S must be zero; what is left there means nothing.

    Returns:
        What becomes of the 0 (n,), which least squares leaves.
    """
    return _absorb(S, y, torch.zeros_like(y), lambda here: root * torch.eye(here.stop - here.start).to(S))


def stack(S: Tensor, y: Tensor, T: Tensor, z: Tensor) -> Tensor:
    """Replace the triangle S (n, n) and y (n,) by those of the stacked [S; T] and [y; z], in place.

    Args:
        S: what is below its diagonal is overwritten.
        y: beside it.
        T: another triangle (n, n), of which only the upper one is read.
        z: beside it (n,), overwritten.

    Returns:
        What becomes of z, which least squares leaves.
    """
    for here in _slices(len(S), PANEL):
        S[here, : here.start] = T[: here.start, here].mT
    return _absorb(S, y, z, lambda here: T[here, here].triu())


def _absorb(S: Tensor, y: Tensor, z: Tensor, diagonal: Callable[[slice], Tensor]) -> Tensor:
    """The triangle of [S; B] and [y; z], in place, B upper triangular.

    By Householder reflectors, a panel of columns at a time. What fills in of B is triangular too: its first k+1 rows
    when column k is eliminated. It stands, transposed, below the diagonal of S. That is a fifth of the work of a QR of
    the stacked matrix (measured: under a third of its time).

    Args:
        S: (n, n); B transposed below the blocks of its diagonal.
        y: (n,).
        z: (n,).
        diagonal: block of B on its diagonal, of the columns of a panel.
    """
    n = len(S)
    for here in _slices(n, PANEL):
        k, e = here.start, here.stop
        after, width = slice(e, n), e - k
        panel = column_major(width + e, width, S)
        panel[:width] = S[here, here].triu()
        panel[width : width + k] = S[here, :k].mT
        panel[width + k :] = diagonal(here)
        tau = factorise(panel)
        S[here, here] = panel[:width].triu()
        V = panel[width:]
        inverse = (V.mT @ V).triu(1)  # Q = I − VTVᵀ with the identity on top of V; this is T⁻¹
        inverse.diagonal().copy_(1 / tau)
        w = torch.linalg.solve_triangular(inverse.mT, (y[here] + V.mT @ z[:e])[:, None], upper=False)[:, 0]
        y[here] -= w
        z[:e] -= V @ w
        if e < n:
            change = torch.addmm(S[here, after].mT, S[after, :e], V)
            change = torch.linalg.solve_triangular(inverse, change, upper=True, left=False)
            S[here, after] -= change.mT
            S[after, :e].addmm_(change, V.mT, alpha=-1)
    return z


def packed(R: Tensor) -> Tensor:
    """The upper triangle of R (n, n) as one row of numbers, with few of the others: to be sent."""
    return torch.cat([R[here, here.start :].reshape(-1) for here in _slices(len(R), WIDE)])


def unpacked(numbers: Tensor, n: int) -> Tensor:
    """The matrix (n, n) whose upper triangle was packed; what is below its diagonal means nothing."""
    R, start = numbers.new_zeros(n, n), 0
    for here in _slices(n, WIDE):
        count = (here.stop - here.start) * (n - here.start)
        R[here, here.start :] = numbers[start : start + count].view(-1, n - here.start)
        start += count
    return R


def mirrored(R: Tensor) -> Tensor:
    """The symmetric matrix (n, n) with this upper triangle, column-major; R is overwritten."""
    R = R.triu()
    diagonal = R.diagonal().clone()
    R += R.mT.clone()
    R.diagonal().copy_(diagonal)
    return R.mT


def _slices(n: int, at_once: int):
    """Of so many columns each, one after the other."""
    for k in range(0, n, at_once):
        yield slice(k, min(k + at_once, n))


def _blocks(n: int):
    """Slices of the columns of each block, and of those after it."""
    for here in _slices(n, WIDE):
        yield here, slice(here.stop, n)
