"""Residuals by name, and the few figures that training asks of them."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Residuals:
    """Residuals by name, each (n,), of one forward pass."""

    by_name: dict[str, Tensor]

    @cached_property
    def mean_squares(self) -> dict[str, Tensor]:
        """Mean square of each equation."""
        return {name: r.square().mean() for name, r in self.by_name.items()}

    def loss(self) -> Tensor:
        """Σ over the equations of the mean square: the quantity that is minimised."""
        return functools.reduce(operator.add, self.mean_squares.values())

    def maximum(self) -> Tensor:
        """Largest absolute residual."""
        largest = [torch.linalg.vector_norm(r.detach(), torch.inf) for r in self.by_name.values()]
        return largest[0] if len(largest) == 1 else torch.stack(largest).max()

    def rms(self) -> Tensor:
        """Root mean square over all points and equations."""
        if len(self.by_name) == 1:
            return next(iter(self.rms_by_name().values()))
        rows = [len(r) for r in self.by_name.values()]
        squares = zip(self.mean_squares.values(), rows, strict=True)
        return (sum(square.detach() * n for square, n in squares) / sum(rows)).sqrt()

    def rms_by_name(self) -> dict[str, Tensor]:
        """Root mean square of each equation."""
        return self._rms_by_name

    @cached_property
    def _rms_by_name(self) -> dict[str, Tensor]:
        return {name: square.detach().sqrt() for name, square in self.mean_squares.items()}

    def rows(self) -> Tensor:
        """R (M,), scaled so that the loss is |r|²."""
        return torch.cat([r * len(r) ** -0.5 for r in self.by_name.values()])
