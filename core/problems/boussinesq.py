"""Two-dimensional Boussinesq above a wall: stable and unstable self-similar profiles."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from core.frozen import Extended
from core.problems.boundary_maps import Axis, Sinh
from core.problems.boundary_profile import BoundaryProfile, balance, carried
from core.problems.ipm import IPM

PUBLISHED = (1.9205599746927, 1.3990961221852, 1.2523481636489, 1.1842500861997)
"""λ by order of instability (arXiv 2509.14185)."""
RADIAL = (Sinh(0.1875, 0.08), Sinh(0.161, 0.0418), Sinh(0.1803, 0.0279), Sinh(0.193, 0.0187), Sinh(0.2011, 0.0152))
ANGULAR = (
    Axis(1.5, -7.4),
    Axis(0.27, -6.3, 0.427, Sinh(0.767, 0.256)),
    Axis(1.525, -6.645, 0.822, Sinh(0.643, 0.153)),
    Axis(2.474, -6.538, 0.774, Sinh(0.632, 0.117)),
    Axis(3.5, -6.555, 0.685, Sinh(0.635, 0.131)),
)
"""By order: where coefficients of earlier runs' profiles fall fastest."""


class Boussinesq(BoundaryProfile, Extended):
    """Heat Θ carried by the flow whose vorticity it makes, Ω + V·∇Ω = ∂₁Θ, with `order` unstable modes.

    Near the wall it is the profile of the axisymmetric Euler equations with boundary.
    """

    added: ClassVar[frozenset[str]] = frozenset({"epsilon"})

    kind: Literal["boussinesq"] = "boussinesq"
    order: int = Field(
        0,
        ge=0,
        le=9,
        title="Order n",
        description="Number of unstable modes; 0 is the stable profile. Nobody has found n = 5 or more.",
    )
    epsilon: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        title="ε",
        description="0 has the profiles of IPM, 1 those of Boussinesq, and between them leads a way. Empty: 1.",
        json_schema_extra={"empty": "1"},
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
    found: ClassVar[tuple[float, ...]] = (1.145004,)
    sign: ClassVar[int] = 1
    raw_names: ClassVar[tuple[str, ...]] = ("f", "h", "s")
    maps: ClassVar[tuple[tuple[Sinh, Axis], ...]] = tuple(zip(RADIAL, ANGULAR, strict=True))

    @property
    def inertia(self):
        return 1.0 if self.epsilon is None else self.epsilon

    def vorticity(self, parts, w, z, lam):
        return self.F0 / self.ratio(lam) * (w * parts["h"].value).exp()

    def residuals(self, points, u, x, lam):
        w, z = x[0].value, x[1].value
        f, h, c2, eps = u["f"], u["h"], 1 - z * z, self.inertia
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
        buoyancy = c2 * (lam - 2 - eps + (1 - w) * f_slope) + 2 * lam * z * z - (1 + lam * w) * z * c2 * f.first(1)
        apart = (f.value - h.value) * relative_expm1(w * (f.value - h.value))
        driven = self.ratio(lam) * (buoyancy + apart * (2 + w * buoyancy))
        H = self.vorticity(u, w, z, lam)
        elliptic = self.elliptic(u["s"], self.stretching(lam), H, w, z, lam)
        vorticity = eps * change + (1 - eps) * lam - driven
        return {"transport": transport, "vorticity": vorticity, "elliptic": elliptic / H}

    def original(self, u, d, y, lam):
        phi, psi, first, second, eps = u["Theta1"], u["Theta2"], d["U1"], d["U2"], self.inertia
        size = sum(abs(part) for name in ("Theta1", "Theta2") for part in d[name])
        power, one, turned = f"λ−{eps:g}", f"{1 + eps:g}", {}
        if eps == 1:  # between IPM and Boussinesq that for Ω is no equation of physics
            turned = {"Ω + V·∇Ω = ∂₁Θ": balance(u["Omega"], *carried(u, d["Omega"], y, lam), -phi)}
        return {
            f"V·∇Θ = ({power})Θ": balance(*carried(u, d["Theta"], y, lam), (eps - lam) * u["Theta"]),
            **turned,
            f"({one} + ∂₁U₁)∂₁Θ + V·∇∂₁Θ + ∂₁U₂∂₂Θ = 0": balance(
                (1 + eps) * phi, first[0] * phi, *carried(u, d["Theta1"], y, lam), second[0] * psi
            ),
            f"({one} + ∂₂U₂)∂₂Θ + V·∇∂₂Θ + ∂₂U₁∂₁Θ = 0": balance(
                (1 + eps) * psi, second[1] * psi, *carried(u, d["Theta2"], y, lam), first[1] * phi
            ),
            "∂₁(∂₂Θ) = ∂₂(∂₁Θ)": (d["Theta2"][0] - d["Theta1"][1], size),  # its own terms vanish along a line
            **super().original(u, d, y, lam),
        }

    def lambda_start(self):
        if self.epsilon is None:
            return super().lambda_start()
        ends = Boussinesq(order=self.order), IPM(order=self.order)
        return self.epsilon * ends[0].lambda_start() + (1 - self.epsilon) * ends[1].lambda_start()

    def lambda_start_source(self):
        return super().lambda_start_source() if self.epsilon is None else "between those of IPM and Boussinesq"

    def reference_lambda(self):
        return super().reference_lambda() if self.epsilon is None else None

    def other_lambdas(self):
        return super().other_lambdas() if self.epsilon is None else {}

    def caution(self):
        if self.epsilon is None:
            return super().caution()
        return (
            f"ε = {self.epsilon:g} is between the equations of IPM and of Boussinesq: a stage on the way from one to "
            "the other, with no blow-up in physical time of its own."
        )

    # -- continuation -------------------------------------------------------------------------------------------------

    def along(self, name):
        return self.inertia if name == "epsilon" else super().along(name)

    def relative(self, other, name):
        if name == "epsilon" and isinstance(other, IPM):
            return Boussinesq(order=other.order, epsilon=0.0)
        return super().relative(other, name)

    def taken_over(self, other, raw, x, lam):
        if not isinstance(other, IPM):
            return super().taken_over(other, raw, x, lam)
        # f and s are IPM's own, and h is the logarithm of the vorticity that its density makes
        parts = dict(zip(other.raw_names, raw, strict=True))
        w, z = x[0].value, x[1].value
        H = other.vorticity(parts, w, z, lam)
        h = (H * self.ratio(lam) / self.F0).log() / w
        return [parts["f"].value, h, parts["s"].value]


def relative_expm1(x):
    """(eˣ − 1)/x of a tensor, 1 at 0."""
    small = x.abs() < 1e-5
    safe = x.where(~small, x.new_ones(()))
    return (safe.expm1() / safe).where(~small, 1 + x / 2 * (1 + x / 3))
