"""Laws λ(n) over the order of instability: exact, published and our own. Start values, no results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.problems.ccf import PUBLISHED


@dataclass(frozen=True)
class Law:
    """λ as a function of the order n."""

    formula: str
    kind: Literal["exact", "empirical", "extrapolated"]
    source: str
    value: Callable[[float], float]
    """λ at n ≥ 0, which need not be whole."""

    @property
    def label(self) -> str:
        """For a figure's legend: nobody takes a start value for a result."""
        return f"{self.kind}: {self.formula}"


def reciprocal(first: float, second: float) -> tuple[float, float]:
    """(b, c) of the law 1/(bn + c) through λ at n = 0 and n = 1, the form of the published one for IPM."""
    return 1 / second - 1 / first, 1 / first


_B, _C = reciprocal(*PUBLISHED[:2])

LAWS = {
    "burgers_profile": Law(
        "1/(2n+2)", "exact", "arXiv 2201.06780", lambda n: 1 / (2 * n + 2)
    ),
    "ipm": Law("1/(1.1459n+0.9723)", "empirical", "arXiv 2509.14185", lambda n: 1 / (1.1459 * n + 0.9723)),
    "boussinesq": Law(
        "1+1/(1.4187n+1.0863)", "empirical", "arXiv 2509.14185", lambda n: 1 + 1 / (1.4187 * n + 1.0863)
    ),
    "ccf": Law(
        f"1/({_B:.4f}n+{_C:.4f})",
        "extrapolated",
        "ours, through the published n = 0 and n = 1 in the form of the law for IPM; 14 % too low at n = 2. "
        "None is published",
        lambda n: 1 / (_B * n + _C),
    ),
}
"""Kind of problem → its law. IPM and Boussinesq have no problem here yet; their laws are for those who start one."""


def law(kind: str) -> Law | None:
    """The law of a kind of problem, None where there is none."""
    return LAWS.get(kind)
