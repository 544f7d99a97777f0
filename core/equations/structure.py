"""What an expression is made of: fields, orders, coordinates, additive terms, and whether it is affine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.equations.algebra import product, rebuilt, total
from core.equations.tree import (
    Compare,
    Coordinate,
    Expression,
    Field,
    Integral,
    Logic,
    Normal,
    Number,
    Parameter,
    Power,
    Product,
    Sum,
    TreeError,
    Unknown,
    Where,
    bounded,
    postorder,
)

SPLIT_WORK = 20_000
"""Nodes that may be built to multiply an expression out; one that takes more stays as it is."""


def fields_in(*nodes: Expression) -> list[Field]:
    """The fields and their derivatives that appear, each once, in the order of appearance."""
    return [each for each in postorder(*nodes) if isinstance(each, Field)]


def needed_derivatives(*nodes: Expression) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Field → what of it is needed, each as the coordinates it is differentiated by, the lowest order first."""
    needed: dict[str, set[tuple[str, ...]]] = {}
    for field in fields_in(*nodes):
        needed.setdefault(field.name, set()).add(field.by)
    return {name: tuple(sorted(found, key=lambda by: (len(by), by))) for name, found in needed.items()}


def order(*nodes: Expression, field: str | None = None, coordinate: str | None = None) -> int:
    """The highest order of a derivative; of one field, by one coordinate, where named. −1 where there is no field."""
    orders = [
        each.order if coordinate is None else each.by.count(coordinate)
        for each in fields_in(*nodes)
        if field in (None, each.name)
    ]
    return max(orders, default=-1)


def coordinates_in(*nodes: Expression) -> set[str]:
    """The coordinates that are written out; not those on which fields depend."""
    return {each.name for each in postorder(*nodes) if isinstance(each, Coordinate)}


def has_field(node: Expression) -> bool:
    """Whether any field appears."""
    return any(isinstance(each, Field) for each in postorder(node))


@dataclass(frozen=True)
class Linearity:
    """Whether expressions are affine, decided by their form alone: what is said to be so is so."""

    in_fields: bool
    """In all fields together, for fixed unknowns."""
    in_unknowns: bool
    """In the unknowns, for fixed fields."""
    jointly: bool
    """In both together: one solve finds fields and unknowns."""


def linearity(nodes: Iterable[Expression]) -> Linearity:
    """Of some expressions together."""
    nodes = tuple(nodes)

    def affine(kinds: type | tuple[type, ...]) -> bool:
        return all(degree(node, lambda leaf: isinstance(leaf, kinds)) <= 1 for node in nodes)

    return Linearity(affine(Field), affine(Unknown), affine((Field, Unknown)))


def degree(node: Expression, is_variable: Callable[[Expression], bool]) -> int:
    """0 where no variable appears, 1 where it is affine in them, 2 where it is not, or not by its form."""
    degrees: dict[Expression, int] = {}
    for each in postorder(node):
        below = [degrees[operand] for operand in each.operands]
        if not below:
            found = int(is_variable(each))
        elif isinstance(each, Sum | Integral):
            found = max(below)
        elif isinstance(each, Product):
            found = sum(below)
        elif isinstance(each, Where):
            found = 2 if below[0] else max(below)
        else:
            found = 2 if any(below) else 0
        degrees[each] = min(found, 2)
    return degrees[node]


def coefficients(node: Expression, is_variable: Callable[[Expression], bool]) -> dict[Expression | None, Expression]:
    """An affine expression as variable → its factor; None → what has no variable.

    Raises:
        TreeError: it is not affine by its form, or has a variable in a `where`.
    """
    found: dict[Expression | None, list[Expression]] = {}
    for term in _parted(node, is_variable):
        variables = [each for each in postorder(term) if is_variable(each)]
        if not variables:
            found.setdefault(None, []).append(term)
            continue
        factors = term.factors if isinstance(term, Product) else (term,)
        if len(variables) > 1 or variables[0] not in factors:
            raise TreeError("it is not affine term by term")
        rest = [each for each in factors if each != variables[0]]
        found.setdefault(variables[0], []).append(product(*rest))
    return {variable: total(*parts) for variable, parts in found.items()}


def _parted(node: Expression, is_variable: Callable[[Expression], bool]) -> Iterable[Expression]:
    """The terms of a sum, those with a variable multiplied out, the others as they stand."""
    for term in node.terms if isinstance(node, Sum) else (node,):
        varies = any(is_variable(each) for each in postorder(term))
        yield from additive_terms(term) if varies else (term,)


def additive_terms(node: Expression) -> tuple[Expression, ...]:
    """The terms whose sum it is, products of sums multiplied out where that stays small."""
    try:
        with bounded(SPLIT_WORK):
            node = _multiplied_out(node)
    except TreeError:
        pass  # too large multiplied out: its own terms are as true
    return node.terms if isinstance(node, Sum) else (node,)


def _multiplied_out(node: Expression) -> Expression:
    made: dict[Expression, Expression] = {}
    for each in postorder(node):
        below = [made[operand] for operand in each.operands]
        if isinstance(each, Sum):
            made[each] = total(*below)
        elif isinstance(each, Product):
            sums = [list(factor.terms) if isinstance(factor, Sum) else [factor] for factor in below]
            terms: list[Expression] = [Number(1)]
            for choices in sums:
                terms = [product(term, choice) for term in terms for choice in choices]
            made[each] = total(*terms)
        elif isinstance(each, Power | Compare | Logic | Where):
            made[each] = each
        else:
            made[each] = rebuilt(each, below)
    return made[node]


def known_parts(residuals: Sequence[Expression]) -> tuple[Expression, ...]:
    """The largest parts that hold coordinates and nothing that training changes; a parameter is what it will be."""
    varies: set[Expression] = set()
    nodes = postorder(*residuals)
    for each in nodes:
        if isinstance(each, Field | Unknown | Normal | Parameter) or any(below in varies for below in each.operands):
            varies.add(each)
    found: dict[Expression, None] = {}
    waiting = list(residuals)
    seen: set[Expression] = set()
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        if each in varies:
            waiting.extend(each.operands)
        elif each.operands and not isinstance(each, Compare | Logic) and coordinates_in(each):
            found[each] = None
    return tuple(found)
