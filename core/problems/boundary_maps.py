"""Coordinates for profiles on the half-plane: where features and points of a network crowd.

A profile with a boundary has a layer along the wall at some distance from the origin, and a ridge that leaves it and is
squeezed onto the axis. Its functions are smooth in the compactified radius w and the sine z of the angle above the
wall, but not evenly so: maps of both, [0, 1] each, spread what is steep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from core.jets import Jet

Number = TypeVar("Number", np.ndarray, "Jet")


@dataclass(frozen=True)
class Sinh:
    """x = c + δ sinh(…) of a uniform coordinate in [0, 1], the densest around c, as far as δ."""

    center: float
    width: float

    @property
    def ends(self) -> tuple[float, float]:
        """Arsinh of the scaled distance from the centre to 0 and to 1."""
        return float(np.arcsinh(-self.center / self.width)), float(np.arcsinh((1 - self.center) / self.width))

    def spread(self, x: np.ndarray) -> np.ndarray:
        """The uniform coordinate in [0, 1] at x in [0, 1]."""
        low, high = self.ends
        return (np.arcsinh((x - self.center) / self.width) - low) / (high - low)

    def spread_jet(self, x: Jet) -> Jet:
        """The same of a jet."""
        low, high = self.ends
        return (((x - self.center) * (1 / self.width)).asinh() - low) * (1 / (high - low))

    def at(self, uniform: np.ndarray) -> np.ndarray:
        """X at the uniform coordinate; 0 and 1 are taken to themselves."""
        low, high = self.ends
        return _with_ends(uniform, self.center + self.width * np.sinh(low + (high - low) * uniform))

    def slope(self, uniform: np.ndarray) -> np.ndarray:
        """The derivative of `at`."""
        low, high = self.ends
        return self.width * (high - low) * np.cosh(low + (high - low) * uniform)


def of_order(known: Sequence[Sinh], order: int) -> Sinh:
    """The map of an order, beyond those that are known by the trend of the last two.

    Centres go on by equal steps as long as they stay in the middle, widths by equal ratios.
    """
    if order < len(known):
        return known[order]
    before, last = known[-2:]
    beyond = order - len(known) + 1
    center = last.center + beyond * (last.center - before.center)
    return Sinh(min(max(center, 0.05), 0.6), last.width * (last.width / before.width) ** beyond)


@dataclass(frozen=True)
class Axis:
    """1 − z = d(w)(e^{L(1−ζ)} − 1), L = log(1 + 1/d): ζ is uniform, points crowd within d of the axis, z = 1.

    ln d goes from `near` at the origin to `far` at infinity by the parabola (1+b)w − bw², so that points follow a ridge
    which is curved.
    """

    near: float
    far: float
    bend: float = 0.0
    ridge: Sinh | None = None
    """A further map of ζ, around the ridge."""

    def depth(self, w: np.ndarray) -> np.ndarray:
        """D at w."""
        return np.exp(self.near + (self.far - self.near) * w * (1 + self.bend - self.bend * w))

    def spread_jets(self, w: Jet, z: Jet) -> Jet:
        """ζ (n,) as a jet in both coordinates."""
        exponent = w * ((1 + self.bend) - w * self.bend) * (self.far - self.near) + self.near
        inverse = (-exponent).exp()
        zeta = 1 - ((1 - z) * inverse).log1p() / inverse.log1p()
        return self.ridge.spread_jet(zeta) if self.ridge else zeta

    def at(self, w: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Z (n,) at w (n,) and the uniform coordinate (n,); 0 and 1 are taken to themselves."""
        zeta = self.ridge.at(uniform) if self.ridge else uniform
        d = self.depth(w)
        return _with_ends(uniform, 1 - d * np.expm1(np.log1p(1 / d) * (1 - zeta)))

    def slope(self, w: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """The derivative of `at` by the uniform coordinate."""
        zeta, turn = (self.ridge.at(uniform), self.ridge.slope(uniform)) if self.ridge else (uniform, 1.0)
        d = self.depth(w)
        rise = np.log1p(1 / d)
        return d * rise * np.exp(rise * (1 - zeta)) * turn


def _with_ends(uniform: np.ndarray, mapped: np.ndarray) -> np.ndarray:
    """What is mapped, its ends exactly 0 and 1: rounding would leave the origin, the wall or the axis."""
    return np.where(uniform <= 0, 0.0, np.where(uniform >= 1, 1.0, np.clip(mapped, 0.0, 1.0)))
