"""The generalised Constantin–Lax–Majda equation, between CCF (a = −1) and De Gregorio (a = 1)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.problems.self_similar import SelfSimilarVorticity

SMOOTH = (-1.5, 0.45)
"""The a that smooth profiles were found for."""
KNOWN = {-1.0: 1.1807776628998, 0.0: 0.0, 0.5: -2 / 3}
"""a → λ of the stable profile: arXiv 2509.14185, exact, exact."""


class GCLM(SelfSimilarVorticity):
    """The stable profile for any a; at a = 0 exact: Ω = −y/(1+y²/4), λ = 0 (Constantin, Lax and Majda 1985)."""

    kind: Literal["gclm"] = "gclm"
    a: float = Field(
        -0.5,
        ge=-4.0,
        le=1.0,
        title="Advection a",
        description="−1: CCF, 0: Constantin–Lax–Majda; towards 1/2 the profile becomes singular at infinity.",
    )

    title: ClassVar[str] = "gCLM, self-similar profile"
    equation: ClassVar[str] = (
        r"\Omega + \left((1+\lambda)y + aU\right)\Omega' = \Omega\,H\Omega,\quad U' = H\Omega,\quad "
        r"\Omega \ \text{odd},\ \Omega'(0) = -1"
    )

    @property
    def advection(self):
        return self.a

    def exact(self, x):
        if self.a != 0:
            return None
        y = x[:, 0]
        return {"Omega": -y / (1 + y * y / 4), "U": 4 * np.arctan(y / 2), "HOmega": 2 / (1 + y * y / 4)}

    def lambda_start(self):
        """λ ≈ −1.2a, less 0.27a² where a > 0: an empirical law of this package's own runs, off by up to 0.05."""
        return -1.2 * self.a - (0.27 * self.a**2 if self.a > 0 else 0.0)

    def caution(self):
        low, high = SMOOTH
        if low <= self.a <= high:
            return None
        return (
            f"Smooth profiles are known to this package for a from {low:g} to {high:g}; a = {self.a:g} may have none."
        )

    def reference_lambda(self):
        return KNOWN.get(self.a)
