"""Self-similar profiles of one-dimensional vorticity models with an odd profile and a nonlocal velocity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from core.problems.axes import evenly
from core.problems.base import Integral, Problem
from core.problems.hilbert import UNIFORM, Crowding, nodes, operators

LEAST_REACH, LEAST_Q = 13.0, 1e-4
"""The equation is asked for up to s = 13, 220,000 widths of the core, and further until q, which the network reads, is
so small that what remains up to q = 0, infinity, is no extrapolation."""
FOCUSED = 0.4
"""Nodes at the layer are 1 + FOCUSED/w times as dense as elsewhere, w its width in s."""
NEAR_ORIGIN = 40
"""Further points where there is a layer: at y = 1e-4 ℓ and from there to the first node, evenly in log y."""


@dataclass(frozen=True)
class Layer:
    """Where an unstable profile is steepest: there 1 + λ + aU/y, by which everything is carried, is nearly zero."""

    position: float
    """In units of ℓ."""
    width: float
    """In units of q, which goes from 1 at the origin to 0 at infinity."""


GUESSED_WIDTH = 0.03
"""Of the peak that a search starts with, in log y."""
MAGNIFIED = 4.0
"""Features around a layer are as much finer than others, so that the same σ suits them."""


class SelfSimilarVorticity(Problem):
    """Ω + ((1+λ)y + aU)Ω′ = Ω·HΩ with U′ = HΩ, U(0) = 0, Ω odd, Ω′(0) = −1, and λ unknown.

    The ansatz Ω = −y (1+t²)^{−(1+α)/2} eⁿ, t = y/ℓ, q = (1+t²)^{−α/2}, α = 1/(1+λ), n = (1−q)N, holds the parity, the
    gauge, the sign and the far field |y|^{−α}. Divided by Ω the equation is
    (2+λ)p + (1+λ+aU/y)·yn′ + a(U/y)·b − HΩ = 0 with p = 1/(1+t²), b = 1 − (1+α)(1−p), in which the far field's own
    terms have cancelled by hand; its value at y = 0 is the origin condition 2 + λ = (1−a)HΩ(0). It is divided by its
    decay, q (1/t where α > 1), too.

    An unstable profile has a layer. Features and quadrature are then stretched around it, and it must stay where they
    are: the dilation that the equation leaves free is fixed by the layer's position, where U/y has its extremum,
    instead of by Ω′(0), and n = N.
    """

    scale: Annotated[float, Field(gt=0, le=1e3)] | None = Field(
        None,
        title="Width ℓ",
        description="Width of the profile's core; the network reads y/ℓ. Empty: as earlier runs say.",
    )
    focus: Annotated[float, Field(gt=0, le=1e3)] | None = Field(
        None,
        title="Focus",
        description="Where the profile is steepest, in units of ℓ: the network reads q magnified there. "
        "Empty: as earlier runs say.",
    )
    focus_width: float = Field(
        0.05, gt=0, le=1, title="Width of the focus", description="In units of q, which goes from 1 to 0."
    )

    source: ClassVar[str] = "arXiv 2509.14185; Okamoto, Sakajo and Wunsch, Nonlinearity 21 (2008)"
    coordinates: ClassVar[tuple[str, ...]] = ("y",)
    fields: ClassVar[tuple[str, ...]] = ("Omega", "U", "HOmega")
    integral_names: ClassVar[tuple[str, ...]] = ("U", "HOmega")
    residual_names: ClassVar[tuple[str, ...]] = ("profile", "gauge")
    features_follow_lambda: ClassVar[bool] = False
    origin_condition: ClassVar[str] = "profile"
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
    def reach(self) -> float:
        """Largest s = asinh(y/ℓ) at which the equation is asked for."""
        return max(LEAST_REACH, -float(np.log(LEAST_Q)) * (1 + self.lambda_start()))

    @property
    def layer(self) -> Layer | None:
        """Where features and quadrature are stretched; None for a profile without a layer."""
        return None if self.focus is None else Layer(self.focus, self.focus_width)

    @property
    def gauge(self) -> str:
        """What fixes the dilation."""
        return "Ω′(0) = −1" if self.layer is None else f"HΩ = U/y at y = {self.layer.position * self.width:.7g}"

    @property
    def row_names(self):
        return self.residual_names if self.layer else self.residual_names[:1]

    @property
    def outputs(self):
        return 1

    @property
    def inputs(self):
        return 2

    def domain(self):
        end = self.width * float(np.sinh(self.reach))
        return ((-end, end),)

    def axis(self, index, n):
        return self.width * np.sinh(evenly(-self.reach, self.reach, n))

    @property
    def crowding(self) -> Crowding:
        """Where the quadrature's nodes are denser: at the layer."""
        if self.layer is None:
            return UNIFORM
        alpha, center = 1 / (1 + self.lambda_start()), float(np.arcsinh(self.layer.position))
        width = self.layer.width / (alpha * np.cosh(center) ** -alpha * np.tanh(center))  # −dq/ds there
        return Crowding(center, width, FOCUSED / width)

    def collocation(self, unit):
        # The quadrature's own nodes: as many as asked for up to REACH, then the tail's.
        step = float(self.crowding.tau(np.array(self.reach)) / len(unit))
        if self.layer is None:
            return {"interior": self._points(step)}
        middle = float(self.crowding.tau(np.array(self.crowding.center)))
        step = middle / max(1, round(middle / step))  # the layer is a node
        first = float(np.sinh(self.crowding.sigma(np.array([step]))[0]))
        return {"interior": self._points(step, self.width * np.geomspace(1e-4, 0.9 * first, NEAR_ORIGIN))}

    def sources(self):
        # a step that no training grid has, so that what was fitted between its nodes shows
        return self._points(0.0397)

    def _points(self, step: float, near: np.ndarray | tuple = ()) -> np.ndarray:
        """The origin, further points before the first node, and the nodes: (n, 1)."""
        sigma = nodes(step, self.reach, 1 / (1 + self.lambda_start()), self.crowding)
        return np.concatenate([[0.0], near, self.width * np.sinh(sigma)])[:, None]

    def asked(self, points):
        return int((points[:, 0] <= self.width * np.sinh(self.reach) * (1 + 1e-9)).sum())

    def integrals(self, targets, sources):
        sigma = np.arcsinh(sources[:, 0] / self.width)
        tau = self.crowding.tau(sigma)
        before = int((tau < (tau[-1] - tau[-2]) * (1 - 1e-6)).sum())  # points that are no nodes of the quadrature
        hilbert, velocity = operators(np.arcsinh(np.abs(targets[:, 0]) / self.width), sigma[before:], self.crowding)
        zero = np.zeros((len(targets), before))
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
        if self.layer is None:
            return [q * 2 - 1, root * 2 - 1]
        # q + Bw·asinh((q − q₀)/w), on [−1, 1]: the quadrature's crowding, seen from q
        w, B, middle = self.layer.width, self.crowding.strength, (1 + self.layer.position**2) ** (-alpha / 2)
        low, high = B * w * (-middle / w).asinh(), 1 + B * w * ((1 - middle) / w).asinh()
        stretched = q + ((q - middle) * (1 / w)).asinh() * (B * w)
        return [((stretched - low) * (2 / (high - low)) - 1) * MAGNIFIED, (root * 2 - 1) * 2]

    def ansatz(self, raw, x, lam):
        t = x[0] * (1 / self.width)
        log = (t * t + 1).log()
        alpha = 1 / (1 + lam)
        n = raw[0] if self.layer else (1 - (log * (-alpha / 2)).exp()) * raw[0]
        return {"Omega": -(x[0] * (log * (-(1 + alpha) / 2)).exp() * n.exp()), "n": n}

    def guess(self, x):
        if self.layer is None:
            return None
        # any peak at the layer that is neither flat nor as broad as the core leads to the profile with one
        t2 = (x[:, 0] / self.width) ** 2
        apart = np.log(np.maximum(t2, 1e-30) / self.layer.position**2) ** 2 / 4
        return (0.25 * np.log((apart + 1) / (apart + GUESSED_WIDTH**2)) * t2 / (t2 + 0.1))[:, None]

    def residuals(self, points, u, x, lam):
        y = x[0].value
        t2 = (y / self.width).square()
        alpha, p, a = 1 / (1 + lam), 1 / (1 + t2), self.advection
        at_origin = y == 0  # U has as many digits as y however close that is, so U/y has, too
        stretching = u["HOmega"]
        velocity = (u["U"] / y.where(~at_origin, 1.0)).where(~at_origin, stretching)  # U/y
        descent = y * u["n"].first(0)
        b = 1 - (1 + alpha) * (1 - p)
        decay = (t2.log1p() * (-alpha.clamp(max=1.0) / 2)).exp()
        equation = (2 + lam) * p + (1 + lam + a * velocity) * descent + a * velocity * b - stretching
        rows = {"profile": equation / decay}
        if self.layer:
            at_layer = (y / (self.width * self.layer.position) - 1).abs() < 1e-9
            rows["gauge"] = (stretching - velocity).where(at_layer, 0.0)
        return rows
