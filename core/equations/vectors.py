"""Vector calculus written out in components. A vector is a tuple of expressions, a matrix a tuple of vectors."""

from __future__ import annotations

from collections.abc import Callable

from core.equations.algebra import negative, product, total
from core.equations.calculus import derivative, derivatives
from core.equations.names import Names
from core.equations.tree import Expression, Normal, Number, TreeError

Value = Expression | tuple


def shape(value: Value) -> str:
    """What it is, in words."""
    if not isinstance(value, tuple):
        return "a scalar"
    if not isinstance(value[0], tuple):
        return f"a vector of {len(value)}"
    return f"a matrix of {len(value)} by {len(value[0])}"


def size(value: Value) -> int:
    """Nodes of all components."""
    return sum(map(size, value)) if isinstance(value, tuple) else value.size


def each(operation: Callable[..., Expression], *values: Value) -> Value:
    """An operation on scalars, component by component."""
    if isinstance(values[0], tuple):
        return tuple(each(operation, *components) for components in zip(*values, strict=True))
    return operation(*values)


def same_shape(left: Value, right: Value) -> tuple[tuple[Expression, ...], tuple[Expression, ...]] | None:
    """The components of two sides, a plain 0 being as many as needed; None where they don't go together."""
    if right == Number(0):
        right = each(lambda _: Number(0), left)
    if left == Number(0):
        left = each(lambda _: Number(0), right)
    return None if shape(left) != shape(right) else (_flat(left), _flat(right))


def _flat(value: Value) -> tuple[Expression, ...]:
    if not isinstance(value, tuple):
        return (value,)
    return tuple(component for part in value for component in _flat(part))


def _laplacian(names: Names, value: Value) -> Value:
    space = _space(names, "laplacian")
    return each(lambda a: total(*(derivatives(a, (x, x)) for x in space)), value)


def _biharmonic(names: Names, value: Value) -> Value:
    return _laplacian(names, _laplacian(names, value))


def _grad(names: Names, value: Value) -> Value:
    if isinstance(value, tuple):
        if isinstance(value[0], tuple):
            raise TreeError("the gradient of a matrix is not known here")
        return tuple(_grad(names, component) for component in value)
    return tuple(derivative(value, x) for x in _space(names, "grad"))


def _div(names: Names, value: Value) -> Value:
    space = _space(names, "div")
    if not isinstance(value, tuple):
        raise TreeError("the divergence of a scalar", "a vector such as [u, v] or grad(u)")
    if isinstance(value[0], tuple):
        return tuple(_div(names, row) for row in value)
    if len(value) != len(space):
        raise TreeError(f"the divergence of {shape(value)} in {len(space)} space coordinates ({', '.join(space)})")
    return total(*(derivative(component, x) for component, x in zip(value, space, strict=True)))


def _dot(names: Names, a: Value, b: Value) -> Value:
    """Of two vectors; of a vector and a matrix, on either side, row by row: dot(u, grad(u)) is (u·∇)u."""
    if not isinstance(a, tuple) or not isinstance(b, tuple):
        raise TreeError(f"dot of {shape(a)} and {shape(b)}", "two vectors")
    if isinstance(b[0], tuple) and not isinstance(a[0], tuple):
        return tuple(_dot(names, a, row) for row in b)
    if isinstance(b[0], tuple):
        raise TreeError(f"dot of {shape(a)} and {shape(b)}", "two vectors, or a vector and a matrix")
    if isinstance(a[0], tuple):
        return tuple(_dot(names, row, b) for row in a)
    if len(a) != len(b):
        raise TreeError(f"dot of {shape(a)} and {shape(b)}", "two vectors of one length")
    return total(*(product(left, right) for left, right in zip(a, b, strict=True)))


def _cross(names: Names, a: Value, b: Value) -> Value:
    shapes = {shape(a), shape(b)}

    def minor(i: int, j: int) -> Expression:
        return total(product(a[i], b[j]), negative(product(a[j], b[i])))

    if shapes == {"a vector of 2"}:
        return minor(0, 1)
    if shapes == {"a vector of 3"}:
        return (minor(1, 2), minor(2, 0), minor(0, 1))
    raise TreeError(f"cross of {shape(a)} and {shape(b)}", "two vectors of 2 or of 3")


def _curl(names: Names, value: Value) -> Value:
    space = _space(names, "curl")
    if len(space) == 2 and shape(value) == "a vector of 2":
        return total(derivative(value[1], space[0]), negative(derivative(value[0], space[1])))
    if len(space) == 2 and shape(value) == "a scalar":
        return (derivative(value, space[1]), negative(derivative(value, space[0])))
    if len(space) == 3 and shape(value) == "a vector of 3":
        pairs = ((1, 2), (2, 0), (0, 1))
        return tuple(total(derivative(value[j], space[i]), negative(derivative(value[i], space[j]))) for i, j in pairs)
    raise TreeError(f"the curl of {shape(value)} in {len(space)} space coordinates ({', '.join(space)})")


def _dn(names: Names, value: Value) -> Value:
    space = _space(names, "dn")
    return each(lambda a: total(*(product(Normal(x), derivative(a, x)) for x in space)), value)


def _space(names: Names, operator: str) -> tuple[str, ...]:
    if not names.space:
        raise TreeError(f"{operator} needs a coordinate of space; {', '.join(names.coordinates)} is time")
    return names.space


OPERATIONS: dict[str, Callable[..., Value]] = {
    "laplacian": _laplacian,
    "biharmonic": _biharmonic,
    "grad": _grad,
    "div": _div,
    "dot": _dot,
    "cross": _cross,
    "curl": _curl,
    "dn": _dn,
}
"""Operator → what it makes of the names and its arguments."""
