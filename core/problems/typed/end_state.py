"""Fields at one moment as series in space, Chebyshev or Fourier, with exact derivatives: where a time window begins.

A window that started from its predecessor's networks would drag all windows before it along. A series that holds a
smooth field to rounding costs the same for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

FEWEST = 16
MOST = {1: 2048, 2: 256, 3: 48}
"""Nodes along each axis, at most, by how many coordinates of space there are."""
ROUNDING = 1e-14
"""Part of the largest coefficient: what is less is rounding."""
NOISE = 1e-5
"""Part of the largest coefficient below which high ones that more nodes make no smaller are noise."""
TAIL = 4
"""Of this many parts of the coefficients along an axis, the last one tells whether there are enough."""


@dataclass(frozen=True)
class Axis:
    """A coordinate of space: its interval, and whether all fields are periodic in it."""

    low: float
    high: float
    periodic: bool

    def nodes(self, n: int) -> np.ndarray:
        """(n,) positions: evenly spaced where periodic, else Chebyshev's with both ends."""
        if self.periodic:
            return self.low + (self.high - self.low) * np.arange(n) / n
        s = np.cos(np.pi * np.arange(n) / (n - 1))
        s[n // 2 : n // 2 + 1] *= n % 2 == 0  # the middle one is 0
        return np.where(s > 0, self.high - (self.high - self.low) * (1 - s) / 2,
                        self.low + (self.high - self.low) * (1 + s) / 2)  # fmt: skip

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """Of the values at `nodes` along the first axis: T₀, T₁, …; or 1, cos, sin, cos 2, sin 2, ….

        Periodic ones have an odd number: the highest of an even number of nodes is left out.
        """
        n = len(values)
        if not self.periodic:
            mirrored = np.concatenate([values, values[-2:0:-1]])
            found = np.fft.rfft(mirrored, axis=0).real[:n] / (n - 1)
            found[[0, -1]] /= 2
            return found
        spectrum = np.fft.rfft(values, axis=0) / n
        count = (n - 1) // 2
        found = np.empty((2 * count + 1, *values.shape[1:]))
        found[0] = spectrum[0].real
        found[1::2], found[2::2] = 2 * spectrum[1 : count + 1].real, -2 * spectrum[1 : count + 1].imag
        return found

    def basis(self, x: Tensor, count: int, order: int) -> Tensor:
        """(n, count): the first functions of the series at x (n,), differentiated `order` times."""
        import torch

        if self.periodic:
            unit = 2 * math.pi / (self.high - self.low)
            k = torch.arange(1, (count - 1) // 2 + 1, dtype=x.dtype, device=x.device)
            angle = (x[:, None] - self.low) * unit * k
            c, s = angle.cos(), angle.sin()
            for _ in range(order % 4):
                c, s = -s, c
            scale = (unit * k) ** order
            first = torch.full_like(x[:, None], float(order == 0))
            return torch.cat([first, torch.stack([c * scale, s * scale], dim=-1).flatten(1)], dim=1)
        scaled = (x - self.low) * (2 / (self.high - self.low)) - 1
        found = [torch.ones_like(scaled), scaled]
        while len(found) < count:
            found.append(2 * scaled * found[-1] - found[-2])
        polynomials = torch.stack(found[:count], dim=1)
        if not order:
            return polynomials
        matrix = self._differentiated(count, order)
        return polynomials @ torch.as_tensor(matrix, dtype=x.dtype, device=x.device)

    def _differentiated(self, count: int, order: int) -> np.ndarray:
        """(count, count): column j has the coefficients of the derivative of T_j."""
        matrix = np.zeros((count, count))
        made = np.polynomial.chebyshev.chebder(np.eye(count), order, scl=2 / (self.high - self.low), axis=0)
        matrix[: len(made)] = made
        return matrix


class EndState:
    """Fields at one moment, and their rates where those are needed.

    Args:
        axes: the coordinates of space, in their order.
        fields: field → series of its value and of its rates in time, each (n₁, n₂, …) coefficients.
    """

    def __init__(self, axes: Sequence[Axis], fields: dict[str, list[np.ndarray]]):
        self.axes, self.fields = tuple(axes), fields

    def derivative(self, field: str, order: int, x: Sequence[Tensor], by: Sequence[int]) -> Tensor:
        """A derivative in space (n,) of a field's value (`order` 0) or rate (1, …) at points x, one (n,) an axis."""
        import torch

        from core.jets import nodes_of, sides_of

        coefficients = torch.as_tensor(self.fields[field][order], dtype=x[0].dtype, device=x[0].device)
        sides = sides_of([position[:, None] for position in x])
        if sides is not None:
            found = coefficients
            for k, (axis, position) in enumerate(zip(self.axes, x, strict=True)):
                nodes = nodes_of(position[:, None], sides, k)[:, 0]
                basis = axis.basis(nodes, coefficients.shape[k], list(by).count(k))
                found = torch.tensordot(found, basis, dims=([0], [1]))  # the axis comes last, and the next one first
            return found.reshape(-1, 1).expand(-1, sides[-1]).reshape(-1)
        bases = [
            axis.basis(position, count, list(by).count(k))
            for k, (axis, position, count) in enumerate(zip(self.axes, x, coefficients.shape, strict=True))
        ]
        found = bases[0] @ coefficients.flatten(1) if len(bases) > 1 else bases[0] @ coefficients
        for basis, count in zip(bases[1:], coefficients.shape[1:], strict=True):
            found = (found.unflatten(1, (count, -1)) * basis[:, :, None]).sum(1)
        return found.reshape(-1)

    def plain(self) -> dict[str, Any]:
        """As numbers, texts and tensors alone, for a checkpoint."""
        import torch

        return {
            "axes": [(axis.low, axis.high, axis.periodic) for axis in self.axes],
            "fields": {name: [torch.from_numpy(each) for each in held] for name, held in self.fields.items()},
        }

    @classmethod
    def of_plain(cls, data: dict[str, Any]) -> EndState:
        """From what `plain` gave."""
        fields = {name: [each.numpy() for each in held] for name, held in data["fields"].items()}
        return cls([Axis(*each) for each in data["axes"]], fields)


def end_state(
    axes: Sequence[Axis], values: Callable[[np.ndarray], dict[str, list[np.ndarray]]]
) -> tuple[EndState, float]:
    """The series of fields that are known at any points; and what they may be off by, over their largest value.

    Nodes double along each axis until the last coefficients along it are rounding, or noise that stays.

    Args:
        axes: the coordinates of space.
        values: at points (n, axes), of each field its value and rates (n,).
    """
    counts = [FEWEST + (not axis.periodic) for axis in axes]
    most = MOST[len(axes)]
    before = [math.inf] * len(axes)
    while True:
        grid = np.stack(np.meshgrid(*(a.nodes(n) for a, n in zip(axes, counts, strict=True)), indexing="ij"), axis=-1)
        known = values(grid.reshape(-1, len(axes)))
        series = {name: [_series(axes, each.reshape(grid.shape[:-1])) for each in held] for name, held in known.items()}
        tails = [max(_tail(each, k) for each in _all(series)) for k in range(len(axes))]
        settled = [tail <= ROUNDING or before[k] / 4 < tail < NOISE for k, tail in enumerate(tails)]
        open_ = [k for k, done in enumerate(settled) if not done and counts[k] < most]
        if not open_:
            break
        for k in range(len(axes)):
            before[k] = tails[k] if k in open_ else before[k]
        counts = [2 * n - (not axes[k].periodic) if k in open_ else n for k, n in enumerate(counts)]
    return EndState(axes, {name: [_cropped(each) for each in held] for name, held in series.items()}), max(tails)


def _all(series: dict[str, list[np.ndarray]]) -> Iterator[np.ndarray]:
    for held in series.values():
        yield from held


def _series(axes: Sequence[Axis], values: np.ndarray) -> np.ndarray:
    for k, axis in enumerate(axes):
        values = np.moveaxis(axis.coefficients(np.moveaxis(values, k, 0)), 0, k)
    return values


def _tail(series: np.ndarray, axis: int) -> float:
    """The largest of the last coefficients along an axis, over the largest of all."""
    sizes = np.abs(np.moveaxis(series, axis, 0)).reshape(series.shape[axis], -1).max(1)
    last = max(2, len(sizes) // TAIL)
    return float(sizes[-last:].max() / max(sizes.max(), 1e-300))


def _cropped(series: np.ndarray) -> np.ndarray:
    """Without the last coefficients along each axis that are no more than rounding or noise: derivatives raise them."""
    largest = max(np.abs(series).max(), 1e-300)
    for k in range(series.ndim):
        sizes = np.abs(np.moveaxis(series, k, 0)).reshape(series.shape[k], -1).max(1)
        tail = _tail(series, k)
        floor = largest * (max(ROUNDING / 10, 3 * tail) if tail < NOISE else 0.0)
        kept = int(np.flatnonzero(sizes > floor).max(initial=0)) + 1
        kept = max(kept + (kept % 2 == 0), 3)  # cosine and sine go together, and two polynomials are always there
        series = np.take(series, range(min(kept, series.shape[k])), axis=k)
    return np.ascontiguousarray(series)
