"""Expressions as small immutable trees. They are built by `core.equations.algebra`, which keeps them simplified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from fractions import Fraction

MOST_NODES = 20_000
"""Of any expression, also within a calculation; of a typed one there may be fewer (`core.equations.reading`)."""
DEEPEST = 250
LONGEST_SHOWN = 40
"""Nodes of an expression that shows its parts to who debugs."""
HIGHEST_ORDER = 4
"""Of a field's derivatives."""


class TreeError(Exception):
    """An expression that can't be: too large, without a value, of too high an order. Readers add where it was typed."""

    def __init__(self, message: str, expected: str = ""):
        super().__init__(message)
        self.expected = expected


class TooLarge(TreeError):  # noqa: N818 - what it is, not that it is an error
    """An expression that is too large, too deep, or takes too much work; it may be right all the same."""


class _Work:
    """How much may still be built."""

    def __init__(self, nodes: int):
        self.left = nodes


_work: ContextVar[_Work | None] = ContextVar("work", default=None)


@contextmanager
def bounded(nodes: int) -> Iterator[None]:
    """Within it at most so many nodes and operands are built; then `TreeError`. Time is bounded with it.

    One within another has no more than is left to the outer one, and what it takes is taken from that.
    """
    around = _work.get()
    work = _Work(nodes if around is None else min(nodes, around.left))
    allowed = work.left
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)
        if around is not None:
            around.left -= allowed - work.left


class Expression:
    """A node. Equal if built alike; its size, depth and hash are known from the start."""

    size: int
    """Nodes of the tree, those that are shared counted each time."""
    depth: int

    def __post_init__(self):
        key = self._identity()
        operands = self.operands
        size, depth = 1, 0
        for each in operands:
            size += each.size
            depth = max(depth, each.depth)
        work = _work.get()
        if work is not None:
            work.left -= 1 + len(operands)
            if work.left < 0:
                raise TooLarge("what it stands for takes too long to write out: shorten or simplify it")
        if size > MOST_NODES:
            raise TooLarge(f"written out it has more than {MOST_NODES:,} parts: shorten or simplify it")
        if depth >= DEEPEST:
            raise TooLarge(f"written out it is nested more than {DEEPEST} deep: shorten or simplify it")
        for name, value in (("_key", key), ("_hash", hash((type(self), *key))), ("size", size), ("depth", depth + 1)):
            object.__setattr__(self, name, value)

    def _identity(self) -> tuple:
        """What makes two nodes of one class equal."""
        return tuple(vars(self).values())

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The nodes below this one."""
        return ()

    def __repr__(self) -> str:
        name, parts = type(self).__name__, tuple(getattr(self, each.name) for each in fields(self))
        return f"{name}{parts}" if self.size <= LONGEST_SHOWN else f"<{name} of {self.size} nodes>"

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(self) is type(other) and self._hash == other._hash and self._key == other._key


@dataclass(frozen=True, eq=False, repr=False)
class Number(Expression):
    """A constant: whole, a fraction, or a float that is neither NaN nor infinite nor whole."""

    value: int | float | Fraction


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Expression):
    """`pi` or `e`."""

    name: str


@dataclass(frozen=True, eq=False, repr=False)
class Coordinate(Expression):
    """An independent variable."""

    name: str


@dataclass(frozen=True, eq=False, repr=False)
class Parameter(Expression):
    """A named number that is given."""

    name: str


@dataclass(frozen=True, eq=False, repr=False)
class Unknown(Expression):
    """A named number that is solved for."""

    name: str


@dataclass(frozen=True, eq=False, repr=False)
class Field(Expression):
    """A field or a derivative of it: `by` names a coordinate once for each time it is differentiated by it."""

    name: str
    over: tuple[str, ...]
    """The coordinates that it depends on, in their order."""
    by: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        """Of the derivative; 0 for the field itself."""
        return len(self.by)


@dataclass(frozen=True, eq=False, repr=False)
class Normal(Expression):
    """A component of the boundary's outward normal, in a condition."""

    coordinate: str


@dataclass(frozen=True, eq=False, repr=False)
class Integral(Expression):
    """An integral over the whole extent of some coordinates, in a condition."""

    of: Expression
    over: tuple[str, ...]

    @property
    def operands(self) -> tuple[Expression, ...]:
        """What is integrated."""
        return (self.of,)


@dataclass(frozen=True, eq=False, repr=False)
class Sum(Expression):
    """Two different terms or more, none of them a sum, a number last. Equal in any order."""

    terms: tuple[Expression, ...]

    def _identity(self) -> tuple:
        return (frozenset(self.terms),)

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The terms."""
        return self.terms


@dataclass(frozen=True, eq=False, repr=False)
class Product(Expression):
    """Two different factors or more, none a product, a number first, what is divided by last. Equal in any order."""

    factors: tuple[Expression, ...]

    def _identity(self) -> tuple:
        return (frozenset(self.factors),)

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The factors."""
        return self.factors


@dataclass(frozen=True, eq=False, repr=False)
class Power(Expression):
    """A base to an exponent; 1/a is a to −1, √a is a to 1/2."""

    base: Expression
    exponent: Expression

    @property
    def operands(self) -> tuple[Expression, ...]:
        """Base and exponent."""
        return (self.base, self.exponent)


@dataclass(frozen=True, eq=False, repr=False)
class Call(Expression):
    """A function of one or two arguments, by its name in `core.equations.functions`."""

    function: str
    arguments: tuple[Expression, ...]

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The arguments."""
        return self.arguments


@dataclass(frozen=True, eq=False, repr=False)
class Compare(Expression):
    """Whether left < right, by `<`, `<=`, `>`, `>=`, `==` or `!=`. Stands in a `Where` or a `Logic` only."""

    operator: str
    left: Expression
    right: Expression

    @property
    def operands(self) -> tuple[Expression, ...]:
        """Left and right."""
        return (self.left, self.right)


@dataclass(frozen=True, eq=False, repr=False)
class Logic(Expression):
    """`and`, `or` of two conditions or more, `not` of one."""

    operator: str
    conditions: tuple[Expression, ...]

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The conditions."""
        return self.conditions


@dataclass(frozen=True, eq=False, repr=False)
class Where(Expression):
    """One value where a condition holds, another elsewhere."""

    condition: Expression
    inside: Expression
    outside: Expression

    @property
    def operands(self) -> tuple[Expression, ...]:
        """Condition and both values."""
        return (self.condition, self.inside, self.outside)


def postorder(
    *nodes: Expression, below: Callable[[Expression], tuple[Expression, ...]] | None = None
) -> list[Expression]:
    """All different nodes of some expressions, each behind those below it. Without recursion.

    Args:
        nodes: the expressions.
        below: what is below a node; by default its operands.
    """
    found: dict[Expression, None] = {}
    waiting = [(node, False) for node in reversed(nodes)]
    while waiting:
        node, below_done = waiting.pop()
        if node in found:
            continue
        if below_done:
            found[node] = None
        else:
            waiting.append((node, True))
            parts = node.operands if below is None else below(node)
            waiting.extend((each, False) for each in reversed(parts))
    return list(found)
