"""Harmonics at evenly spaced nodes of whole periods: sums of them by fast Fourier transforms, and what each wave is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

EVEN = 1e-9
"""Part of the distance between nodes by which they may be off."""


class Waves:
    """Weights of 1, cos, sin, cos 2, sin 2, … along several axes as those of exp(ik·θ), of the same size.

    Of the last axis waves k ≥ 0 alone are there: the others are their conjugates.

    Args:
        sides: nodes along each axis.
        counts: functions along each, odd, at most as many.
        angles: of the first node of each axis.
        slopes: of each axis's angle in its coordinate.
        like: a tensor of the dtype and device.
    """

    def __init__(
        self,
        sides: Sequence[int],
        counts: Sequence[int],
        angles: Sequence[float],
        slopes: Sequence[float],
        like: Tensor,
    ):
        self.sides, self.counts = tuple(sides), tuple(counts)
        norms, phase = like.new_ones(()), torch.ones((), dtype=torch.complex128, device=like.device)
        self._waves: list[Tensor] = []
        for axis, (side, count) in enumerate(zip(sides, counts, strict=True)):
            first = 0 if axis == len(sides) - 1 else -(count // 2)
            k = torch.arange(first, count // 2 + 1, dtype=like.dtype, device=like.device)
            self._waves.append(1j * slopes[axis] * k)
            phase = phase[..., None] * torch.exp(1j * angles[axis] * k)
            of_axis = like.new_full((count,), (side / 2) ** 0.5)
            of_axis[0] = side**0.5
            norms = norms[..., None] * of_axis
        self.norms = norms
        """Of the functions at the nodes, (c₁, …)."""
        self.shape = tuple(map(len, self._waves))
        """How many waves there are along each axis."""
        self._phase, self._symbols = phase, {}
        self._phase[..., 1:] *= 0.5**0.5  # a wave and its conjugate, which is not there

    @classmethod
    def at(cls, angles: Sequence[Tensor], counts: Sequence[int], slopes: Sequence[float]) -> Waves | None:
        """For angles (n,) along each axis; None where they are not even, or a cosine stands without its sine.

        None in reduced precision, too, where networks train step by step.
        """
        if not angles or angles[0].dtype != torch.float64:
            return None
        for angle, count in zip(angles, counts, strict=True):
            step = 2 * math.pi / len(angle)
            meant = angle[0] + step * torch.arange(len(angle), dtype=angle.dtype, device=angle.device)
            off = (angle - meant + math.pi).remainder(2 * math.pi) - math.pi
            if count % 2 == 0 or count > len(angle) or float(off.abs().max()) > EVEN * step:
                return None
        sides, first = [len(angle) for angle in angles], [float(angle[0]) for angle in angles]
        return cls(sides, counts, first, slopes, angles[0])

    def symbol(self, orders: tuple[int, ...]) -> Tensor:
        """What differentiation so often along each axis multiplies each wave by."""
        if orders not in self._symbols:
            found = torch.ones_like(self._phase, dtype=torch.complex128).new_ones(())
            for wave, order in zip(self._waves, orders, strict=True):
                found = found[..., None] * wave**order
            self._symbols[orders] = found
        return self._symbols[orders]

    def of(self, weights: Tensor) -> Tensor:
        """(…, c₁, …) real as waves (…, *shape) complex."""
        z, last = weights, len(self.counts) - 1
        for k in range(last, -1, -1):
            z = z.movedim(k - last - 1, -1)
            first, pairs = z[..., :1], z[..., 1:].unflatten(-1, (-1, 2))
            if k == last:
                first = torch.complex(first, torch.zeros_like(first))
                z = torch.cat([first, torch.complex(pairs[..., 0], -pairs[..., 1])], dim=-1)
            else:
                cosine, sine = pairs[..., 0] * 0.5**0.5, pairs[..., 1] * (1j * 0.5**0.5)
                z = torch.cat([(cosine + sine).flip(-1), first, cosine - sine], dim=-1)
            z = z.movedim(-1, k - last - 1)
        return z

    def back(self, z: Tensor) -> Tensor:
        """What `of` was given; its transpose."""
        last = len(self.counts) - 1
        for k in range(last + 1):
            z = z.movedim(k - last - 1, -1)
            half = self.counts[k] // 2
            if k == last:
                first, up = z[..., :1].real, z[..., 1:]
                pairs = torch.stack([up.real, -up.imag], dim=-1)
            else:
                down, first, up = z[..., :half].flip(-1), z[..., half : half + 1], z[..., half + 1 :]
                pairs = torch.stack([(up + down) * 0.5**0.5, (up - down) * (1j * 0.5**0.5)], dim=-1)
            z = torch.cat([first, pairs.flatten(-2)], dim=-1).movedim(-1, k - last - 1)
        return z

    def values(self, z: Tensor) -> Tensor:
        """Of waves (…, *shape) the sums at the nodes (…, n₁, …), as they are for functions of size 1 there."""
        z = z * self._phase
        batch = z.shape[: -len(self.counts)]
        padded = z.new_zeros(*batch, *self.sides[:-1], self.sides[-1] // 2 + 1)
        for there, here in self._places():
            padded[(..., *there)] = z[(..., *here)]
        return torch.fft.irfftn(padded, s=self.sides, dim=self._dims, norm="ortho")

    def transposed(self, values: Tensor) -> Tensor:
        """(…, *shape) from values (…, n₁, …): what `values` does, transposed."""
        found = torch.fft.rfftn(values, dim=self._dims, norm="ortho")
        z = found.new_empty(*values.shape[: -len(self.counts)], *self.shape)
        for there, here in self._places():
            z[(..., *here)] = found[(..., *there)]
        z *= self._phase.conj()
        z[..., 1:] *= 2  # for the conjugates
        return z

    @property
    def _dims(self) -> tuple[int, ...]:
        return tuple(range(-len(self.counts), 0))

    def _places(self):
        """Slices of a fast transform's coefficients, and those of our waves."""
        halves = []
        for count in self.counts[:-1]:
            half = count // 2
            halves.append([(slice(0, half + 1), slice(half, None)), (slice(-half, None), slice(0, half))])
        halves.append([(slice(0, self.shape[-1]), slice(None))])
        for chosen in itertools.product(*halves):
            yield tuple(there for there, _ in chosen), tuple(here for _, here in chosen)
