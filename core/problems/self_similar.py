"""Self-similar profiles of one-dimensional vorticity models with an odd profile and a nonlocal velocity."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from core.problems.base import Integral, Problem
from core.problems.hilbert import UNIFORM, Crowding, nodes, operators

REACH = 13.0
"""The equation is asked for up to y = ℓ sinh(REACH), 220,000 widths of the core."""


FOCUSED = 0.45
"""Nodes at the focus are 1 + FOCUSED/w times as dense as elsewhere, w its width in s."""
GUESSED_WIDTH = 2.0
"""Of the peak that a search starts with, in widths of the focus."""


class SelfSimilarVorticity(Problem):
    """Ω + ((1+λ)y + aU)Ω′ = Ω·HΩ with U′ = HΩ, U(0) = 0, Ω odd, Ω′(0) = −1, and λ unknown.

    The ansatz Ω = −y (1+t²)^{−(1+α)/2} e^{(1−q)N}, t = y/ℓ, q = (1+t²)^{−α/2}, α = 1/(1+λ), holds the parity, the
    gauge, the sign and the far field |y|^{−α}. Divided by Ω the equation is
    (2+λ)p + (1+λ+aU/y)·yn′ + a(U/y)·b − HΩ = 0 with n = (1−q)N, p = 1/(1+t²), b = 1 − (1+α)(1−p), in which the far
    field's own terms have cancelled by hand; its value at y = 0 is the origin condition 2 + λ = (1−a)HΩ(0). It is
    divided by its decay, q (1/t where α > 1), too.
    """

    scale: Annotated[float, Field(gt=0, le=1e3)] | None = Field(
        None,
        title="Width ℓ",
        description="Width of the profile's core; the network reads y/ℓ. Empty: as a law of earlier runs says.",
    )
    focus: Annotated[float, Field(gt=0, le=1e3)] | None = Field(
        None,
        title="Focus",
        description="Where the profile is steepest, in units of ℓ: the network reads q magnified there as well. "
        "Empty: nowhere.",
    )
    focus_width: float = Field(
        0.05, gt=0, le=1, title="Width of the focus", description="In units of q, which goes from 1 to 0."
    )

    source: ClassVar[str] = "arXiv 2509.14185; Okamoto, Sakajo and Wunsch, Nonlinearity 21 (2008)"
    coordinates: ClassVar[tuple[str, ...]] = ("y",)
    fields: ClassVar[tuple[str, ...]] = ("Omega", "U", "HOmega")
    integral_names: ClassVar[tuple[str, ...]] = ("U", "HOmega")
    residual_names: ClassVar[tuple[str, ...]] = ("profile",)
    features_follow_lambda: ClassVar[bool] = False
    origin_condition: ClassVar[str] = "profile"
    gauge: ClassVar[str] = "Ω′(0) = −1"
    pde_order: ClassVar[int] = 1
    has_lambda: ClassVar[bool] = True
    lambda_range: ClassVar[tuple[float, float]] = (-1.0, 100.0)

    @property
    def advection(self) -> float:
        """The model's parameter a."""
        raise NotImplementedError

    @property
    def width(self) -> float:
        """ℓ. Empirical where it is not given: cores of stable profiles are about 2e^{0.92a} wide."""
        return self.scale if self.scale is not None else 2 * float(np.exp(0.92 * self.advection))

    @property
    def outputs(self):
        return 1

    @property
    def inputs(self):
        return 2

    def domain(self):
        end = self.width * float(np.sinh(REACH))
        return ((-end, end),)

    def axis(self, index, n):
        return self.width * np.sinh(np.linspace(-REACH, REACH, n))

    @property
    def crowding(self) -> Crowding:
        """Where the quadrature's nodes are denser: where the profile is steep."""
        if self.focus is None:
            return UNIFORM
        alpha, center = 1 / (1 + self.lambda_start()), float(np.arcsinh(self.focus))
        falls = alpha * np.cosh(center) ** -alpha * np.tanh(center)  # −dq/ds there
        width = self.focus_width / falls
        return Crowding(center, width, FOCUSED / width)

    def collocation(self, unit):
        # The quadrature's own nodes: as many as asked for up to REACH, then the tail's.
        return {"interior": self._nodes(self.crowding.tau(np.array(REACH)) / len(unit))}

    def sources(self):
        # a step that no training grid has, so that what was fitted between its nodes shows
        return self._nodes(0.0397)

    def _nodes(self, step: float) -> np.ndarray:
        sigma = nodes(float(step), REACH, 1 / (1 + self.lambda_start()), self.crowding)
        return self.width * np.sinh(np.concatenate([[0.0], sigma]))[:, None]

    def asked(self, points):
        return int((points[:, 0] <= self.width * np.sinh(REACH) * (1 + 1e-9)).sum())

    def integrals(self, targets, sources):
        sigma = np.arcsinh(sources[1:, 0] / self.width)
        hilbert, velocity = operators(np.arcsinh(np.abs(targets[:, 0]) / self.width), sigma, self.crowding)
        zero = np.zeros((len(targets), 1))  # the node at the origin, where Ω vanishes
        sign = self.width * np.sign(targets)
        return {
            "U": Integral("Omega", sign * np.concatenate([zero, velocity], axis=1)),
            "HOmega": Integral("Omega", np.concatenate([zero, hilbert], axis=1)),
        }

    def features(self, x, lam):
        t = x[0] * (1 / self.width)
        log = (t * t + 1).log()
        alpha = 1 / (1 + lam)
        q, root = (log * (-alpha / 2)).exp(), (log * -0.5).exp()
        if self.focus is None:
            return [q * 2 - 1, root * 2 - 1]
        # q + Bw·asinh((q − q₀)/w), on [−1, 1]: the quadrature's crowding, seen from q
        middle, w, B = (1 + self.focus**2) ** (-alpha / 2), self.focus_width, self.crowding.strength
        low, high = B * w * (-middle / w).asinh(), 1 + B * w * ((1 - middle) / w).asinh()
        stretched = q + ((q - middle) * (1 / w)).asinh() * (B * w)
        return [(stretched - low) * (2 / (high - low)) - 1, root * 2 - 1]

    def ansatz(self, raw, x, lam):
        t = x[0] * (1 / self.width)
        log = (t * t + 1).log()
        alpha = 1 / (1 + lam)
        n = (1 - (log * (-alpha / 2)).exp()) * raw[0]
        return {"Omega": -(x[0] * (log * (-(1 + alpha) / 2)).exp() * n.exp()), "n": n}

    def guess(self, x):
        # around the focus Ω is about |y − y*|^{−α}, smoothed over the focus' width
        if self.focus is None:
            return None
        alpha, crowding = 1 / (1 + self.lambda_start()), self.crowding
        log = np.log1p(np.maximum((x[:, 0] / self.width) ** 2, 1e-12))
        s2 = np.arcsinh(np.sqrt(np.expm1(log))) ** 2
        blunt = (2 * crowding.center * crowding.width * GUESSED_WIDTH) ** 2
        away = np.log(((s2 - crowding.center**2) ** 2 + blunt) / (crowding.center**4 + blunt))
        return (-alpha / 2 * away / -np.expm1(-alpha / 2 * log))[:, None]

    def residuals(self, points, u, x, lam):
        y = x[0].value
        t2 = (y / self.width).square()
        alpha, p, a = 1 / (1 + lam), 1 / (1 + t2), self.advection
        at_origin = y == 0
        stretching = u["HOmega"]
        velocity = (u["U"] / y.where(~at_origin, 1.0)).where(~at_origin, stretching)  # U/y
        descent = y * u["n"].first(0)
        b = 1 - (1 + alpha) * (1 - p)
        decay = (t2.log1p() * (-alpha.clamp(max=1.0) / 2)).exp()
        equation = (2 + lam) * p + (1 + lam + a * velocity) * descent + a * velocity * b - stretching
        return {"profile": equation / decay}
