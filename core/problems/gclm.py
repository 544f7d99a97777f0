"""The generalised Constantin–Lax–Majda equation, between CCF (a = −1) and De Gregorio (a = 1)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.problems.self_similar import SelfSimilarVorticity

SMOOTH = (-1.5, 0.45)
"""The a that smooth profiles were found for."""
LEAST_START = -0.9
"""λ must stay above −1, which the law does not know for a > 1/2."""
KNOWN = {-1.0: 1.1807776628998, -0.75: 0.8902009127865, -0.5: 0.5977112640438, 0.0: 0.0, 0.5: -2 / 3}
"""a → λ of the stable profile: of −1 arXiv 2509.14185, of 0 and 1/2 exact, of the others the spectral solver of the
tests."""


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
        """An empirical law of this package's own runs, off by up to 0.004 for a from −1.5 to 0.5."""
        law = -self.a * (1.235 + self.a * (0.128 + self.a * (0.108 + self.a * 0.034)))
        return max(law, LEAST_START)

    def lambda_start_source(self):
        return "an empirical law of earlier runs"

    def caution(self):
        low, high = SMOOTH
        if low <= self.a <= high:
            return None
        return (
            f"Smooth profiles are known to this package for a from {low:g} to {high:g}; a = {self.a:g} may have none."
        )

    def reference_lambda(self):
        return KNOWN.get(self.a)
