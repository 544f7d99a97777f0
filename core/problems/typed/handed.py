"""What a window of time hands on to the next one: fields at its end, and how these follow the unknown numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.problems.typed.domain_state import DomainState
from core.problems.typed.end_state import EndState


@dataclass(frozen=True)
class Handed:
    """Fields at a moment, for unknown numbers near those that they were found with."""

    fields: EndState | DomainState
    numbers: tuple[float, ...] = ()
    """Of the equation, in their order: the fields are those of them."""
    slopes: tuple[EndState | DomainState, ...] = ()
    """What the fields change by with each number, to first order."""

    def plain(self) -> dict[str, Any]:
        """As numbers, texts and tensors alone, for a checkpoint."""
        if not self.numbers:
            return self.fields.plain()  # as it was before there were numbers
        return {
            "fields at end": self.fields.plain(),
            "numbers": list(self.numbers),
            "slopes": [each.plain() for each in self.slopes],
        }

    @classmethod
    def of_plain(cls, data: dict[str, Any]) -> Handed:
        """From what `plain` gave."""
        if "fields at end" not in data:
            return cls(_fields(data))
        return cls(_fields(data["fields at end"]), tuple(data["numbers"]), tuple(map(_fields, data["slopes"])))


def _fields(data: dict[str, Any]) -> EndState | DomainState:
    return (DomainState if "parts" in data else EndState).of_plain(data)


def differences(lam, numbers: Sequence[float]) -> list:
    """What each unknown number of now is more than that of then, (n,) each.

    Args:
        lam: the present ones as a problem gets them, (n,) or (n, count).
        numbers: those of then.
    """
    columns = [lam] if lam.ndim == 1 else lam.unbind(1)
    return [column - number for column, number in zip(columns, numbers, strict=True)]
