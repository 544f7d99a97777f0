"""What the fields of a typed equation hold: texts, names, numbers that may be texts, conditions, unknown numbers."""

from __future__ import annotations

import sys
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, PlainValidator, StringConstraints, model_validator

from core.frozen import Extended, Frozen

Text = Annotated[str, Field(max_length=25_000)]
"""Longer than any text that is read; the reader says what is too long at its place."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
LONGEST_NUMBER = 500


def number_or(longest: int, such_as: str) -> Any:
    """The type of a number, or a text of so many characters: one line says what is wrong, a union would say two."""

    def read(value: Any) -> float | str:
        if isinstance(value, str) and 0 < len(value) <= longest:
            return value
        if isinstance(value, int | float) and abs(value) <= sys.float_info.max:
            return float(value)
        given = f"a text of {len(value):,} characters" if isinstance(value, str) else f"{value!r:.60}"
        raise ValueError(f"{given} is not allowed; it should be a number, or a text such as {such_as}")

    return Annotated[float | str, PlainValidator(read)]


Number = number_or(LONGEST_NUMBER, "2*pi")
"""A number, or a text such as `2*pi`."""

EXAMPLE: dict[str, Any] = {
    "coordinates": {"x": [0, 1], "t": [0, 1]},
    "time": "t",
    "fields": ["u"],
    "parameters": {"kappa": 0.1},
    "equations": ["u_t = kappa*u_xx"],
    "conditions": [{"on": "t = 0", "that": "u = sin(pi*x)"}, {"on": "boundary", "that": "u = 0"}],
    "exact": {"u": "sin(pi*x)*exp(-kappa*pi^2*t)"},
}
"""What nothing but the kind stands for."""


class Condition(Extended):
    """What holds where."""

    added: ClassVar[frozenset[str]] = frozenset({"weight"})

    on: Annotated[str, Field(max_length=1_000, description="`t = 0`, `boundary`, `(0.5, 0.5)`, `periodic in x`.")]
    that: Text = Field("", description="`u = 0`, `u_t = 0`, `dn(u) + 2*u = 1`; several with `;` between them.")
    weight: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        None, description="Of its rows, beside those of other conditions. Empty: 1."
    )


class UnknownNumber(Frozen):
    """A number that is solved for."""

    start: Number = Field(1.0, description="The first guess.")
    low: float | None = Field(None, description="No step goes below it.")
    high: float | None = Field(None, description="No step goes above it.")

    @property
    def bounds(self) -> tuple[float, float]:
        """What it stays between."""
        return (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)

    @model_validator(mode="after")
    def _starts_between(self) -> UnknownNumber:
        low, high = self.bounds
        if not low < high:
            raise ValueError(f"low is {low:g} and high is {high:g}; low should be below high")
        if isinstance(self.start, float) and not low < self.start < high:
            raise ValueError(f"start is {self.start:g}; it should be between low and high, {low:g} and {high:g}")
        return self
