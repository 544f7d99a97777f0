"""The verdict on a rerun: what was compared, what differs, in words and as data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from core.config import Difference

WITHIN = 1e-6
"""Largest relative difference of a curve that still counts as within tolerance: other threads, versions or a GPU
round differently, and Levenberg–Marquardt carries the last digits on."""


@dataclass(frozen=True)
class Column:
    """How one column of the histories compares."""

    name: str
    from_iteration: int | None
    """First iteration at which a digit differs; None when none does."""
    largest: float
    """Largest |a − b| / max(|a|, |b|); infinite where one of the two is NaN or infinite."""
    curve: bool
    """A loss, residual or λ, for which the tolerance holds; of others only identity is asked."""


@dataclass(frozen=True)
class Fact:
    """One fact of provenance of both runs."""

    name: str
    source: str
    rerun: str

    @property
    def differs(self) -> bool:
        """Whether the two runs differ in it."""
        return self.source != self.rerun


@dataclass(frozen=True)
class Verdict:
    """What a rerun did compared with its source."""

    outcome: str
    """bit-identical, within tolerance or different."""
    compared: int
    """Iterations that were compared: those that both have."""
    iterations: tuple[int, int]
    """Iterations of the source and of the rerun."""
    states: tuple[str, str]
    largest: float
    """Largest relative difference over the curves."""
    from_iteration: int | None
    """First iteration at which any digit differs."""
    beyond_iteration: int | None
    """First iteration at which a curve differs by more than the tolerance."""
    columns: tuple[Column, ...]
    unshared: tuple[str, ...]
    """Columns that only one of the histories has."""
    environment: tuple[Fact, ...]
    packages: tuple[Difference, ...]
    """Installed packages in which the two environments differ."""
    config: tuple[Difference, ...]
    """Fields in which the two configs differ."""

    def sentence(self) -> str:
        """The verdict in words."""
        only = f"; only one of them has {', '.join(self.unshared)}" if self.unshared else ""
        return f"{self.outcome}{self._how()}{self._length()}{only}"

    def _how(self) -> str:
        if self.outcome == "bit-identical":
            return f" over {self.compared:,} iterations"
        if self.outcome == "within tolerance" and not self.largest:
            names = ", ".join(column.name for column in self.columns if column.from_iteration is not None)
            return f": identical curves over {self.compared:,} iterations, but not {names}"
        if self.outcome == "within tolerance":
            how = f": from iteration {self.from_iteration:,} on, at most {self.largest:.1e} relatively"
            return how + f" over {self.compared:,} iterations"
        text = f": from iteration {self.beyond_iteration:,} on"
        if math.isfinite(self.largest):
            text += f", at most {self.largest:.1e} relatively"
        if self.from_iteration is not None and self.from_iteration < self.beyond_iteration:
            text += f" (last digits from iteration {self.from_iteration:,} on)"
        return text

    def _length(self) -> str:
        if self.iterations[0] == self.iterations[1]:
            return ""
        short = 0 if self.iterations[0] < self.iterations[1] else 1
        who, state = ("source", "rerun")[short], self.states[short]
        if state == "finished":
            return f"; {self.iterations[0]:,} iterations against {self.iterations[1]:,}"
        return f"; only these could be compared, since the {who} is {state} after {self.iterations[short]:,}"

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a difference without a number is null."""
        return {
            "outcome": self.outcome,
            "sentence": self.sentence(),
            "tolerance": WITHIN,
            "compared_iterations": self.compared,
            "iterations": {"source": self.iterations[0], "rerun": self.iterations[1]},
            "states": {"source": self.states[0], "rerun": self.states[1]},
            "largest_relative_difference": _finite(self.largest),
            "from_iteration": self.from_iteration,
            "beyond_tolerance_from_iteration": self.beyond_iteration,
            "columns": {
                item.name: {"from_iteration": item.from_iteration, "largest_relative_difference": _finite(item.largest)}
                for item in self.columns
            },
            "unshared_columns": list(self.unshared),
            "environment": {
                item.name: {"source": item.source, "rerun": item.rerun, "differs": item.differs}
                for item in self.environment
            },
            "packages": {item.field: {"source": item.before, "rerun": item.after} for item in self.packages},
            "config": {item.field: {"source": item.before, "rerun": item.after} for item in self.config},
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
