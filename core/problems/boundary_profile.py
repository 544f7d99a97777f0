"""Self-similar profiles on the half-plane above a wall: the two-dimensional singularities of IPM and Boussinesq."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from core.forms import Form
from core.problems.base import Problem
from core.problems.boundary_maps import Axis, Sinh, of_order

if TYPE_CHECKING:
    from torch import Tensor

    from core.jets import Jet

LAST = 0.999
"""Up to this w fields are shown: r = (1−w)^{−(1+λ)} there, a million for λ = 1."""
CORE = 4.0
"""κ of the guessed core, (1 + κr²)^{−…}, before it is dilated to the gauge."""
GUESS_DEGREE = 30
"""Polynomials in each direction for the stream function that belongs to a guess."""

TINY = 1e-300


def balance(*terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Terms that should add up to zero: what they add up to, and their size."""
    return sum(terms), sum(map(abs, terms))


def carried(u: dict[str, np.ndarray], slope: np.ndarray, y: np.ndarray, lam: float) -> tuple[np.ndarray, ...]:
    """The terms (n,) of ((1+λ)y + U)·∇ of a quantity with this gradient (2, n)."""
    return (1 + lam) * y[0] * slope[0], (1 + lam) * y[1] * slope[1], u["U1"] * slope[0], u["U2"] * slope[1]


@dataclass(frozen=True)
class Flow:
    """What carries F and H, in the compactified coordinates: A = A₀ + wA₁ along r, B = 2a + wB₁ around."""

    A: Tensor
    B: Tensor
    A0: Tensor
    A1: Tensor
    B1: Tensor


class BoundaryProfile(Problem):
    """The profile equations of IPM (ε = 0) and Boussinesq (ε = 1), one family.

    V·∇Θ = (λ−ε)Θ and ε(Ω + V·∇Ω)/(1−w) + (1−ε)Ω = ∂₁Θ/(1−w)^ε with V = (1+λ)y + U: between the two a way from one to
    the other, and no physics.

    Polar coordinates, compactified: y = r(√(1−z²), z), r = w(1−w)^{−(1+λ)}, w and z in [0, 1]. All that the equations
    need of r is in r∂_r = w(1−w)/(1+λw)·∂_w, so λ enters rationally, and neither powers nor features move with it.
    w is analytic at the origin (as r) and at infinity (1−w ~ r^{−α}, α = 1/(1+λ), the power of the far field); z
    carries the parity in y₁. No condition is left to be imposed anywhere.

    Envelopes: φ = r²(1−w)z√(1−z²)·S, R or Θ = r w(1−w)^{1+ε}(1−z²)·F (for IPM −R), Ω = w(1−w)√(1−z²)·H, with
    U = (∂₂φ, −∂₁φ) and −Δφ = Ω; F and H are negative. The origin is exact: S = a + w·s, F = F₀e^{wf}, H = H₀e^{wh},
    with a = −(2+λ+ε)/2, which is the smoothness condition that fixes λ (λ = −2−ε−2∂₁U₁(0)), and F₀/H₀ from the equation
    for Ω. F₀ is the gauge: it only sets the dilation.

    Each equation is divided by its size (F; H, the elliptic one too) and by w, what cancels at the origin by hand.
    """

    source: ClassVar[str] = "arXiv 2509.14185; arXiv 2511.22819"
    coordinates: ClassVar[tuple[str, ...]] = ("w", "z")
    forms: ClassVar[dict[str, Form]] = {"ww": ((0, 0, 1.0),), "zz": ((1, 1, 1.0),)}
    has_lambda: ClassVar[bool] = True
    features_follow_lambda: ClassVar[bool] = False
    lambda_known_to: ClassVar[float] = 1e-4
    published: ClassVar[tuple[float, ...]]
    """λ by order of instability."""
    found: ClassVar[tuple[float, ...]]
    """λ of the orders after those, as found with this program (docs/benchmarks.md): only higher ones start from it."""
    F0: ClassVar[float] = -2.0
    inertia: ClassVar[float]
    """ε."""
    sign: ClassVar[int]
    """Of what is carried over F: heat rises, a porous medium's density falls."""
    raw_names: ClassVar[tuple[str, ...]]
    """What the network's outputs are called: the logarithms' f and h, and the stream function's s."""
    maps: ClassVar[tuple[tuple[Sinh, Axis], ...]]
    """By order: in w, and in z. Of orders beyond, they are extrapolated."""

    @property
    def radial(self) -> Sinh:
        """Where features and points crowd in w."""
        return of_order([radial for radial, _ in self.maps], self.order)

    @property
    def angular(self) -> Axis:
        """Where they crowd in z."""
        return self.maps[min(self.order, len(self.maps) - 1)][1]

    @property
    def outputs(self):
        return len(self.raw_names)

    def domain(self):
        return ((0.0, LAST), (0.0, 1.0))

    def axis(self, index, n):
        uniform = np.linspace(0, 1, n)
        if index == 0:
            return LAST * self.radial.at(uniform)
        return self.angular.at(np.full(n, 0.5), uniform)

    def collocation(self, unit):
        w = self.radial.at(unit[:, 0])
        return {"interior": np.stack([w, self.angular.at(w, unit[:, 1])], axis=1)}

    def features(self, x, lam):
        w, z = x
        return [self.radial.spread_jet(w) * 2 - 1, self.angular.spread_jets(w, z) * 2 - 1]

    # -- equations ----------------------------------------------------------------------------------------------------

    def ratio(self, lam):
        """F₀/H₀, which the equation for Ω asks for at the origin."""
        eps = self.inertia
        return (eps * (2 + lam - eps) + 2 * (1 - eps)) / 4

    def stretching(self, lam):
        """A = S(0) = ∂₁U₁ at the origin: what smoothness asks for."""
        return -(2 + lam + self.inertia) / 2

    def ansatz(self, raw, x, lam):
        parts = dict(zip(self.raw_names, raw, strict=True))
        return parts | self._physical(parts, x[0].value, x[1].value, lam)

    def vorticity(self, parts: dict[str, Jet], w: Tensor, z: Tensor, lam: Tensor) -> Tensor:
        """H (n,)."""
        raise NotImplementedError

    def _physical(self, parts: dict[str, Jet], w: Tensor, z: Tensor, lam: Tensor) -> dict[str, Tensor]:
        """The fields as people know them, (n,) each."""
        f, s, a, eps = parts["f"], parts["s"], self.stretching(lam), self.inertia
        c2 = (1 - z) * (1 + z)  # exact beside the axis
        c, r = c2.clamp(min=0).sqrt(), w * (1 - w) ** -(1 + lam)
        mu = w * (1 - w) / (1 + lam * w)  # r∂_r = μ∂_w
        stream, stream_w = a + w * s.value, s.value + w * s.first(0)
        radial = (1 - w) * (2 * stream + mu * stream_w) - mu * stream
        angular = (1 - w) * ((1 - 2 * z * z) * stream + z * c2 * w * s.first(1))
        F, slope = self.F0 * (w * f.value).exp(), f.value + w * f.first(0)
        carried, relative = w * (1 - w) ** (1 + eps) * F, 1 / w.clamp_min(TINY) - (1 + eps) / (1 - w) + slope
        outward, turning = c2 * carried * (1 + mu * relative), carried * (c2 * w * f.first(1) - 2 * z)
        return {
            self.fields[0]: self.sign * r * c2 * carried,
            self.fields[1]: self.sign * c * (outward - z * turning),
            self.fields[2]: self.sign * (z * outward + c2 * turning),
            "Omega": w * (1 - w) * c * self.vorticity(parts, w, z, lam),
            "U1": r * c * (z * z * radial + angular),
            "U2": r * z * (angular - c2 * radial),
        }

    def transport(self, parts: dict[str, Jet], w: Tensor, z: Tensor, lam: Tensor) -> tuple[Tensor, Flow]:
        """The equation that carries F, divided by wF, and the flow that carries it."""
        f, s = parts["f"], parts["s"]
        a, eps = self.stretching(lam), self.inertia
        c2 = 1 - z * z
        A0 = (1 - 2 * z * z) * a
        A1 = (1 - 2 * z * z) * s.value + z * c2 * s.first(1)
        B1 = (2 * lam - 1) * (a + w * s.value) + 2 * s.value + (1 - w) * (s.value + w * s.first(0))
        flow = Flow(A0 + w * A1, 2 * a + w * B1, A0, A1, B1)
        slope = f.value + w * f.first(0)
        row = (
            (1 + lam) * slope
            + A1 * (2 + (lam - 2 - eps) * w)
            + A0 * (lam - 2 - eps)
            + flow.A * (1 - w) * slope
            - flow.B * z * c2 * f.first(1)
            + 2 * z * z * B1
        )
        return row, flow

    def elliptic(self, s: Jet, a: Tensor | float, H: Tensor | float, w: Tensor, z: Tensor, lam: Tensor) -> Tensor:
        """−Δφ = Ω for S = a + ws, divided by w."""
        D, c2 = 1 + lam * w, 1 - z * z
        k, mu = 2 - w / D, (1 - w) / D
        slope = (1 - 2 * w - lam * w * w) / (D * D)  # d(w·mu)/dw
        inner = (
            (-(4 - w / D) / D - (1 - w) / D**3) * (a + w * s.value)
            + mu * (2 * k + slope) * (s.value + w * s.first(0))
            + w * mu * mu * (2 * s.first(0) + w * s.second("ww"))
            + c2 * s.second("zz")
            - z * s.first(1)
        )
        return z * inner + 2 * (1 - 2 * z * z) * s.first(1) + H

    def original(
        self, u: dict[str, np.ndarray], d: dict[str, np.ndarray], y: np.ndarray, lam: float
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The published equations in vector form: residual (n,) and the size (n,) of its terms, equation by equation.

        Args:
            u: fields (n,).
            d: their gradients (2, n) in y.
            y: where, (2, n).
            lam: λ.
        """
        (slope11, slope12), (slope21, slope22) = d["U1"], d["U2"]
        size = sum(abs(part) for part in (slope11, slope12, slope21, slope22))
        return {
            "div U = 0": (slope11 + slope22, size),  # its own terms vanish along a line
            "curl U = Ω": balance(slope21, -slope12, -u["Omega"]),
        }

    def other_lambdas(self):
        return {order: lam for order, lam in enumerate((*self.published, *self.found)) if order != self.order}

    def reference_lambda(self):
        return self.published[self.order] if self.order < len(self.published) else None

    def caution(self):
        if self.order < len(self.published):
            return None
        start = f"the search starts where {self._lower_ones()} carry on to, at λ = {self.lambda_start():.4g}"
        if self.order < len(self.maps):
            return f"No paper at hand has λ of order {self.order}: {start}."
        return (
            f"Nobody has found the profile of order {self.order}: {start}, in maps extrapolated from lower orders, and "
            "may well end without one."
        )

    def found_by_nobody(self):
        return self.order >= len(self.maps)

    def lambda_start(self):
        if self.order < len(self.published):
            return self.published[self.order]
        # 1/(λ − ε) is nearly linear in n: carried on by a parabola through the last three below
        below = (*self.published, *self.found)[: self.order]
        last, beyond = 1 / (np.array(below[-3:]) - self.inertia), self.order - len(below) + 1
        rise, bend = last[2] - last[1], last[2] - 2 * last[1] + last[0]
        return float(self.inertia + 1 / (last[2] + beyond * rise + beyond * (beyond + 1) / 2 * bend))

    def lambda_start_source(self):
        return "the published value" if self.order < len(self.published) else f"carried on from {self._lower_ones()}"

    def _lower_ones(self) -> str:
        return "those of lower orders" if self.order > len(self.published) else "the published ones"

    # -- start --------------------------------------------------------------------------------------------------------

    def guess(self, x):
        # Ω like r(1 + κr²)^{−(1+α)/2}, and its stream function: from there least squares finds orders 0 and 1
        lam = self.lambda_start()
        scale, _ = self._stream(CORE, lam, x[:1])
        kappa = CORE * (self.F0 / self.ratio(lam) / scale) ** 2
        _, s = self._stream(kappa, lam, x)
        columns = {"f": self._log(x[:, 0], kappa, lam, 1 + self.inertia)[0], "h": self._log(x[:, 0], kappa, lam, 1)[0]}
        return np.stack([(columns | {"s": s})[name] for name in self.raw_names], axis=1)

    def _log(self, w: np.ndarray, kappa: float, lam: float, power: float) -> tuple[np.ndarray, np.ndarray]:
        """The guessed f or h, (n,), and the derivative of w times it."""
        q, rise = (1 + power / (1 + lam)) / 2, 2 * (1 + lam)
        above = np.expm1(rise * np.log1p(-np.minimum(w, 1 - 1e-15))) + kappa * w * w
        small = w < 1e-9
        log = np.where(small, q * rise, -q * np.log1p(above) / np.where(small, 1.0, w))
        return log, -q * (2 * kappa * w - rise * (1 - w) ** (rise - 1)) / (1 + above)

    def _stream(self, kappa: float, lam: float, x: np.ndarray) -> tuple[float, np.ndarray]:
        """H₀ and s (n,) at points x (n, 2) for the guessed vorticity, by least squares on the elliptic equation."""
        import torch

        from core.forms import Layout
        from core.jets import Jet, chebyshev, coordinates, stack

        layout, degrees = Layout.of(2, self.forms), (GUESS_DEGREE, GUESS_DEGREE)

        def basis(points: np.ndarray) -> Jet:
            return chebyshev(stack(self.features(coordinates(torch.as_tensor(points), layout), None)), degrees)

        node = (1 - np.cos(np.pi * (np.arange(GUESS_DEGREE + 6) + 0.5) / (GUESS_DEGREE + 6))) / 2
        points = self.collocation(np.stack(np.meshgrid(node, node, indexing="ij"), axis=-1).reshape(-1, 2))["interior"]
        w, z = torch.as_tensor(points).T
        log, slope = (torch.as_tensor(part) for part in self._log(points[:, 0], kappa, lam, 1))
        F = (w * log).exp()
        if "h" in self.raw_names:
            H = F
        else:
            H = F * ((1 - z * z) * (2 + (lam - 2) * w + w * (1 - w) * slope) / (1 + lam * w) + 2 * z * z) / 2
        every = basis(points)
        columns = self.elliptic(every, 0.0, 0.0, w[:, None], z[:, None], lam)
        none = Jet(torch.zeros_like(every.data[..., :1]), layout)
        constant = self.elliptic(none, 1.0, 0.0, w[:, None], z[:, None], lam)
        found = torch.linalg.lstsq(torch.cat([columns, constant], dim=1), -H[:, None], driver="gels").solution[:, 0]
        H0 = float(self.stretching(lam) / found[-1])
        return H0, H0 * (basis(x).value @ found[:-1]).numpy()
