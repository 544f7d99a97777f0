"""Descriptions of a stage's network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.frozen import Frozen

Sigma = Annotated[float, Field(gt=0, le=1e4)]
Sigmas = Annotated[tuple[Sigma, ...], Field(min_length=1, max_length=64)]
Width = Annotated[int, Field(ge=1, le=4096)]


class MLP(Frozen):
    """Fully connected network of the first stage."""

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Width, ...] = Field((32, 32), min_length=1, max_length=12, description="Width of each hidden layer.")
    activation: Literal["tanh", "sine"] = "tanh"


class Fourier(Frozen):
    """A network whose first layer is [cos Bx, sin Bx], B ~ N(0, σ²) (arXiv 2509.14185, eq. 19)."""

    features: int = Field(100, ge=1, le=20_000, description="Rows of B; the network reads twice as many features.")
    sigma: Literal["measured", "search"] | Sigma | Sigmas = Field(
        "measured",
        title="σ",
        description="Standard deviation of B, one for all inputs or one for each. `measured`: 2π times the dominant "
        "frequency of the residual so far. `search`: from there, by what one step leaves at points not trained on.",
    )
    hidden: tuple[Width, ...] = Field(
        (), max_length=12, description="Hidden tanh layers after the features; none: linear in its weights."
    )


class Chebyshev(Frozen):
    """Products of Chebyshev polynomials of the features, linear in its weights: a polynomial layer, and no network."""

    degrees: Annotated[
        tuple[Annotated[int, Field(ge=2, le=400)], ...],
        Field(min_length=1, max_length=8, description="How many polynomials of each feature, T₀ among them."),
    ]
