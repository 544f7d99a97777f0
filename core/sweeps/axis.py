"""One varied field of a sweep: its values one by one, or a range of numbers, evenly or in the logarithm."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from core.config import RunConfig, override
from core.errors import ConfigError, LabError
from core.frozen import Frozen
from core.jobs.batch import read_values
from core.sweeps.fields import Varied, field_of

MOST_VALUES = 500
"""Of one field."""
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})(?:\s*\.\.\s*({_NUMBER}))?(?:\s+(log|even))?(?:\s+(\d{{1,4}}))?")
HOW_TO_WRITE = "16, 32, 64 for values, 1..20 for a range, 1e-6..1e-2 log in the logarithm, 1e-6..1e-2 log 5 for five"


class Axis(Frozen):
    """A varied field and what is tried of it."""

    path: Annotated[str, Field(max_length=200)]
    values: Annotated[tuple[str, ...], Field(max_length=MOST_VALUES)] | None = None
    """As `--set` takes them, for a field whose values are listed; a range has none."""
    low: float | None = None
    high: float | None = None
    integer: bool = False
    log: bool = False
    step: float | None = None
    """Between the values of a range; None for all numbers in it."""
    count: int | None = None
    """So many values of a range, its ends among them, for a grid."""

    @property
    def is_range(self) -> bool:
        """Whether it is a range of numbers."""
        return self.values is None

    @property
    def title(self) -> str:
        """What is tried of the field, in words."""
        if self.values is not None:
            return ", ".join(self.values)
        how = " log" if self.log else ""
        step = f" by {self.step:g}" if self.step else ""
        return f"{self.low:g}..{self.high:g}{step}{how}" + (f", {self.count} values" if self.count else "")

    def grid(self) -> list[str]:
        """Its values for a grid, as `--set` takes them. Raises LabError where a range does not say how many."""
        if self.values is not None:
            return list(self.values)
        if self.step:
            count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
            return [self.written(self.low + k * self.step) for k in range(count)]
        if self.count is None and self.integer and not self.log:
            return [self.written(value) for value in range(int(self.low), int(self.high) + 1)]
        if self.count is None:
            raise LabError(
                f"{self.path}: a grid needs to know how many values of {self.title} it tries; "
                f"write the number behind it: {self.title} 5"
            )
        if self.count == 1:
            return [self.written(self.low)]
        shares = [k / (self.count - 1) for k in range(self.count)]
        if self.log:
            points = [self.low * (self.high / self.low) ** share for share in shares]
        else:
            points = [self.low + (self.high - self.low) * share for share in shares]
        points[-1] = self.high
        return list(dict.fromkeys(self.written(point) for point in points))

    def written(self, value: Any) -> str:
        """A value of it as `--set` takes it."""
        if not self.is_range:
            return str(value)
        return str(round(value)) if self.integer else json.dumps(float(f"{value:.12g}"))


def titles(paths: Sequence[str]) -> dict[str, str]:
    """Path → the fewest of its last parts that say which it is, and that are no number alone."""
    found = {}
    for path in paths:
        parts = path.split(".")
        ends = [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        found[path] = next(
            (
                end
                for end in ends
                if not end.isdigit() and sum(other == end or other.endswith(f".{end}") for other in paths) == 1
            ),
            path,
        )
    return found


def read_axis(config: RunConfig, path: str, text: str) -> Axis:
    """What is to be tried of a field, from text, checked against the field and its limits.

    Args:
        config: what all trials have in common.
        path: of the field.
        text: `16, 32, 64`, `1..20`, `0..90..10` (by tens), `1e-6..1e-2 log`, and either with a number of values at its
            end for a grid.

    Raises:
        ConfigError: no such field, with the nearest names, or a value that it does not take.
        LabError: the text says nothing that can be tried.
    """
    field = field_of(config, path)
    found = None if "..." in text else _RANGE.fullmatch(text.strip())
    axis = _range(field, found) if found else Axis(path=path, values=_values(field, text))
    _check(config, axis)
    return axis


def _values(field: Varied, text: str) -> tuple[str, ...]:
    if ".." in text and "," not in text:
        raise LabError(f"{field.path}: {text.strip()[:80]!r} is no range; write {HOW_TO_WRITE}.")
    try:
        values = tuple(dict.fromkeys(read_values(text)))
    except LabError as error:
        raise LabError(f"{field.path}: {error}") from None
    if len(values) > MOST_VALUES:
        raise LabError(f"{field.path}: {len(values)} values, and a sweep tries {MOST_VALUES} of a field at most.")
    return values


def _range(field: Varied, found: re.Match[str]) -> Axis:
    low, high = float(found[1]), float(found[2])
    step, log, count = found[3] and float(found[3]), found[4] == "log", found[5] and int(found[5])
    where = f"{field.path}={found[0]}"
    if field.kind == "choice":
        allowed = f" It is one of {', '.join(field.choices)}." if field.choices else " Write its values one by one."
        raise LabError(f"{where}: this field is no number, so it has no range.{allowed}")
    if not math.isfinite(low) or not math.isfinite(high) or low >= high:
        raise LabError(f"{where}: a range goes from the lower to the higher number, as 1..20.")
    if log and low <= 0:
        raise LabError(f"{where}: a range in the logarithm begins above 0.")
    if step is not None and (step <= 0 or step > high - low or log):
        raise LabError(f"{where}: the step is positive, at most {high - low:g} here, and not in the logarithm.")
    if count == 0 or (count or 0) > MOST_VALUES or (step and (high - low) / step >= MOST_VALUES):
        raise LabError(f"{where}: a sweep tries 1 to {MOST_VALUES} values of a field.")
    integer = field.kind == "integer"
    if integer and not all(number is None or number == int(number) for number in (low, high, step)):
        raise LabError(f"{where}: this field takes whole numbers alone.")
    return Axis(path=field.path, low=low, high=high, integer=integer, log=log, step=step or None, count=count or None)


def _check(config: RunConfig, axis: Axis) -> None:
    """Try each value, the ends of a range, in the config. Raises ConfigError with a line for each that it refuses."""
    tried = axis.values if axis.values is not None else [axis.written(axis.low), axis.written(axis.high)]
    problems, refused = [], 0
    for value in tried:
        try:
            override(config, [f"{axis.path}={value}"])
        except ConfigError as error:
            refused += 1
            problems += [line for line in error.problems if line not in problems]
    mine = [line for line in problems if line.startswith(axis.path)]
    # a value may need another field changed with it, which this sweep may do too: only what no value can be is refused
    if mine or refused == len(tried):
        raise ConfigError(mine or problems)
