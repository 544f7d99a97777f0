"""What a problem is: one PDE with its parameters, domain, ansatz, residuals and, where known, its exact solution.

A problem's file imports no torch at module level, so that the form and the queue can describe runs in milliseconds;
its methods receive jets and tensors and mostly need only their arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from core.frozen import Frozen

if TYPE_CHECKING:
    from torch import Tensor

    from core.networks.jets import Jet

Form = tuple[tuple[int, int, float], ...]
"""A second-order operator Σ c ∂_i ∂_j as its (i, j, c) terms, i ≤ j."""


def laplacian(dimension: int) -> Form:
    """Σ ∂_i², as a form."""
    return tuple((i, i, 1.0) for i in range(dimension))


class Problem(Frozen):
    """One PDE. Subclasses set the class attributes, their own parameters as fields, and the methods below."""

    kind: str
    title: ClassVar[str]
    equation: ClassVar[str]
    """The equation and its conditions in LaTeX, as the Launch page shows it."""
    source: ClassVar[str] = ""
    coordinates: ClassVar[tuple[str, ...]]
    fields: ClassVar[tuple[str, ...]]
    residual_names: ClassVar[tuple[str, ...]]
    """Keys that `residuals` returns, over all point sets."""
    time: ClassVar[str | None] = None
    """The coordinate that is time, if one is."""
    forms: ClassVar[dict[str, Form]] = {}
    """Second-order operators the residuals use, by name; only these are propagated."""
    pde_order: ClassVar[int] = 2
    has_lambda: ClassVar[bool] = False

    @property
    def outputs(self) -> int:
        """Number of outputs of the network, by default one for each field."""
        return len(self.fields)

    @property
    def inputs(self) -> int:
        """Number of features the network reads, by default one for each coordinate."""
        return len(self.coordinates)

    def domain(self) -> tuple[tuple[float, float], ...]:
        """Lower and upper end of each coordinate."""
        raise NotImplementedError

    def axis(self, index: int, n: int) -> np.ndarray:
        """`n` increasing positions (n,) along coordinate `index`, ends included: the grid used for plots and errors."""
        low, high = self.domain()[index]
        return np.linspace(low, high, n)

    def collocation(self, unit: np.ndarray) -> dict[str, np.ndarray]:
        """Map points of the unit cube (n, d) to point sets: name → (n_i, d). By default one set over the domain."""
        low, high = np.array(self.domain()).T
        return {"interior": low + (high - low) * unit}

    def features(self, x: tuple[Jet, ...], lam: Tensor | None) -> list[Jet]:
        """What the network reads, as jets of shape (n,): by default each coordinate scaled to [−1, 1]."""
        return [
            (jet - (low + high) / 2) * (2 / (high - low)) for jet, (low, high) in zip(x, self.domain(), strict=True)
        ]

    def ansatz(self, raw: tuple[Jet, ...], x: tuple[Jet, ...], lam: Tensor | None) -> dict[str, Jet]:
        """Fields that meet the hard constraints by construction, from the network's raw outputs; affine in `raw`.

        Further entries, that are no fields, may carry what `residuals` needs to avoid cancellation.
        """
        raise NotImplementedError

    def residuals(self, points: str, u: dict[str, Jet], x: tuple[Jet, ...], lam: Tensor | None) -> dict[str, Tensor]:
        """Residuals (n,) of the equations on the point set named `points`, each divided by its natural scale."""
        raise NotImplementedError

    def exact(self, x: np.ndarray) -> dict[str, np.ndarray] | None:
        """Exact fields (n,) at the points (n, d), or None where no closed form is known."""
        return None

    def lambda_start(self) -> float | None:
        """Where a search for λ starts."""
        return None

    def reference_lambda(self) -> float | None:
        """λ as known exactly or published."""
        return None
