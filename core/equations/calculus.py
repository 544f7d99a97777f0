"""Exact derivatives, and putting expressions in the place of fields, coordinates and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from core.equations.algebra import call, negative, number, power, product, quotient, rebuilt, root, total, where
from core.equations.tree import (
    HIGHEST_ORDER,
    Call,
    Compare,
    Constant,
    Coordinate,
    Expression,
    Field,
    Integral,
    Logic,
    Normal,
    Number,
    Power,
    Product,
    Sum,
    TreeError,
    Where,
    postorder,
)

ZERO, ONE, TWO = Number(0), Number(1), Number(2)


def derivative(node: Expression, coordinate: str) -> Expression:
    """The derivative by a coordinate, fields being functions of theirs: u·u_x becomes u_x² + u·u_xx.

    Raises:
        TreeError: a field's derivative would be of an order above `HIGHEST_ORDER`, or the result too large.
    """

    def of_leaf(leaf: Expression) -> Expression:
        if isinstance(leaf, Field):
            return field_derivative(leaf, coordinate)
        if isinstance(leaf, Normal):
            raise TreeError("the outward normal can't be differentiated")
        return ONE if leaf == Coordinate(coordinate) else ZERO

    return _derived(node, of_leaf, coordinate)


def partial(node: Expression, symbol: Expression) -> Expression:
    """The derivative by one leaf, a `Field` with its derivatives or a number, all others being held."""
    return _derived(node, lambda leaf: ONE if leaf == symbol else ZERO, None)


def derivatives(node: Expression, by: Iterable[str]) -> Expression:
    """The derivative by several coordinates, one after the other."""
    for coordinate in by:
        node = derivative(node, coordinate)
    return node


def field_derivative(field: Field, coordinate: str) -> Expression:
    """One more derivative of a field; 0 by a coordinate that it doesn't depend on."""
    if coordinate not in field.over:
        return ZERO
    if field.order >= HIGHEST_ORDER:
        raise TreeError(f"a derivative of {field.name} of order {field.order + 1}; the highest is {HIGHEST_ORDER}")
    by = tuple(sorted((*field.by, coordinate), key=field.over.index))
    return Field(field.name, field.over, by)


def substituted(node: Expression, values: Mapping[Expression, Expression]) -> Expression:
    """An expression with others in the place of leaves.

    A plain field stands for its derivatives too: with u → x², u_x becomes 2x.

    Args:
        node: where to.
        values: leaf → what stands in its place.
    """
    made: dict[Expression, Expression] = {}
    for each in postorder(node):
        if each in values:
            made[each] = values[each]
        elif isinstance(each, Field) and Field(each.name, each.over) in values:
            made[each] = derivatives(values[Field(each.name, each.over)], each.by)
        elif each.operands and any(made[below] is not below for below in each.operands):
            made[each] = rebuilt(each, [made[below] for below in each.operands])
        else:
            made[each] = each
    return made[node]


def _derived(node: Expression, of_leaf: Callable[[Expression], Expression], coordinate: str | None) -> Expression:
    slopes: dict[Expression, Expression] = {}
    for each in postorder(node):
        slopes[each] = _slope(each, slopes, of_leaf, coordinate)
    return slopes[node]


def _slope(
    node: Expression, slopes: Mapping[Expression, Expression], of_leaf: Callable, coordinate: str | None
) -> Expression:
    match node:
        case Sum(terms):
            return total(*(slopes[term] for term in terms))
        case Product(factors):
            return total(
                *(
                    product(*factors[:i], slopes[factor], *factors[i + 1 :])
                    for i, factor in enumerate(factors)
                    if slopes[factor] != ZERO
                )
            )
        case Power(base, exponent):
            return _power_slope(node, base, exponent, slopes)
        case Call(function, arguments):
            if all(slopes[each] == ZERO for each in arguments):
                return ZERO
            return _call_slope(function, arguments, [slopes[each] for each in arguments], node)
        case Where(condition, inside, outside):
            return where(condition, slopes[inside], slopes[outside])
        case Integral(of, over):
            if coordinate in over or slopes[of] == ZERO:
                return ZERO
            return Integral(slopes[of], over)
        case Compare() | Logic() | Number() | Constant():
            return ZERO
    return of_leaf(node)


def _power_slope(node: Power, base: Expression, exponent: Expression, slopes: Mapping) -> Expression:
    by_base = ZERO
    if slopes[base] != ZERO:
        by_base = product(exponent, power(base, total(exponent, Number(-1))), slopes[base])
    if slopes[exponent] == ZERO:
        return by_base
    return total(by_base, product(node, call("log", base), slopes[exponent]))


def _call_slope(
    function: str, arguments: tuple[Expression, ...], inner: list[Expression], node: Expression
) -> Expression:
    a, b = arguments[0], arguments[-1]
    if function == "min":
        return where(Compare("<=", a, b), *inner)
    if function == "max":
        return where(Compare(">=", a, b), *inner)
    if function == "atan2":
        top = total(product(b, inner[0]), negative(product(a, inner[1])))
        return quotient(top, total(power(a, TWO), power(b, TWO)))
    return product(inner[0], _OUTER[function](a, node))


def _below_one(a: Expression) -> Expression:
    return total(ONE, negative(power(a, TWO)))


_OUTER: dict[str, Callable[[Expression, Expression], Expression]] = {
    "sin": lambda a, f: call("cos", a),
    "cos": lambda a, f: negative(call("sin", a)),
    "tan": lambda a, f: total(ONE, power(f, TWO)),
    "asin": lambda a, f: power(_below_one(a), number(Fraction(-1, 2))),
    "acos": lambda a, f: negative(power(_below_one(a), number(Fraction(-1, 2)))),
    "atan": lambda a, f: power(total(ONE, power(a, TWO)), Number(-1)),
    "sinh": lambda a, f: call("cosh", a),
    "cosh": lambda a, f: call("sinh", a),
    "tanh": lambda a, f: _below_one(f),
    "exp": lambda a, f: f,
    "log": lambda a, f: power(a, Number(-1)),
    "erf": lambda a, f: quotient(product(TWO, call("exp", negative(power(a, TWO)))), root(Constant("pi"))),
    "abs": lambda a, f: call("sign", a),
    "sign": lambda a, f: ZERO,
}
