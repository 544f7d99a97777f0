"""The Córdoba–Córdoba–Fontelos equation: stable and unstable self-similar profiles."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from core.problems.self_similar import Layer, SelfSimilarVorticity

PUBLISHED = (1.1807776628998, 0.6057337012032, 0.4713248638620)
"""λ by order of instability (arXiv 2509.14185, fig. 2); of the last, five decimals are confirmed by others."""
WIDTH = (None, 0.797, 0.5145, 0.5145)
LAYER = (None, Layer(0.4333, 0.011), Layer(1.5, 0.0017), Layer(1.5, 0.0004))
"""ℓ and where the profile is steepest, by order: of earlier runs, and of order 3 a guess."""
START = (1.18, 0.606, 0.4713, 0.463)
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

    lambda_known_to: ClassVar[float] = 1e-5

    @property
    def advection(self):
        return -1.0

    @property
    def width(self):
        return super().width if self.scale is not None or not WIDTH[self.order] else WIDTH[self.order]

    @property
    def layer(self):
        return super().layer or LAYER[self.order]

    def lambda_start(self):
        return START[self.order]

    def lambda_start_source(self):
        return "near the published value" if self.order < len(PUBLISHED) else "an interval searched in vain by others"

    def continues(self, other):
        # measured: from the profile of one order less, as it is or with its layer moved, the search runs away
        return self.order == other.order

    def other_lambdas(self):
        return {order: lam for order, lam in enumerate(PUBLISHED) if order != self.order}

    def caution(self):
        if self.order < len(PUBLISHED):
            return None
        return (
            f"Nobody has found the CCF profile of order {self.order}; the search starts at λ = {START[self.order]:g}."
        )

    def reference_lambda(self):
        return PUBLISHED[self.order] if self.order < len(PUBLISHED) else None
