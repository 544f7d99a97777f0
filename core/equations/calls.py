"""What may be called, with how many arguments, and what it is in an expression."""

from __future__ import annotations

from core.equations.algebra import call, power, quotient, root, total
from core.equations.functions import FUNCTIONS, WRITTEN
from core.equations.tree import Expression, Number, TreeError

_EXACTLY = {"dot": 2, "cross": 2, "where": 3} | FUNCTIONS | WRITTEN


def wrong_number(name: str, count: int) -> str:
    """How many arguments were expected, in words, where their number is wrong."""
    match name:
        case "min" | "max":
            return "" if count >= 2 else "2 or more"
        case "piecewise":
            return "" if count >= 3 and count % 2 else "condition, value, …, and a last value for elsewhere"
        case "diff":
            return "" if count >= 2 else "diff(u, x) or diff(u, x, 2)"
        case "int":
            return ""
        case "normal":
            return "normal alone, without brackets"
    wanted = _EXACTLY.get(name, 1)
    return "" if count == wanted else f"{wanted}"


def applied(name: str, values: list[Expression]) -> Expression:
    """A function as typed, of scalars, as what expressions hold."""
    match name:
        case "sqrt":
            if isinstance(values[0], Number) and values[0].value < 0:
                raise TreeError("the root of a negative number has no real value")
            return root(values[0])
        case "sech":
            return power(call("cosh", values[0]), Number(-1))
        case "heaviside":
            return quotient(total(Number(1), call("sign", values[0])), Number(2))
        case "ln":
            return call("log", values[0])
        case "min" | "max":
            found = values[-1]
            for value in reversed(values[:-1]):
                found = call(name, value, found)
            return found
    return call(name, *values)
