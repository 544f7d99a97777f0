"""A domain as one types it, `box((0, 0), (1, 1)) - disk((0.5, 0.5), 0.2)`: read to plain data, and written again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from core.domains.combined import Combined, Difference, Union
from core.domains.mesh_file import MeshFile
from core.domains.shapes import Shape
from core.equations.domain_values import LABEL, Token, Values
from core.equations.faults import EquationError, Fault, nearest_name

ARGUMENTS = {
    "box": ("low", "high"),
    "disk": ("centre", "radius"),
    "ball": ("centre", "radius"),
    "annulus": ("centre", "inner", "outer"),
    "ellipse": ("centre", "semi_axes", "angle"),
    "polygon": ("vertices",),
    "mesh": ("file", "version"),
}
"""Shapes that are typed, and what their arguments are in order; all others are typed by name."""
FURTHER = {
    "box": ("name", "sides"), "disk": ("name",), "ball": ("name",), "annulus": ("name", "inner_name"),
    "ellipse": ("name",), "polygon": ("name", "holes", "sides", "hole_names"), "mesh": (),
}  # fmt: skip
NEEDED = {"ellipse": 2, "mesh": 1}
"""How many of the arguments are needed, where not all are."""
OPERATORS = {"+": "union", "-": "difference", "&": "intersection"}
EXAMPLES = {
    "box": "box((0, 0), (1, 2))",
    "disk": "disk((0, 0), 1)",
    "ball": "ball((0, 0, 0), 1)",
    "annulus": "annulus((0, 0), 0.5, 1)",
    "ellipse": "ellipse((0, 0), (2, 1), 30)",
    "polygon": "polygon((0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2))",
    "mesh": 'mesh("bracket.msh")',
}
"""How each shape is typed."""


def read_domain(text: str) -> dict[str, Any]:
    """The plain data of a typed domain, for `core.domains` to check; what is wrong with the text is at its characters.

    Raises:
        EquationError: it follows no grammar, or an argument is missing or too many.
    """
    return checked_domain(text)[0]


def checked_domain(text: str, check: Callable[[dict[str, Any]], Any] | None = None) -> tuple[dict[str, Any], Any]:
    """The plain data, and what `check` makes of it.

    Args:
        text: as typed.
        check: raises pydantic.ValidationError for data that is no domain; what it says is put at its characters.

    Raises:
        EquationError: with all faults.
    """
    from pydantic import ValidationError

    reader = _Reader(text)
    data = reader.whole()
    if check is None:
        return data, None
    try:
        return data, check(data)
    except ValidationError as error:
        raise EquationError(_placed(each, data, reader) for each in error.errors()) from None


def _placed(error: dict, data: Any, reader: _Reader) -> Fault:
    """What pydantic says, at the argument that it is of."""
    path: tuple = ()
    for key in error["loc"]:
        inside = (isinstance(data, dict) and key in data) or (
            isinstance(data, list) and isinstance(key, int) and key < len(data)
        )
        if inside:
            data, path = data[key], (*path, key)
    while path and path not in reader.spans:
        path = path[:-1]
    start, end = reader.spans.get(path, (0, len(reader.text)))
    said = error["msg"].removeprefix("Value error, ")
    return Fault(said[:1].lower() + said[1:], reader.text, start, end, LABEL)


class _Reader(Values):
    """Operator precedence by hand: parts joined by + - &, from the left; arguments with their own arithmetic."""

    def __init__(self, text: str):
        super().__init__(text)
        self.spans: dict[tuple, tuple[int, int]] = {}
        """Path in the data → characters."""

    def whole(self) -> dict[str, Any]:
        if self.next.kind == "end":
            raise EquationError([Fault("no domain is typed", self.text, label=LABEL, expected=EXAMPLES["disk"])])
        data = self.domain(())
        if self.next.kind != "end":
            self.refuse(f"{self.next.text!r} can't stand here", "+, - or & between two parts")
        return data

    def domain(self, path: tuple) -> dict[str, Any]:
        """Parts joined by operators; spans of what comes to lie deeper are moved there."""
        start = self.next.start
        found = self.part(path)
        grown = False
        while (operator := self.next.text) in OPERATORS and self.next.kind == "operator":
            self.take()
            kind = OPERATORS[operator]
            if not (grown and found["kind"] == kind):
                first = ("of",) if kind == "difference" else ("parts", 0)
                self._move(path, first)
                found = {"kind": kind, "of": found, "less": []} if kind == "difference" else {
                    "kind": kind, "parts": [found]}  # fmt: skip
                grown = True
            key = "less" if kind == "difference" else "parts"
            found[key].append(self.part((*path, key, len(found[key]))))
            self.spans[path] = (start, self.tokens[self.place - 1].end)
        return found

    def _move(self, path: tuple, deeper: tuple) -> None:
        n = len(path)
        moved = {key: span for key, span in self.spans.items() if key[:n] == path}
        for key in moved:
            del self.spans[key]
        self.spans |= {(*path, *deeper, *key[n:]): span for key, span in moved.items()}

    def part(self, path: tuple) -> dict[str, Any]:
        token = self.take()
        if token.text == "(":
            self.deeper(1)
            found = self.domain(path)
            self.take(")")
            self.deeper(-1)
            return found
        known = (*ARGUMENTS, *OPERATORS.values())
        if token.kind != "name":
            self.refuse(f"{token.text!r} can't stand here" if token.text else "the text ends too early",
                        "a shape such as disk((0, 0), 1)", token)  # fmt: skip
        if token.text not in known:
            nearest = nearest_name(token.text, known)
            expected = "" if nearest else f"one of {', '.join(ARGUMENTS)}"
            self.refuse(f"no shape is called {token.text!r}", expected, token, nearest)
        self.take("(")
        self.deeper(1)
        found = self.combined(token.text, path) if token.text in OPERATORS.values() else self.shape(token, path)
        self.take(")")
        self.deeper(-1)
        self.spans[path] = (token.start, self.tokens[self.place - 1].end)
        return found

    def combined(self, kind: str, path: tuple) -> dict[str, Any]:
        parts: list[dict[str, Any]] = []
        while True:
            place = ("parts", len(parts))
            if kind == "difference":
                place = ("of",) if not parts else ("less", len(parts) - 1)
            parts.append(self.domain((*path, *place)))
            if self.next.text != ",":
                break
            self.take()
        if kind != "difference":
            return {"kind": kind, "parts": parts}
        return {"kind": kind, "of": parts[0], "less": parts[1:]}

    def shape(self, token: Token, path: tuple) -> dict[str, Any]:
        kind = token.text
        given: dict[str, Any] = {}
        ordered: list[Any] = []
        while self.next.text != ")":
            start, key = self.next.start, ""
            if self.next.kind == "name" and self.tokens[self.place + 1].text == "=":
                key = self.key(kind, given)
            value = self.value()
            span = (start, self.tokens[self.place - 1].end)
            if key:
                given[key] = value
                self.spans[(*path, key)] = span
            else:
                if given:
                    self.refuse("an argument without a name behind one with a name", "the one with a name last",
                                self.tokens[self.place - 1])  # fmt: skip
                if kind == "polygon":
                    self.spans[(*path, "vertices", len(ordered))] = span
                elif len(ordered) < len(ARGUMENTS[kind]):
                    self.spans[(*path, ARGUMENTS[kind][len(ordered)])] = span
                ordered.append(value)
            if self.next.text != ")":
                self.take(",")
        if kind == "polygon":
            return {"kind": kind, "vertices": ordered, **given}
        self._count(token, ordered, given)
        return {"kind": kind, **dict(zip(ARGUMENTS[kind], map(_as_needed(kind), ordered), strict=False)), **given}

    def key(self, kind: str, given: dict[str, Any]) -> str:
        token = self.take()
        self.take("=")
        known = (*(ARGUMENTS[kind] if kind != "polygon" else ()), *FURTHER[kind])
        if token.text not in known:
            nearest = nearest_name(token.text, known)
            expected = "" if nearest else f"one of {', '.join(known)}"
            self.refuse(f"a {kind} has no {token.text!r}", expected, token, nearest)
        if token.text in given:
            self.refuse(f"{token.text} is given twice", token=token)
        return token.text

    def _count(self, token: Token, ordered: list[Any], given: dict[str, Any]) -> None:
        names = ARGUMENTS[token.text]
        missing = [name for name in names[: NEEDED.get(token.text, len(names))][len(ordered) :] if name not in given]
        if missing or len(ordered) > len(names):
            said = f"a {token.text} needs {', '.join(names[: NEEDED.get(token.text, len(names))])}"
            self.refuse(said, EXAMPLES[token.text], token)


def _as_needed(kind: str):
    """An interval's ends may be typed as numbers, box(0, 1)."""
    return lambda value: [value] if kind == "box" and isinstance(value, int | float) else value


def domain_text(domain: Shape | MeshFile) -> str:
    """A domain as one would type it; it reads as the same data again."""
    if isinstance(domain, Combined):
        parts = [domain_text(part) for part in domain.operands]
        if len(parts) == 1:
            return f"{domain.kind}({parts[0]})"
        sign = " - " if isinstance(domain, Difference) else " + " if isinstance(domain, Union) else " & "
        return sign.join(f"({text})" if isinstance(part, Combined) and len(part.operands) > 1 else text
                         for part, text in zip(domain.operands, parts, strict=True))  # fmt: skip
    kind = domain.kind
    ordered = [getattr(domain, name) for name in ARGUMENTS[kind]]
    if kind == "polygon":
        ordered = list(domain.vertices)
    while len(ordered) > NEEDED.get(kind, len(ordered)) and ordered[-1] in (None, 0):
        ordered.pop()
    named = [f"{name}={_value_text(value)}" for name in FURTHER[kind] if (value := getattr(domain, name))]
    return f"{kind}({', '.join([*map(_value_text, ordered), *named])})"


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        inside = ", ".join(map(_value_text, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return f"{value:g}" if float(f"{value:g}") == value else repr(float(value))
