"""What every deterministic optimizer has in common: an iteration over the whole objective, and its report.

`Objective` is all that an optimizer asks of the equations: no optimizer knows a PDE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn


class Residuals(Protocol):
    """Residuals of one forward pass."""

    def loss(self) -> Tensor:
        """The quantity that is minimised, |r|²."""


class Slopes(Protocol):
    """The weighted system [J r], row by row, valid until the parameters move."""

    r: Tensor
    """Residuals (M,)."""
    shape: tuple[int, int]
    """Rows M and columns P of J."""

    def write(self, out: Tensor, start: int) -> None:
        """Rows `start`, `start` + 1, … of [J r] into `out` (count, P+1)."""

    def whole(self) -> Tensor:
        """All of [J r] (M, P+1), column-major."""


class Products(Protocol):
    """The weighted system by its products instead of its Jacobian, at the parameters where it was made."""

    r: Tensor
    """Residuals (M,)."""
    stays: bool
    """Whether its products are right after the parameters have moved and come back; else it is made again."""

    def transposed(self, w: Tensor) -> Tensor:
        """Jᵀw (P,) for w (M,)."""

    def times(self, v: Tensor) -> Tensor:
        """Jv (M,) for v (P,)."""

    def levelled(self, y: Tensor) -> Tensor:
        """R⁻¹y (P,), R with RᵀR nearer to JᵀJ than one is; y where none is known."""

    def levelled_transposed(self, g: Tensor) -> Tensor:
        """R⁻ᵀg (P,) likewise."""


class Trial(Protocol):
    """Moves the parameters and says what is left there."""

    def __call__(self, step: Tensor) -> float:
        """|r|² at θ + step (P,), where the parameters are left; NaN allowed."""

    def rows(self, step: Tensor) -> Tensor:
        """Residuals r (M,) likewise."""


class Objective(Protocol):
    """Residuals at fixed points as a function of the trained parameters θ."""

    def parameters(self) -> list[nn.Parameter]:
        """θ, in the order of the columns of J."""

    def residuals(self) -> Residuals:
        """At the present parameters, differentiable."""

    def check_finite(self, residuals: Residuals) -> None:
        """Raises NotFiniteError where one is NaN or infinite."""

    def gradient(self) -> tuple[Residuals, float, Tensor]:
        """Residuals, |r|², and its gradient (P,)."""

    def slopes(self) -> tuple[Residuals, Slopes]:
        """Residuals, and the weighted system r (M,), J (M, P), to be written where it is wanted."""

    def linearise(self) -> tuple[Residuals, Tensor, Tensor]:
        """Residuals, and that system as r (M,) and J (M, P)."""

    def products(self) -> tuple[Residuals, Products]:
        """Residuals, and the same system by its products."""

    def mover(self) -> Trial:
        """What moves the parameters from where they are now."""


@dataclass(frozen=True)
class StepReport:
    """What one iteration did."""

    accepted: bool
    """False when no step lowers the loss any more: θ is as good as float64 tells."""
    loss: float
    """|r|² after the iteration."""
    damping: float = float("nan")
    trust_ratio: float = float("nan")
    """Actual over predicted decrease."""
    step_norm: float = 0.0


class Optimizer(Protocol):
    """A method that sees all points at once."""

    def iterate(self, objective: Objective) -> tuple[Residuals, StepReport]:
        """Move the objective's parameters; the residuals are those from before the step."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs to continue bit by bit: numbers and tensors."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`."""
