"""Two-dimensional Boussinesq above a wall: stable and unstable self-similar profiles."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from core.problems.boundary_maps import Axis, Sinh
from core.problems.boundary_profile import BoundaryProfile, balance, carried

PUBLISHED = (1.9205599746927, 1.3990961221852, 1.2523481636489, 1.1842500861997)
"""λ by order of instability (arXiv 2509.14185)."""
RADIAL = (Sinh(0.216, 0.0695), Sinh(0.161, 0.0418), Sinh(0.1846, 0.031), Sinh(0.193, 0.0285), Sinh(0.198, 0.0265))
ANGULAR = (Axis(1.96, -7.84, 0.36, Sinh(0.152, 0.343)), *[Axis(0.27, -6.3, 0.427, Sinh(0.767, 0.256))] * 4)
"""By order: where coefficients of earlier runs' profiles fall fastest."""


class Boussinesq(BoundaryProfile):
    """Heat Θ carried by the flow whose vorticity it makes, Ω + V·∇Ω = ∂₁Θ, with `order` unstable modes.

    Near the wall it is the profile of the axisymmetric Euler equations with boundary.
    """

    kind: Literal["boussinesq"] = "boussinesq"
    order: int = Field(
        0,
        ge=0,
        le=4,
        title="Order n",
        description="Number of unstable modes; 0 is the stable profile.",
    )

    title: ClassVar[str] = "Boussinesq with boundary, self-similar profile"
    equation: ClassVar[str] = (
        r"\Omega + V\cdot\nabla\Omega = \partial_1\Theta,\quad V\cdot\nabla\Theta = (\lambda-1)\Theta,\quad "
        r"V = (1+\lambda)y + U,\quad U = \nabla^\perp(-\Delta)^{-1}\Omega,\quad U_2(y_1, 0) = 0,\quad "
        r"\Omega \ \text{odd},\ \Theta \ \text{even in}\ y_1"
    )
    fields: ClassVar[tuple[str, ...]] = ("Theta", "Theta1", "Theta2", "Omega", "U1", "U2")
    residual_names: ClassVar[tuple[str, ...]] = ("transport", "vorticity", "elliptic")
    lambda_range: ClassVar[tuple[float, float]] = (0.0, 5.0)
    gauge: ClassVar[str] = "∂₁²Θ(0) = −4"
    published: ClassVar[tuple[float, ...]] = PUBLISHED
    epsilon: ClassVar[float] = 1.0
    raw_names: ClassVar[tuple[str, ...]] = ("f", "h", "s")
    maps: ClassVar[tuple[tuple[Sinh, Axis], ...]] = tuple(zip(RADIAL, ANGULAR, strict=True))

    def vorticity(self, parts, w, z, lam):
        return self.F0 / self.ratio(lam) * (w * parts["h"].value).exp()

    def residuals(self, points, u, x, lam):
        w, z = x[0].value, x[1].value
        f, h, c2 = u["f"], u["h"], 1 - z * z
        transport, flow = self.transport(u, w, z, lam)
        f_slope, h_slope = f.value + w * f.first(0), h.value + w * h.first(0)
        change = (
            (1 + lam) * h_slope
            + flow.A1 * (1 - 2 * w)
            - 2 * flow.A0
            + flow.A * (1 - w) * h_slope
            - flow.B * z * c2 * h.first(1)
            + z * z * flow.B1
        )
        # ∂₁Θ over its value at the origin is (1 + w·apart)(1 + w·buoyancy/2)
        buoyancy = c2 * (lam - 3 + (1 - w) * f_slope) + 2 * lam * z * z - (1 + lam * w) * z * c2 * f.first(1)
        apart = (f.value - h.value) * relative_expm1(w * (f.value - h.value))
        driven = self.ratio(lam) * (buoyancy + apart * (2 + w * buoyancy))
        H = self.vorticity(u, w, z, lam)
        elliptic = self.elliptic(u["s"], self.stretching(lam), H, w, z, lam)
        return {"transport": transport, "vorticity": change - driven, "elliptic": elliptic / H}

    def original(self, u, d, y, lam):
        phi, psi, first, second = u["Theta1"], u["Theta2"], d["U1"], d["U2"]
        size = sum(abs(part) for name in ("Theta1", "Theta2") for part in d[name])
        return {
            "V·∇Θ = (λ−1)Θ": balance(*carried(u, d["Theta"], y, lam), (1 - lam) * u["Theta"]),
            "Ω + V·∇Ω = ∂₁Θ": balance(u["Omega"], *carried(u, d["Omega"], y, lam), -phi),
            "(2 + ∂₁U₁)∂₁Θ + V·∇∂₁Θ + ∂₁U₂∂₂Θ = 0": balance(
                2 * phi, first[0] * phi, *carried(u, d["Theta1"], y, lam), second[0] * psi
            ),
            "(2 + ∂₂U₂)∂₂Θ + V·∇∂₂Θ + ∂₂U₁∂₁Θ = 0": balance(
                2 * psi, second[1] * psi, *carried(u, d["Theta2"], y, lam), first[1] * phi
            ),
            "∂₁(∂₂Θ) = ∂₂(∂₁Θ)": (d["Theta2"][0] - d["Theta1"][1], size),  # its own terms vanish along a line
            **super().original(u, d, y, lam),
        }


def relative_expm1(x):
    """(eˣ − 1)/x of a tensor, 1 at 0."""
    small = x.abs() < 1e-5
    safe = x.where(~small, x.new_ones(()))
    return (safe.expm1() / safe).where(~small, 1 + x / 2 * (1 + x / 3))
