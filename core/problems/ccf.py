"""The Córdoba–Córdoba–Fontelos equation: stable and unstable self-similar profiles."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from core.problems.self_similar import SelfSimilarVorticity

PUBLISHED = (1.1807776628998, 0.6057337012032, 0.4713248638620)
"""λ by order of instability (arXiv 2509.14185, fig. 2); of the last, five decimals are confirmed by others."""
FOCUS = (None, (0.433, 0.012), (0.9647, 0.0012), (1.25, 0.0003))
"""Steepest place in units of ℓ, and its width in units of q, by order: of earlier runs; the last one is a guess."""
START = (1.1, 0.606, 0.4713, 0.463)
"""Where a search starts: near the published values; of order 3, the middle of the interval searched in vain by
arXiv 2511.22819."""


class CCF(SelfSimilarVorticity):
    """ω_t − uω_x = ω u_x with u_x = Hω: gCLM at a = −1, for a profile with `order` unstable modes."""

    kind: Literal["ccf"] = "ccf"
    order: int = Field(
        0,
        ge=0,
        le=3,
        title="Order n",
        description="Number of unstable modes; 0 is the stable profile. Nobody has found n = 3.",
    )

    title: ClassVar[str] = "CCF, self-similar profile"
    equation: ClassVar[str] = (
        r"\Omega + \left((1+\lambda)y - U\right)\Omega' = \Omega\,H\Omega,\quad U' = H\Omega,\quad "
        r"\Omega \ \text{odd},\ \Omega'(0) = -1"
    )

    @property
    def advection(self):
        return -1.0

    def lambda_start(self):
        return START[self.order]

    def reference_lambda(self):
        return PUBLISHED[self.order] if self.order < len(PUBLISHED) else None
