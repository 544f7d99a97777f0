"""λ with exactly the digits that its uncertainty supports."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext

LARGE = 1e15
"""From which on a number is written with an exponent: it has no decimals."""
MOST_DIGITS = 400
"""More than any float below that has beside an uncertainty that is one."""
UNASSESSED = 4
"""Decimals of a λ whose digits nobody assessed; it is said so beside them."""


def lambda_text(value: float, uncertainty: float | None) -> str:
    """λ for people: 0.60573370120(1) has an uncertainty of 1 in its last digit.

    The uncertainty is rounded up to one digit, and what rounding λ itself takes away is added to it before, so that
    the interval that is shown holds the one that was found.

    Args:
        value: λ.
        uncertainty: half of the width of the interval that λ is in; None if that was not assessed.
    """
    if not math.isfinite(value):
        return "not a number"
    if uncertainty is None:
        return f"≈ {_plain(value, UNASSESSED)}, digits not assessed"
    if not math.isfinite(uncertainty) or uncertainty < 0:
        return "undetermined"
    value, uncertainty = float(value), float(uncertainty)
    if uncertainty == 0:
        return repr(value)
    if max(abs(value), uncertainty) >= LARGE:
        return f"{value:.10g} ± {uncertainty:.1e}"
    last = min(0, Decimal(repr(uncertainty)).adjusted())
    with localcontext(prec=MOST_DIGITS):
        rounded, count = _rounded(value, uncertainty, last)
        if count > 9 and last < 0:
            rounded, count = _rounded(value, uncertainty, last + 1)
    return f"{rounded:f}({count})"


def short_lambda_text(value: float, uncertainty: float | None) -> str:
    """The same for a table: ≈ alone says that nobody assessed the digits."""
    return lambda_text(value, uncertainty).partition(",")[0]


def iterate_text(value: float) -> str:
    """A value that nobody claims: λ while it moves, or another unknown, which no certificate is about."""
    return f"{value:.10g}"


def number_text(value: float, standard_error: float | None = None, reference: float | None = None) -> str:
    """An unknown number of an equation, with its standard error and what it is exactly, where these are known."""
    error = "" if standard_error is None else f" ± {standard_error:.1e}"
    return iterate_text(value) + error + ("" if reference is None else f" (exactly {reference_text(reference)})")


def reference_text(value: float) -> str:
    """A λ that is known, with the digits it is known by: those of its source, or all of an exact one."""
    return f"{value:.15g}"


def _rounded(value: float, uncertainty: float, last: int) -> tuple[Decimal, int]:
    """λ at the decimal 10^last, and how many units of it the uncertainty is at most."""
    unit, exact = Decimal(1).scaleb(last), Decimal(repr(value))
    rounded = exact.quantize(unit, ROUND_HALF_EVEN)
    if not rounded:
        rounded = abs(rounded)  # no −0
    off = abs(exact - rounded) + Decimal(repr(uncertainty))
    return rounded, int((off / unit).to_integral_value(ROUND_CEILING))


def _plain(value: float, decimals: int) -> str:
    if abs(value) >= LARGE:
        return f"{value:.10g}"
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text
