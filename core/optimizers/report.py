"""What every deterministic optimizer has in common: an iteration over the whole objective, and its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from core.training.objective import Objective, Residuals


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
