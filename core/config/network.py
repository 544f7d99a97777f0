"""Descriptions of a stage's network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from core.frozen import Extended, Frozen

if TYPE_CHECKING:
    from core.problems.base import Function

Sigma = Annotated[float, Field(gt=0, le=1e4)]
Sigmas = Annotated[tuple[Sigma, ...], Field(min_length=1, max_length=64)]
Width = Annotated[int, Field(ge=1, le=4096)]
Parity = Literal["all", "even", "odd"]
Layer = Annotated[float, Field(ge=-1, le=1)]


Intervals = Annotated[int, Field(ge=1, le=1000)]
Knots = Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field(min_length=2, max_length=1001)]


class MLP(Frozen):
    """Fully connected network of the first stage."""

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Width, ...] = Field((32, 32), min_length=1, max_length=12, description="Width of each hidden layer.")
    activation: Literal["tanh", "sine"] = Field("tanh", description="What each hidden unit does with its sum.")


class Local(Extended):
    """Features that follow the domain, of its holes' and corners' own; without effect where it has none.

    Each hole has rows of B that read its inverted coordinates R(x−c)/|x−c|², and log |x−c|; each corner of angle ω has
    the functions r^m sin mθ, or cos mθ, with which a solution goes into it, m a multiple of π/ω.
    """

    added: ClassVar[frozenset[str]] = frozenset({"smooth_sigma", "digits"})

    share: float = Field(
        0.2,
        ge=0,
        le=10,
        description="Rows of B of a hole's own, as a part of `features`; up to three times as many where edges are "
        "near each other, half as many for a mirror image.",
    )
    sigma: Sigma = Field(1.5, title="σ of holes", description="Standard deviation of these rows.")
    order: float = Field(6.0, ge=0, le=8, description="Highest exponent m of the corners' functions; 0: none.")
    smooth: int = Field(4, ge=0, le=100, description="Corners' functions also times cosine and sine of so many waves.")
    smooth_sigma: Sigma | None = Field(
        None,
        title="σ of these waves",
        description="1 if empty; larger where what stands before a corner's functions changes fast.",
    )

    digits: Annotated[float, Field(ge=1, le=12)] | None = Field(
        None,
        description="Solutions of the equation itself too, as many as so many digits take: around holes, in corners "
        "and from the middle. In the plane, where coefficients are constant; elsewhere without effect. Empty: none.",
    )

    def asked(self, functions: Sequence[Function], single: bool = False) -> list[Function]:
        """Those of a problem's functions that a network reads beside waves or splines, in their order.

        Args:
            functions: all of them.
            single: whether those of single fields are among them.
        """
        exact = self.digits is not None
        return [
            each
            for each in functions
            if each.exponent <= self.order
            and (single or each.field is None)
            and (not (exact and each.replaced) if each.digits is None else exact and each.digits <= self.digits)
        ]

    def rows(self, features: int, weight: float) -> int:
        """Rows of B of one hole's own, beside so many that all of the domain has."""
        return round(self.share * weight * features)


class Fourier(Extended):
    """A network whose first layer is [cos Bx, sin Bx], B ~ N(0, σ²) (arXiv 2509.14185, eq. 19)."""

    added: ClassVar[frozenset[str]] = frozenset({"local"})

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
    local: Local | None = Field(None, description="Features that follow the domain. Empty: none.")


class Chebyshev(Extended):
    """Products of Chebyshev polynomials of the features, linear in its weights: a polynomial layer, and no network."""

    added: ClassVar[frozenset[str]] = frozenset({"total", "parity", "layers"})

    degrees: Annotated[
        tuple[Annotated[int, Field(ge=2, le=400)], ...],
        Field(
            min_length=1,
            max_length=8,
            description="How many polynomials of each feature, T₀ among them; of a periodic coordinate, "
            "how many of 1, cos, sin, cos 2, sin 2, ….",
        ),
    ]
    total: Annotated[int, Field(ge=1, le=400)] | None = Field(
        None,
        title="Total degree",
        description="Products whose degrees add up to more are left out; of many inputs all would be far too many. "
        "Empty: all.",
    )
    parity: Literal["found"] | tuple[Parity, ...] | None = Field(
        None,
        max_length=8,
        description="Which polynomials there are of each feature: `all`, the `even` ones T₀, T₂, … or the `odd` ones. "
        "A solution that is its own mirror image has no others, and points of the sampler `gauss` are then on one side "
        "alone. `found`: what the equations' own mirror images say. Empty: all.",
    )
    layers: Literal["found"] | tuple[Layer | None, ...] | None = Field(
        None,
        max_length=8,
        description="Of each feature the width of a layer beside its lower end, as a part of its range, negative where"
        " it is beside the upper one; of even or odd polynomials, of one about the middle, as a part of half the range."
        " Polynomials are then of asinh(distance/width). `found`: by trying, where they leave much without. "
        "Empty: none.",
    )

    @model_validator(mode="after")
    def _of_each_factor(self) -> Self:
        for name, given in (("parity", self.parity), ("layers", self.layers)):
            if given not in (None, "found") and len(given) != len(self.degrees):
                raise ValueError(f"{name}: {len(given)} given for the {len(self.degrees)} numbers of degrees")
        for k, (parity, layer) in enumerate(self.kinds or ()):
            if parity != "all" and layer is not None and layer < 0:
                raise ValueError(f"layers: number {k + 1} is at the upper end alone, and parity says {parity}")
            if layer == 0:
                raise ValueError(f"layers: number {k + 1} is 0; a width is a part of the range, or empty")
        return self

    @property
    def kinds(self) -> tuple[tuple[Parity, float | None], ...] | None:
        """Parity and layer of each factor; None where all have all polynomials, of the feature itself.

        What is to be found counts as all.
        """
        parity, layers = (None if given == "found" else given for given in (self.parity, self.layers))
        if parity is None and layers is None:
            return None
        plain = len(self.degrees)
        return tuple(zip(parity or ("all",) * plain, layers or (None,) * plain, strict=True))

    @property
    def is_to_be_found(self) -> bool:
        """Whether something is left to a run that begins with it."""
        return "found" in (self.parity, self.layers)

    def products(self, circles: tuple[int, ...]) -> int:
        """How many there are.

        Args:
            circles: inputs that are the cosine of a periodic coordinate, the one after it being its sine.
        """
        if self.total is None:
            return math.prod(self.degrees)
        ways = np.zeros(self.total + 1, dtype=object)  # so many of each sum of degrees, in numbers without an end
        ways[0] = 1
        for orders in orders_of(self.degrees, circles, None if self.parity == "found" else self.parity):
            more = np.zeros_like(ways)
            for order in orders[orders <= self.total]:
                more[order:] += ways[: len(ways) - order]
            ways = more
        return int(ways.sum())

    @property
    def words(self) -> str:
        """What it is, for logs and tables."""
        if self.total is None:
            each = [self._said(k) for k in range(len(self.degrees))]
            return f"{' × '.join(each)} Chebyshev polynomials"
        return f"Chebyshev polynomials of {len(self.degrees)} inputs up to total degree {self.total}"

    def _said(self, k: int) -> str:
        """Of one factor."""
        parity, layer = ("all", None) if self.kinds is None else self.kinds[k]
        words = (parity if parity != "all" else "", "" if layer is None else f"(layer {layer:.2g})")
        return " ".join((str(self.degrees[k]), *filter(None, words)))


class Splines(Frozen):
    """Products of B-splines of the coordinates, linear in its weights: local functions, as fine as their knots."""

    degree: int = Field(
        7, ge=4, le=12, description="Of the piecewise polynomials; derivatives below this order are continuous."
    )
    knots: Annotated[dict[str, Intervals | Knots], Field(min_length=1, max_length=4)] = Field(
        description="Coordinate → how many intervals, shorter near the domain's corners and layers; or the ends of all "
        "of them, from its lower end to its upper one.",
    )
    local: Local | None = Field(
        None, description="Corners' own functions beside them; σ and share of holes have no effect."
    )

    @model_validator(mode="after")
    def _knots_increase(self) -> Splines:
        for name, own in self.knots.items():
            if not isinstance(own, int) and any(after <= before for before, after in pairwise(own)):
                raise ValueError(f"knots.{name}: each has to lie beyond the one before it")
        return self

    def __hash__(self) -> int:
        return hash((self.degree, tuple(self.knots.items()), self.local))

    def with_part(self, part: float) -> Splines:
        """With a part of the intervals of each coordinate; of given ends some are left out."""
        fewer = {}
        for name, own in self.knots.items():
            if isinstance(own, int):
                fewer[name] = max(1, int(own * part))
                continue
            places = np.linspace(0, len(own) - 1, 1 + max(1, int((len(own) - 1) * part)))
            fewer[name] = tuple(own[place] for place in places.round().astype(int))
        return self.model_copy(update={"knots": fewer})

    @property
    def products(self) -> int:
        """How many there are where each has some of the domain in its support."""
        return math.prod((own if isinstance(own, int) else len(own) - 1) + self.degree for own in self.knots.values())

    @property
    def words(self) -> str:
        """What it is, for logs and tables."""
        counts = (own if isinstance(own, int) else len(own) - 1 for own in self.knots.values())
        return f"splines of degree {self.degree} on {' × '.join(map(str, counts))} intervals"


def orders_of(
    degrees: tuple[int, ...], circles: tuple[int, ...], parity: tuple[Parity, ...] | None = None
) -> list[np.ndarray]:
    """The degree of each function of each coordinate, (count,): of cos n and sin n it is n.

    Args:
        degrees: how many functions of each coordinate.
        circles: see `Chebyshev.products`.
        parity: see `Chebyshev`; of periodic coordinates without effect.
    """
    found, place = [], 0
    for k, count in enumerate(degrees):
        on_circle, which = place in circles, "all" if parity is None else parity[k]
        orders = (np.arange(count) + on_circle) // (1 + on_circle)
        found.append(orders if on_circle or which == "all" else 2 * orders + (which == "odd"))
        place += 1 + on_circle
    return found
