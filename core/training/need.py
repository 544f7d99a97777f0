"""What a part of a stage takes of the memory, and the sentence that refuses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.training.objective import SHARE


@dataclass(frozen=True)
class Need:
    """What a part of a stage takes at its peak, in bytes."""

    what: str
    points: int
    parameters: int
    of_points: float
    of_parameters: float
    advice: str = ""
    """What to change where the parameters' part does not fit."""
    dense: bool = False
    """Whether the points' part has a Jacobian, which grows with the parameters too."""

    @property
    def total(self) -> float:
        """Both together."""
        return self.of_points + self.of_parameters

    def refusal(self, room: float, fitting: Sequence[str] = ()) -> str:
        """What is needed, what is there, and what to change.

        Args:
            room: bytes that are free.
            fitting: systems of the same kind that would fit, in words.
        """
        text = (
            f"{self.what} would need about {self.total / 2**30:.3g} GiB for {self.points:,} points and "
            f"{self.parameters:,} parameters, and {room / 2**30:.3g} GiB are free. "
        )
        if self.of_parameters > SHARE * room:
            return text + (self.advice or "Use a smaller network.")
        if self.dense:
            fits = f"What would fit: {', or '.join(fitting)}." if fitting else "Use fewer points or a smaller network."
            return f"{text}{fits} The optimizer conjugate_gradient stores no Jacobian."
        fit = int(self.points * (SHARE * room - self.of_parameters) / self.of_points)
        return f"{text}Use fewer points, of which about {_rounded_down(fit):,} would fit, or a smaller network."


def _rounded_down(count: int) -> int:
    """To two digits."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return count // unit * unit
