"""A typed text as tokens with their positions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.equations.faults import EquationError, Fault
from core.equations.functions import GREEK
from core.plain_text import printable

LONGEST_TEXT = 4_000
DEEPEST_TEXT = 60
"""Brackets, signs and powers within one another."""
LONGEST_NUMBER = 400

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    rf"|(?P<name>[A-Za-z{''.join(GREEK)}][A-Za-z0-9_{''.join(GREEK)}]*)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/^=<>(),\[\]−·⋅×≤≥≠²³])",
    re.ASCII,
)
_MEANT = {"**": "^", "−": "-", "·": "*", "⋅": "*", "×": "*", "≤": "<=", "≥": ">=", "≠": "!="}
_SUPERSCRIPTS = {"²": "2", "³": "3"}
_ADVICE = {
    "∂": "a derivative is typed u_x or diff(u, x)",
    "∇": "type grad, div, curl or laplacian",
    "Δ": "type laplacian",
    "{": "brackets are ( and )",
    "}": "brackets are ( and )",
    "_": "a derivative is typed u_x",
    "'": "a derivative is typed u_x",
    "&": "type and",
    "|": "type or, or abs(…)",
    "!": "unequal is !=",
    ";": "arguments are parted by commas",
    "√": "type sqrt(…)",
    "½": "type 1/2",
    "∞": "numbers are finite",
    "%": "there is no remainder",
    "#": "there are no remarks",
    "\\": "no LaTeX here: type nu, pi, sqrt(…)",
}


@dataclass(frozen=True)
class Token:
    """One word of a text. `kind` is `number`, `name`, `operator` or `end`; `text` as it is meant: `^` for `**`."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text, an `end` last.

    Raises:
        EquationError: it is too long or nested too deep, or has characters that mean nothing.
    """
    if len(text) > LONGEST_TEXT:
        raise EquationError(
            [Fault(f"the text has {len(text):,} characters; the most is {LONGEST_TEXT:,}", text[:LONGEST_TEXT])]
        )
    found: list[Token] = []
    faults: list[Fault] = []
    depth = position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            faults.append(_no_token(text, position))
            position += 1
            continue
        kind, start, position = match.lastgroup, position, match.end()
        word = match[0]
        if kind == "space":
            continue
        if kind == "number" and len(word) > LONGEST_NUMBER:
            faults.append(Fault(f"a number of {len(word):,} digits", text, start, position))
        if word in _SUPERSCRIPTS:
            found.append(Token("operator", "^", start, position))
            found.append(Token("number", _SUPERSCRIPTS[word], start, position))
            continue
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if depth > DEEPEST_TEXT:
            raise EquationError([*faults, too_deep(text, start)])
        found.append(Token(kind, _MEANT.get(word, word), start, position))
    if faults:
        raise EquationError(faults)
    found.append(Token("end", "", len(text), len(text)))
    return found


def too_deep(text: str, position: int) -> Fault:
    """That a text is nested too deep."""
    return Fault(f"brackets, signs or powers are nested more than {DEEPEST_TEXT} deep", text, position, position + 1)


def _no_token(text: str, position: int) -> Fault:
    character = text[position]
    if printable(character) != character:
        return Fault(f"a control character ({printable(character)})", text, position, position + 1)
    advice = _ADVICE.get(character)
    message = f"{character!r} means nothing here" + (f" ({advice})" if advice else "")
    return Fault(message, text, position, position + 1)
