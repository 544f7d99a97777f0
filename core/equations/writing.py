"""An expression as text that reads as the same expression again."""

from __future__ import annotations

from fractions import Fraction

from core.equations.algebra import is_divisor, split, turned_over
from core.equations.tree import (
    Call,
    Compare,
    Expression,
    Field,
    Integral,
    Logic,
    Normal,
    Number,
    Power,
    Product,
    Sum,
    Where,
    postorder,
)

LOGIC, COMPARE, SUM, SIGN, PRODUCT, POWER, ATOM = range(7)
"""How firmly a text holds together."""


def text_of(node: Expression) -> str:
    """The expression as one would type it."""
    written: dict[Expression, tuple[str, int]] = {}
    for each in postorder(node):
        written[each] = _written(each, written)
    return written[node][0]


def shown(node: Expression, longest: int = 60) -> str:
    """The expression as one would type it, its beginning where it is long."""
    text = text_of(node)
    return text if len(text) <= longest else f"{text[: longest - 3]}…"


def field_name(field: Field) -> str:
    """`u`, `u_xx`: how a field and its derivatives are typed."""
    return f"{field.name}_{''.join(field.by)}" if field.by else field.name


def _written(node: Expression, written: dict[Expression, tuple[str, int]]) -> tuple[str, int]:
    def part(of: Expression, least: int) -> str:
        if of not in written:  # made while writing: a term without its sign, a factor turned over
            for each in postorder(of):
                written.setdefault(each, _written(each, written))
        text, firmness = written[of]
        return text if firmness >= least else f"({text})"

    match node:
        case Number(value):
            return _number(value)
        case Field():
            return field_name(node), ATOM
        case Normal(coordinate):
            return f"normal_{coordinate}", ATOM
        case Integral(of, over):
            return f"int({', '.join((part(of, LOGIC), *over))})", ATOM
        case Sum(terms):
            text = part(terms[0], SIGN)
            for term in terms[1:]:
                positive = _positive(term)
                text += f" + {part(term, SUM + 1)}" if positive is None else f" - {part(positive, PRODUCT)}"
            return text, SUM
        case Product():
            return _product(node, part)
        case Power(base, exponent):
            if is_divisor(node):
                return f"1/{part(turned_over(node), POWER)}", PRODUCT
            if exponent == Number(Fraction(1, 2)):
                return f"sqrt({part(base, LOGIC)})", ATOM
            return f"{part(base, ATOM)}^{part(exponent, ATOM)}", POWER
        case Call(function, arguments):
            return f"{function}({', '.join(part(each, LOGIC) for each in arguments)})", ATOM
        case Compare(operator, left, right):
            return f"{part(left, SUM)} {operator} {part(right, SUM)}", COMPARE
        case Logic(operator, conditions):
            if operator == "not":
                return f"not ({part(conditions[0], LOGIC)})", ATOM
            return f" {operator} ".join(part(each, COMPARE) for each in conditions), LOGIC
        case Where():
            return f"where({', '.join(part(each, LOGIC) for each in node.operands)})", ATOM
    return node.name, ATOM


def _number(value: int | float | Fraction) -> tuple[str, int]:
    text = str(value) if isinstance(value, int) else repr(value)
    firmness = ATOM
    if isinstance(value, Fraction):
        text, firmness = f"{value.numerator}/{value.denominator}", PRODUCT
    return text, SIGN if value < 0 else firmness


def _product(node: Product, part) -> tuple[str, int]:
    coefficient, _ = split(node)
    factors = node.factors[1:] if isinstance(node.factors[0], Number) else node.factors
    above = [part(each, POWER) for each in factors if not is_divisor(each)]
    below = [part(turned_over(each), POWER) for each in factors if is_divisor(each)]
    size = abs(coefficient)
    if isinstance(size, Fraction):
        if size.numerator != 1:
            above.insert(0, str(size.numerator))
        below.append(str(size.denominator))
    elif size != 1:
        above.insert(0, _number(size)[0])
    text = "/".join(["*".join(above) or "1", *below])
    return (f"-{text}", SIGN) if coefficient < 0 else (text, PRODUCT)


def _positive(term: Expression) -> Expression | None:
    """A term with a minus sign in front, without it."""
    if isinstance(term, Number):
        return Number(-term.value) if term.value < 0 else None
    coefficient, rest = split(term)
    if coefficient >= 0:
        return None
    if coefficient == -1:
        return rest
    return Product((Number(-coefficient), *(rest.factors if isinstance(rest, Product) else (rest,))))
