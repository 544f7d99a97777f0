"""Building expressions lightly simplified: 0·x, 1·x, numbers folded, like terms and powers gathered.

What is built again from its own parts comes out as it was; so a text read, written and read again is the same tree.
Numbers are folded only where the result is one: 9^9^9 is a `TreeError`, and no time is spent on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne

from core.equations.tree import (
    Call,
    Compare,
    Constant,
    Expression,
    Logic,
    Number,
    Power,
    Product,
    Sum,
    TreeError,
    Where,
)

Value = int | float | Fraction
COMPARE: dict[str, Callable] = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}
EXACT = 2**63
"""Whole numbers and parts of fractions above it become floats."""


def number(value: Value) -> Number:
    """A constant.

    Raises:
        TreeError: it is NaN or beyond what a float holds.
    """
    return Number(_kept(value))


def total(*terms: Expression) -> Expression:
    """Their sum."""
    constant: Value = 0
    coefficients: dict[Expression, Value] = {}
    for term in terms:
        for each in term.terms if isinstance(term, Sum) else (term,):
            if isinstance(each, Number):
                constant = _kept(constant + each.value)
                continue
            coefficient, rest = split(each)
            coefficients[rest] = _kept(coefficients.get(rest, 0) + coefficient)
    parts = [_scaled(coefficient, rest) for rest, coefficient in coefficients.items() if coefficient != 0]
    if constant != 0 or not parts:
        parts.append(Number(constant))
    return parts[0] if len(parts) == 1 else Sum(tuple(parts))


def product(*factors: Expression) -> Expression:
    """Their product."""
    coefficient: Value = 1
    exponents: dict[Expression, Value] = {}
    for factor in factors:
        for each in factor.factors if isinstance(factor, Product) else (factor,):
            if isinstance(each, Number):
                coefficient = _times(coefficient, each.value)
                continue
            base, exponent = (each, 1)
            if isinstance(each, Power) and isinstance(each.exponent, Number):
                base, exponent = each.base, each.exponent.value
            exponents[base] = _kept(exponents.get(base, 0) + exponent)
    if coefficient == 0:
        return Number(0)
    above: list[Expression] = []
    below: list[Expression] = []
    for base, exponent in exponents.items():
        if exponent == 0:
            continue
        made = power(base, Number(exponent))
        if isinstance(made, Number):
            coefficient = _times(coefficient, made.value)
        else:
            (below if is_divisor(made) else above).append(made)
    parts = above + below
    if any(isinstance(each, Product) for each in parts):
        return product(Number(coefficient), *parts)
    if not parts:
        return Number(coefficient)
    if coefficient == 1:
        return parts[0] if len(parts) == 1 else Product(tuple(parts))
    if len(parts) == 1 and isinstance(parts[0], Sum):
        return total(*(product(Number(coefficient), each) for each in parts[0].terms))
    return Product((Number(coefficient), *parts))


def power(base: Expression, exponent: Expression) -> Expression:
    """A base to an exponent."""
    if isinstance(exponent, Number):
        if exponent.value == 0:
            return Number(1)
        if exponent.value == 1:
            return base
        if isinstance(base, Number):
            return _number_power(base, exponent)
        if isinstance(base, Power) and isinstance(base.exponent, Number) and isinstance(exponent.value, int):
            return power(base.base, Number(_times(base.exponent.value, exponent.value)))
        if isinstance(base, Product) and isinstance(exponent.value, int):
            return _factor_by_factor(base, exponent)
    if base == Number(1):
        return base
    if base == Constant("e"):
        return call("exp", exponent)
    return Power(base, exponent)


def _factor_by_factor(base: Product, exponent: Number) -> Expression:
    """(a·b)^n as a^n·b^n; left together where a number's power would be beyond a float."""
    try:
        return product(*(power(factor, exponent) for factor in base.factors))
    except TreeError:
        return Power(base, exponent)


def negative(a: Expression) -> Expression:
    """The negative −a."""
    return product(Number(-1), a)


def difference(a: Expression, b: Expression) -> Expression:
    """The difference a − b."""
    return total(a, negative(b))


def quotient(a: Expression, b: Expression) -> Expression:
    """The quotient a / b."""
    return product(a, power(b, Number(-1)))


def root(a: Expression) -> Expression:
    """The root √a."""
    return power(a, Number(Fraction(1, 2)))


_AT_ZERO = {"sin": 0, "tan": 0, "asin": 0, "atan": 0, "sinh": 0, "tanh": 0, "erf": 0, "cos": 1, "cosh": 1, "exp": 1}


def call(function: str, *arguments: Expression) -> Expression:
    """A function of `core.equations.functions.FUNCTIONS`."""
    if all(isinstance(each, Number) for each in arguments):
        values = [each.value for each in arguments]
        if values[0] == 0 and function in _AT_ZERO:
            return Number(_AT_ZERO[function])
        if function == "abs":
            return number(abs(values[0]))
        if function == "sign":
            return Number((values[0] > 0) - (values[0] < 0))
        if function in ("min", "max"):
            return Number({"min": min, "max": max}[function](values))
        if function == "log" and values[0] == 1:
            return Number(0)
        if function == "log" and values[0] <= 0:
            raise TreeError("the logarithm of a number that is not positive has no real value")
        if function in ("asin", "acos") and abs(values[0]) > 1:
            raise TreeError(f"{function} of a number beyond 1 has no real value")
    if function == "log" and arguments[0] == Constant("e"):
        return Number(1)
    return Call(function, arguments)


def where(condition: Expression, inside: Expression, outside: Expression) -> Expression:
    """One value where a condition holds, the other elsewhere."""
    if isinstance(condition, Compare) and isinstance(condition.left, Number) and isinstance(condition.right, Number):
        return inside if COMPARE[condition.operator](condition.left.value, condition.right.value) else outside
    return inside if inside == outside else Where(condition, inside, outside)


def rebuilt(node: Expression, operands: list[Expression]) -> Expression:
    """A node with other nodes below it, simplified again."""
    match node:
        case Sum():
            return total(*operands)
        case Product():
            return product(*operands)
        case Power():
            return power(*operands)
        case Call():
            return call(node.function, *operands)
        case Compare():
            return Compare(node.operator, *operands)
        case Logic():
            return Logic(node.operator, tuple(operands))
        case Where():
            return where(*operands)
    return type(node)(operands[0], node.over) if operands else node


def is_divisor(node: Expression) -> bool:
    """Whether a factor is one that is divided by: a power with a negative number."""
    return isinstance(node, Power) and isinstance(node.exponent, Number) and node.exponent.value < 0


def turned_over(divisor: Power) -> Expression:
    """What is divided by: a² for a^−2."""
    exponent = -divisor.exponent.value
    return divisor.base if exponent == 1 else Power(divisor.base, Number(exponent))


def split(term: Expression) -> tuple[Value, Expression]:
    """A term, which is no number, as its number and the rest."""
    if isinstance(term, Product) and isinstance(term.factors[0], Number):
        rest = term.factors[1:]
        return term.factors[0].value, rest[0] if len(rest) == 1 else Product(rest)
    return 1, term


def _scaled(coefficient: Value, rest: Expression) -> Expression:
    if coefficient == 1:
        return rest
    return Product((Number(coefficient), *(rest.factors if isinstance(rest, Product) else (rest,))))


def _kept(value: Value) -> Value:
    """A number in its one form: whole as int, fractions of small parts, else a float."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            value = value.numerator
        elif max(abs(value.numerator), value.denominator) <= EXACT:
            return value
        else:
            value = value.numerator / value.denominator
    if isinstance(value, int):
        if abs(value) <= EXACT:
            return value
        try:
            return float(value)
        except OverflowError:
            raise TreeError("the number is too large: the largest is 1.8e308") from None
    if math.isnan(value):
        raise TreeError("it has no value")
    if math.isinf(value):
        raise TreeError("the number is too large: the largest is 1.8e308")
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def _times(a: Value, b: Value) -> Value:
    made = _kept(a * b)
    if made == 0 and a != 0 and b != 0:
        raise TreeError("the number is too small: the smallest is 4.9e-324")
    return made


def _number_power(base: Number, exponent: Number) -> Expression:
    a, n = base.value, exponent.value
    if a == 0:
        if n < 0:
            raise TreeError("division by 0")
        return Number(0)
    if a < 0 and not isinstance(n, int):
        raise TreeError("a negative number to a power that is not whole has no real value")
    size = float(n) * math.log2(abs(a)) if abs(a) != 1 else 0.0
    if size > 1024:
        raise TreeError("the number is too large: the largest is 1.8e308")
    if size < -1074:
        raise TreeError("the number is too small: the smallest is 4.9e-324")
    if isinstance(a, float) or isinstance(n, float):
        return number(_float_power(float(a), float(n)))
    if isinstance(n, int):
        if abs(a) == 1:
            return Number(a if n % 2 else 1)
        if abs(n) * max(Fraction(a).numerator.bit_length(), Fraction(a).denominator.bit_length()) > 256:
            return number(_float_power(float(a), float(n)))
        return number(Fraction(a) ** n)
    whole = _whole_root(Fraction(a), n.denominator)
    return Power(base, exponent) if whole is None else power(number(whole), Number(n.numerator))


def _float_power(a: float, n: float) -> float:
    try:
        return a**n
    except OverflowError:
        raise TreeError("the number is too large: the largest is 1.8e308") from None


def _whole_root(a: Fraction, degree: int) -> Fraction | None:
    """The root of a positive fraction where it is one itself."""
    found = Fraction(round(a.numerator ** (1 / degree)), round(a.denominator ** (1 / degree)) or 1)
    return found if degree < 64 and found**degree == a else None
