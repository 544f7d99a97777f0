"""λ over the order of instability, or over the parameter a: published values, and laws as start values for a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.problems import boussinesq, ccf, ipm
from core.problems.burgers_profile import BurgersProfile
from core.problems.gclm import GCLM, KNOWN

PARAMETERS = {"burgers_profile": "order", "ccf": "order", "gclm": "a", "ipm": "order", "boussinesq": "order"}
"""Kind of problem → the parameter that λ is looked at over."""
FIRST, LATER = "arXiv 2509.14185", "arXiv 2511.22819"
PUBLISHED = {
    "ccf": {FIRST: ccf.PUBLISHED},
    "ipm": {FIRST: ipm.PUBLISHED, LATER: (1.0285722760323, 0.472129736156, 0.3149617817, 0.24156641)},
    "boussinesq": {FIRST: boussinesq.PUBLISHED},
}
"""Kind of problem → paper → λ by order of instability, with the digits that it gives."""


@dataclass(frozen=True)
class Law:
    """λ as a function of the order n, or of a."""

    formula: str
    kind: Literal["exact", "empirical", "extrapolated"]
    source: str
    value: Callable[[float], float]
    """λ; the order need not be whole."""
    ends: tuple[float, float] = (0, 3)
    """Between these it is drawn."""
    ours: bool = False
    """Not published: from this package's own runs, or an extrapolation."""

    @property
    def label(self) -> str:
        """For a legend: nobody takes a start value for a result."""
        return f"{self.kind} law{', ours' * self.ours}: λ {'=' if self.kind == 'exact' else '≈'} {self.formula}"


def reciprocal(first: float, second: float) -> tuple[float, float]:
    """(b, c) of 1/(bn + c), the form of the published law for IPM, through λ at n = 0 and n = 1."""
    return 1 / second - 1 / first, 1 / first


_B, _C = reciprocal(*ccf.PUBLISHED[:2])

LAWS = {
    "burgers_profile": Law(
        "1/(2n+2)",
        "exact",
        "smooth profiles exist for these alone, arXiv 2201.06780",
        lambda n: 1 / (2 * n + 2),
        (0, 4),
    ),
    "ipm": Law("1/(1.1459n+0.9723)", "empirical", FIRST, lambda n: 1 / (1.1459 * n + 0.9723), (0, 5)),
    "boussinesq": Law("1+1/(1.4187n+1.0863)", "empirical", FIRST, lambda n: 1 + 1 / (1.4187 * n + 1.0863), (0, 4)),
    "ccf": Law(
        f"1/({_B:.4f}n+{_C:.4f})",
        "extrapolated",
        "none is published; through n = 0 and n = 1 in the form of the law for IPM, 14 % too low at n = 2",
        lambda n: 1 / (_B * n + _C),
        ours=True,
    ),
    "gclm": Law(
        "−1.2a, less 0.27a² where a > 0",
        "empirical",
        "earlier runs of this package, off by up to 0.05",
        lambda a: GCLM(a=a).lambda_start(),
        (-1.5, 0.45),
        ours=True,
    ),
}
"""Kind of problem → its law."""


def published(kind: str) -> dict[str, list[tuple[float, float]]]:
    """Source → (order or a, λ) of the profiles of a kind whose λ is published or exact."""
    if kind == "gclm":
        return {"published or exact": sorted(KNOWN.items())}
    if kind == "burgers_profile":
        orders = range(int(LAWS[kind].ends[1]) + 1)
        return {"exact": [(float(n), BurgersProfile(order=n).reference_lambda()) for n in orders]}
    return {paper: [(float(n), lam) for n, lam in enumerate(values)] for paper, values in PUBLISHED[kind].items()}
