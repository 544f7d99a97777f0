"""Second-order operators, and what a jet carries: below both the jets and the problems that name the operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Form = tuple[tuple[int, int, float], ...]
"""A second-order operator Σ c ∂_i ∂_j as its (i, j, c) terms, i ≤ j."""


def laplacian(dimension: int) -> Form:
    """Σ ∂_i², as a form."""
    return tuple((i, i, 1.0) for i in range(dimension))


@dataclass(frozen=True)
class Layout:
    """What a jet carries: 1 value, `dimension` first derivatives, one component for each second-order form."""

    dimension: int
    forms: tuple[Form, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, dimension: int, forms: dict[str, Form]) -> Layout:
        """The layout for a problem's coordinates and its named forms."""
        return cls(dimension, tuple(forms.values()), tuple(forms))

    @property
    def components(self) -> int:
        """C = 1 + d + number of forms."""
        return 1 + self.dimension + len(self.forms)

    def curvature(self, form: Form, a: Tensor) -> Tensor:
        """Σ c a_i a_j over the form's terms, for a gradient a of shape (d, …): half of `pairs(form, a, a)`."""
        (i, j, c), *rest = form
        total = a[i] * a[j]
        if c != 1:
            total = total * c
        for i, j, c in rest:
            total = total.addcmul(a[i], a[j], value=c)
        return total

    def pairs(self, form: Form, a: Tensor, b: Tensor) -> Tensor:
        """Σ c (a_i b_j + a_j b_i) over the form's terms, for gradients a, b of shape (d, …)."""
        total = None
        for i, j, c in form:
            term = a[i] * b[j] * (2 * c) if i == j else (a[i] * b[j] + a[j] * b[i]) * c
            total = term if total is None else total + term
        return total
