"""The grammar: a text as the tree of what was typed, with positions. Nothing is looked up and nothing simplified."""

from __future__ import annotations

from dataclasses import dataclass

from core.equations.faults import EquationError, Fault
from core.equations.functions import CALLED, plain_name
from core.equations.tokens import DEEPEST_TEXT, Token, tokens_of, too_deep


@dataclass(frozen=True)
class Syntax:
    """A part of a text, from character `start` to before `end`."""

    start: int
    end: int


@dataclass(frozen=True)
class Literal(Syntax):
    """A number as typed."""

    text: str


@dataclass(frozen=True)
class Name(Syntax):
    """A name as typed."""

    name: str


@dataclass(frozen=True)
class Apply(Syntax):
    """A name with arguments in brackets."""

    name: str
    name_end: int
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True)
class Chain(Syntax):
    """Operands joined by operators of one rank, read from the left: `a - b + c`, `a*b/c`, `0 < x <= 1`, `a and b`.

    `signs` has (operator, position) for each operand but the first.
    """

    rank: str
    """`sum`, `product`, `comparison`, `and` or `or`."""
    operands: tuple[Syntax, ...]
    signs: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Sign(Syntax):
    """`-a`, `+a` or `not a`."""

    operator: str
    operand: Syntax


@dataclass(frozen=True)
class Raised(Syntax):
    """`a^b`."""

    base: Syntax
    exponent: Syntax


@dataclass(frozen=True)
class Listed(Syntax):
    """`[a, b]`."""

    parts: tuple[Syntax, ...]


@dataclass(frozen=True)
class Bracketed(Syntax):
    """`(a)`."""

    inner: Syntax


@dataclass(frozen=True)
class Statement:
    """An equation as typed: two sides, or one that is meant to be zero."""

    text: str
    left: Syntax
    right: Syntax | None


_RANKS = ("or", "and", "comparison", "sum", "product")
_RANK_OF = {"or": 0, "and": 1, "<": 2, "<=": 2, ">": 2, ">=": 2, "==": 2, "!=": 2, "+": 3, "-": 3, "*": 4, "/": 4}
_ATOMS = 5
"""The rank above all operators: -a*b is -(a*b), but a/-b*c is (a/-b)*c."""


def statement_of(text: str) -> Statement:
    """An equation's text as its sides.

    Raises:
        EquationError: it follows no grammar; one fault, at the first character that can't be.
    """
    grammar = _Grammar(text)
    left = grammar.expression()
    right = None
    if grammar.next.text == "=":
        grammar.take()
        right = grammar.expression()
    if grammar.next.text == "=":
        grammar.refuse("a second '='", "one '=' between two sides")
    grammar.finish()
    return Statement(text, left, right)


def expression_of(text: str) -> Syntax:
    """An expression's text as its tree.

    Raises:
        EquationError: as `statement_of`.
    """
    grammar = _Grammar(text)
    found = grammar.expression()
    if grammar.next.text == "=":
        grammar.refuse("'='", "an expression alone")
    grammar.finish()
    return found


class _Grammar:
    """Operator precedence by ranks (Pratt's), as deep as `DEEPEST_TEXT` and no deeper."""

    def __init__(self, text: str):
        self.text = text
        self.tokens: list[Token] = tokens_of(text)
        self.position = 0
        self.depth = 0
        if len(self.tokens) == 1:
            raise EquationError([Fault("nothing is typed", text, expected="an equation such as u_t = nu*u_xx")])

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.next
        self.position += 1
        return token

    def refuse(self, message: str, expected: str = "") -> None:
        token = self.next
        start, end = token.start, max(token.end, token.start + 1)
        raise EquationError([Fault(message, self.text, start, end, expected=expected)])

    def finish(self) -> None:
        token = self.next
        if token.kind == "end":
            return
        before = self.tokens[self.position - 1]
        if token.text in (")", "]"):
            self.refuse(f"{token.text!r} closes nothing")
        if token.text == ",":
            self.refuse("',' outside of brackets")
        raised = self.position > 2 and self.tokens[self.position - 2].text == "^"
        called = self.tokens[self.position - 3].text if raised else before.text  # sin^2(x), sin x
        if plain_name(called) in CALLED:
            self.refuse(f"{called} needs what it is of in brackets", f"{called}(x), and for a power {called}(x)^2")
        if token.kind in ("number", "name") or token.text in ("(", "["):
            self.refuse(
                f"no operator between {before.text!r} and {token.text!r}",
                f"an operator, such as {before.text}*{token.text}",
            )
        self.refuse(f"{token.text!r} can't stand here", "an operator")

    def expression(self, least: int = 0) -> Syntax:
        found = self.signed(least)
        while (rank := _RANK_OF.get(self.next.text, -1)) >= least:
            operands, signs = [found], []
            while _RANK_OF.get(self.next.text) == rank:
                token = self.take()
                signs.append((token.text, token.start))
                operands.append(self.expression(rank + 1))
            found = Chain(found.start, operands[-1].end, _RANKS[rank], tuple(operands), tuple(signs))
        return found

    def signed(self, least: int = _ATOMS) -> Syntax:
        if self.next.text not in ("-", "+", "not"):
            return self.raised()
        token = self.take()
        with self.deeper(token):
            operand = self.expression(_RANK_OF["<"] if token.text == "not" else max(least, _RANK_OF["*"]))
        return Sign(token.start, operand.end, token.text, operand)

    def raised(self) -> Syntax:
        base = self.atom()
        if self.next.text != "^":
            return base
        token = self.take()
        with self.deeper(token):
            exponent = self.signed()
        return Raised(base.start, exponent.end, base, exponent)

    def atom(self) -> Syntax:
        token = self.next
        if token.kind == "number":
            self.take()
            return Literal(token.start, token.end, token.text)
        if token.kind == "name" and token.text not in ("and", "or", "in"):
            self.take()
            if self.next.text != "(":
                return Name(token.start, token.end, token.text)
            arguments, end = self.bracketed(")")
            return Apply(token.start, end, token.text, token.end, arguments)
        if token.text == "(":
            inner, end = self.bracketed(")")
            if len(inner) != 1:
                raise EquationError([Fault("a bracket with commas", self.text, token.start, end,
                                           expected="a vector in square brackets, [a, b]")])  # fmt: skip
            return Bracketed(token.start, end, inner[0])
        if token.text == "[":
            parts, end = self.bracketed("]")
            return Listed(token.start, end, parts)
        expected = "a number, a name or a bracket"
        if token.kind == "end":
            self.refuse("the text ends too early", expected)
        self.refuse(f"{token.text!r} can't stand here", expected)
        raise AssertionError  # refuse always raises

    def bracketed(self, closing: str) -> tuple[tuple[Syntax, ...], int]:
        opening = self.take()
        parts: list[Syntax] = []
        with self.deeper(opening):
            if self.next.text == closing:
                self.refuse(f"nothing between {opening.text!r} and {closing!r}", "an expression")
            parts.append(self.expression())
            while self.next.text == ",":
                self.take()
                parts.append(self.expression())
        if self.next.text == "=":
            self.refuse("'=' inside of brackets", "'==' to compare")
        if self.next.text != closing:
            if self.next.kind == "end":
                raise EquationError([Fault(f"{opening.text!r} is never closed", self.text, opening.start, opening.end,
                                           expected=repr(closing))])  # fmt: skip
            if self.next.kind in ("number", "name") or self.next.text in ("(", "["):
                self.finish()
            self.refuse(f"{self.next.text!r} can't stand here", f"an operator, ',' or {closing!r}")
        return tuple(parts), self.take().end

    def deeper(self, token: Token) -> _Level:
        return _Level(self, token)


class _Level:
    """One level deeper in the text, while it lasts."""

    def __init__(self, grammar: _Grammar, token: Token):
        self.grammar = grammar
        if grammar.depth >= DEEPEST_TEXT:
            raise EquationError([too_deep(grammar.text, token.start)])

    def __enter__(self) -> None:
        self.grammar.depth += 1

    def __exit__(self, *_: object) -> None:
        self.grammar.depth -= 1
