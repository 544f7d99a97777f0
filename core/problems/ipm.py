"""Incompressible porous media above a wall: stable and unstable self-similar profiles."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from core.problems.boundary_maps import Axis, Sinh
from core.problems.boundary_profile import BoundaryProfile, balance, carried

PUBLISHED = (1.0285722760222, 0.4721297362414, 0.3149620267088, 0.2415604743989)
"""λ by order of instability (arXiv 2509.14185)."""
RADIAL = (
    Sinh(0.229, 0.3),
    Sinh(0.1482, 0.0462),
    Sinh(0.203, 0.0293),
    Sinh(0.2306, 0.0207),
    Sinh(0.2555, 0.0143),
    Sinh(0.2642, 0.0122),
)
ANGULAR = (
    Axis(-2, -3.82, 0.68),
    Axis(-0.13, -4.22, 1.42, Sinh(0.403, 0.348)),
    *[Axis(2.8, -4.445, 1.555, Sinh(0.231, 0.158))] * 2,
    Axis(3.39, -4.07, 0.457, Sinh(0.244, 0.163)),
    Axis(2.414, -3.053, -0.2544, Sinh(0.1946, 0.2014)),
)
"""By order: where coefficients of earlier runs' profiles fall fastest."""


class IPM(BoundaryProfile):
    """ρ carried by the flow that its weight drives through a porous medium, −Δφ = −∂₁ρ, with `order` unstable modes."""

    kind: Literal["ipm"] = "ipm"
    order: int = Field(
        0,
        ge=0,
        le=9,
        title="Order n",
        description="Number of unstable modes; 0 is the stable profile. Nobody has found n = 6 or more.",
    )

    title: ClassVar[str] = "IPM with boundary, self-similar profile"
    equation: ClassVar[str] = (
        r"\left((1+\lambda)y + U\right)\cdot\nabla R = \lambda R,\quad \Omega = -\partial_1 R,\quad "
        r"U = \nabla^\perp(-\Delta)^{-1}\Omega,\quad U_2(y_1, 0) = 0,\quad R \ \text{even},\ \Omega\ \text{odd in}\ y_1"
    )
    fields: ClassVar[tuple[str, ...]] = ("R", "R1", "R2", "Omega", "U1", "U2")
    residual_names: ClassVar[tuple[str, ...]] = ("transport", "elliptic")
    lambda_range: ClassVar[tuple[float, float]] = (0.0, 3.0)
    gauge: ClassVar[str] = "∂₁²R(0) = −4"
    published: ClassVar[tuple[float, ...]] = PUBLISHED
    found: ClassVar[tuple[float, ...]] = (0.19872156, 0.1706223)
    inertia: ClassVar[float] = 0.0
    sign: ClassVar[int] = -1
    raw_names: ClassVar[tuple[str, ...]] = ("f", "s")
    maps: ClassVar[tuple[tuple[Sinh, Axis], ...]] = tuple(zip(RADIAL, ANGULAR, strict=True))

    def vorticity(self, parts, w, z, lam):
        f, c2 = parts["f"], 1 - z * z
        slope = f.value + w * f.first(0)
        radial = (2 + (lam - 2) * w + w * (1 - w) * slope) / (1 + lam * w)
        return self.F0 * (w * f.value).exp() * (c2 * radial - z * (c2 * w * f.first(1) - 2 * z))

    def residuals(self, points, u, x, lam):
        w, z = x[0].value, x[1].value
        transport, _ = self.transport(u, w, z, lam)
        H = self.vorticity(u, w, z, lam)
        elliptic = self.elliptic(u["s"], self.stretching(lam), H, w, z, lam)
        return {"transport": transport, "elliptic": elliptic / H}

    def original(self, u, d, y, lam):
        slope = d["R"]
        return {
            "((1+λ)y + U)·∇R = λR": balance(*carried(u, slope, y, lam), -lam * u["R"]),
            "Ω = −∂₁R": balance(u["Omega"], slope[0]),
            **super().original(u, d, y, lam),
        }
