"""Words and values of a typed domain: numbers with arithmetic, points, lists and texts in quotes."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.domains.combined import DEEPEST
from core.equations.faults import EquationError, Fault
from core.plain_text import printable

LABEL = "domain"
LONGEST = 100_000
"""Characters; a polygon of 2,000 vertices has 40,000."""
DEEPEST_TEXT = 4 * DEEPEST
_NUMBERS = {"pi": math.pi, "e": math.e}
_FUNCTIONS = {"sqrt": math.sqrt, "sin": math.sin, "cos": math.cos, "tan": math.tan}
_OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": lambda base, exponent: float(base) ** exponent,
    "**": lambda base, exponent: float(base) ** exponent,
}
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<operator>\*\*|[-+*/^&=(),\[\]])'
)


@dataclass(frozen=True)
class Token:
    """One word of a text. `kind` is `number`, `name`, `string`, `operator` or `end`."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(text: str) -> Iterator[Token]:
    """The words of a text, an `end` last. Raises EquationError."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            said = printable(text[position])
            advice = " (a text in quotes is never closed)" if said == '"' else ""
            raise EquationError([Fault(f"{said!r} means nothing here{advice}", text, position, position + 1, LABEL)])
        if match.lastgroup != "space":
            yield Token(match.lastgroup, match[0], position, match.end())
        position = match.end()
    yield Token("end", "", len(text), len(text))


class Values:
    """The words of a text, taken one by one; each method reads one thing and leaves the rest."""

    def __init__(self, text: str):
        if len(text) > LONGEST:
            said = f"the domain has {len(text):,} characters; the most is {LONGEST:,}"
            raise EquationError([Fault(said, text[:LONGEST], label=LABEL)])
        self.text, self.tokens, self.place, self.depth = text, list(tokens_of(text)), 0, 0

    @property
    def next(self) -> Token:
        """The word that is read next."""
        return self.tokens[self.place]

    def take(self, text: str = "") -> Token:
        """Read on by one word, which has to be `text` where that is given."""
        token = self.next
        if text and token.text != text:
            self.refuse(f"{token.text!r} can't stand here" if token.text else "the text ends too early", repr(text))
        self.place += 1
        return token

    def refuse(self, message: str, expected: str = "", token: Token | None = None, nearest: str = "") -> None:
        """Raise EquationError at a word, the next one where none is given."""
        token = token or self.next
        end = max(token.end, token.start + 1)
        raise EquationError([Fault(message, self.text, token.start, end, LABEL, expected, nearest)])

    def deeper(self, by: int) -> None:
        """Count brackets within brackets."""
        self.depth += by
        if self.depth > DEEPEST_TEXT:
            self.refuse(f"brackets are nested more than {DEEPEST_TEXT} deep")

    def value(self) -> Any:
        """A number, a point or list in brackets, or a text in quotes."""
        token = self.next
        if token.kind == "string":
            self.take()
            return self.quoted(token)
        return self.sum()

    def sum(self) -> Any:
        """`a + b - c`, or a value alone."""
        found = self.product()
        while self.next.text in ("+", "-"):
            token = self.take()
            other = self.product()
            found = self.joined(found, other, token)
        return found

    def product(self) -> Any:
        """`a*b/c`, or a value alone."""
        found = self.signed()
        while self.next.text in ("*", "/"):
            token = self.take()
            found = self.joined(found, self.signed(), token)
        return found

    def signed(self) -> Any:
        """`-a`, or a value alone."""
        if self.next.text not in ("-", "+"):
            return self.power()
        token = self.take()
        self.deeper(1)
        found = self.number(self.signed(), token)
        self.deeper(-1)
        return -found if token.text == "-" else found

    def power(self) -> Any:
        """`a^b`, or a value alone."""
        base = self.atom()
        if self.next.text not in ("^", "**"):
            return base
        token = self.take()
        self.deeper(1)
        exponent = self.signed()
        self.deeper(-1)
        return self.joined(base, exponent, token)

    def joined(self, left: Any, right: Any, token: Token) -> float:
        """What an operator makes of two numbers; refused where that is none, or none that a field holds."""
        left, right = self.number(left, token), self.number(right, token)
        if token.text == "/" and right == 0:
            self.refuse("a division by zero", token=token)
        try:
            found = _OPERATORS[token.text](left, right)
            finite = not isinstance(found, complex) and math.isfinite(found)
        except (OverflowError, ZeroDivisionError):
            finite = False
        if not finite:
            self.refuse("this is no number, or too large a one", token=token)
        return found

    def quoted(self, token: Token) -> str:
        """The text within quotes, with the escapes of JSON."""
        try:
            found = json.loads(token.text, strict=False)
            found.encode()
        except (ValueError, UnicodeEncodeError):
            said = "a backslash in a text in quotes stands before a quote or another backslash"
            self.refuse(said, r'such as "a\\b"', token)
        return found

    def atom(self) -> Any:
        """A number as typed or by name, a function of one, or what stands in brackets."""
        token = self.take()
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value):
                self.refuse("this number is too large", token=token)
            return int(token.text) if token.text.isdigit() else value
        if token.kind == "name" and token.text in _NUMBERS:
            return _NUMBERS[token.text]
        if token.kind == "name" and token.text in _FUNCTIONS:
            self.take("(")
            self.deeper(1)
            value = self.number(self.sum(), token)
            self.take(")")
            self.deeper(-1)
            try:
                return _FUNCTIONS[token.text](value)
            except (ValueError, OverflowError):
                self.refuse("this is no number", token=token)
        if token.text in ("(", "["):
            return self.bracketed(token)
        if token.kind == "name":
            self.refuse(f"{token.text!r} is no number", "a number such as 0.5 or 2*pi, or a name in quotes", token)
        said = f"{token.text!r} can't stand here" if token.text else "the text ends too early"
        self.refuse(said, "a number, or a point such as (0, 1)", token)
        raise AssertionError  # refuse always raises

    def bracketed(self, opening: Token) -> Any:
        """A point, a list of points or of texts; of one number alone, the number."""
        closing = {"(": ")", "[": "]"}[opening.text]
        self.deeper(1)
        parts = []
        while self.next.text != closing:
            parts.append(self.value())
            if self.next.text != closing:
                self.take(",")
        self.take(closing)
        self.deeper(-1)
        single = len(parts) == 1 and opening.text == "(" and not isinstance(parts[0], str | list)
        alone = single and self.tokens[self.place - 2].text != ","
        return parts[0] if alone else parts

    def number(self, value: Any, token: Token) -> float:
        """A value that an operator joins; refused where it is no number."""
        if not isinstance(value, int | float):
            self.refuse(f"{token.text!r} joins numbers alone", "a number on both sides", token)
        return value
