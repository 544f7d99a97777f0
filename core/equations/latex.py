"""What was typed, in LaTeX: the writer's own order and brackets, derivatives as subscripts, Greek names as letters."""

from __future__ import annotations

import re
from itertools import groupby

from core.equations.functions import GREEK, plain_name
from core.equations.meaning import Reader
from core.equations.names import Names
from core.equations.syntax import (
    Apply,
    Bracketed,
    Chain,
    Listed,
    Literal,
    Name,
    Raised,
    Sign,
    Statement,
    Syntax,
    expression_of,
    statement_of,
)
from core.equations.tree import Field, Unknown

FOLD = 90
"""Characters of a typed source above which it is shown as f."""

ROW = r" \\ "
_SPECIAL = {"\\": r"\textbackslash ", "~": r"\textasciitilde ", "^": r"\textasciicircum "}
_GREEK_NAMES = frozenset(GREEK.values())
_FUNCTIONS = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "ln", "min", "max"}
_NAMED = {"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan"}
_SIGNS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne"}
_OPERATORS = {"laplacian": r"\Delta ", "biharmonic": r"\Delta^2 ", "grad": r"\nabla ", "div": r"\nabla\cdot ",
              "curl": r"\nabla\times ", "dn": r"\partial_n "}  # fmt: skip


def latex_of_equation(text: str, names: Names, fold: int | None = FOLD) -> str:
    """An equation's text in LaTeX.

    Args:
        text: as typed.
        names: what is named in it.
        fold: sources (terms without a field or an unknown) of more characters are shown as f(x, t); None: never.

    Raises:
        EquationError: the text means nothing.
    """
    reader = Reader(text, names, "", in_condition=True)
    statement = reader.syntax(statement_of)
    for side in (statement.left, statement.right):
        if side is not None:
            reader.read(side)
    reader.finish()
    writer = _Writer(names, statement, fold)
    right = "0" if statement.right is None else writer.side(statement.right)
    return f"{writer.side(statement.left)} = {right}"


def latex_of(text: str, names: Names) -> str:
    """An expression's text in LaTeX, or a vector's; faults as those of `latex_of_equation`."""
    reader = Reader(text, names, "", in_condition=True)
    syntax = reader.syntax(expression_of)
    reader.read(syntax)
    reader.finish()
    return _Writer(names, Statement(text, syntax, None), None).write(syntax)


def latex_name(name: str) -> str:
    r"""A name of letters, digits and _: `nu` as \nu, `u1` and `k_a` with a subscript, `Re` upright; else as words."""
    parts = re.fullmatch(r"([A-Za-z]+)(\w*)", plain_name(name))
    if parts is None:
        return latex_text(name)
    head, rest = parts.groups()
    tail = ""
    if rest:
        parts = [latex_name(part) if part[0].isalpha() else part for part in rest.split("_") if part]
        tail = f"_{{{','.join(parts)}}}"
    if head in _GREEK_NAMES:
        letter = rf"\{head}" if head != "phi" else r"\varphi"
        return f"{letter}{tail}"
    return f"{head}{tail}" if len(head) == 1 else rf"\mathrm{{{head}}}{tail}"


def latex_text(text: str) -> str:
    """Words in a formula; what LaTeX would obey is written out."""
    escaped = "".join(_SPECIAL.get(each, f"\\{each}" if each in "{}$#%&_" else each) for each in text)
    return rf"\text{{{escaped}}}"


class _Writer:
    def __init__(self, names: Names, statement: Statement, fold: int | None):
        self.names, self.text, self.fold = names, statement.text, fold
        self.folded = 0

    def side(self, syntax: Syntax) -> str:
        """One side of an equation; long sources in it as f."""
        chain = isinstance(syntax, Chain) and syntax.rank == "sum"
        operands, signs = (syntax.operands, syntax.signs) if chain else ((syntax,), ())
        found = ""
        for source, run in groupby(zip(operands, (("+", 0), *signs), strict=True), lambda term: self._source(term[0])):
            terms = list(run)
            if source and self.fold is not None and terms[-1][0].end - terms[0][0].start > self.fold:
                found += f" + {self._folded()}"
                continue
            for operand, (sign, _) in terms:
                text = self.write(operand)
                found += f" {sign} {_bracket(text) if found and text.startswith(('-', '+')) else text}"
        return found.removeprefix(" + ")

    def _folded(self) -> str:
        self.folded += 1
        letter = "f" if self.folded == 1 else f"f_{{{self.folded}}}"
        return f"{letter}({', '.join(latex_name(name) for name in self.names.coordinates)})"

    def _source(self, syntax: Syntax) -> bool:
        """Whether no field and no unknown appears."""
        for name in re.findall(r"[^\W\d]\w*", self.text[syntax.start : syntax.end]):
            if isinstance(self.names.leaf(name, in_condition=True), Field | Unknown):
                return False
        return True

    def write(self, syntax: Syntax) -> str:
        match syntax:
            case Literal(text=text):
                return _number(text)
            case Name(name=name):
                return self._name(name)
            case Bracketed(inner=inner):
                return _bracket(self.write(inner))
            case Listed(parts=parts):
                return rf"\begin{{pmatrix}} {ROW.join(map(self.write, parts))} \end{{pmatrix}}"
            case Sign(operator=operator, operand=operand):
                return rf"\lnot {self.write(operand)}" if operator == "not" else f"{operator}{self.write(operand)}"
            case Raised(base=base, exponent=exponent):
                return self._raised(base, exponent)
            case Chain():
                return self._chain(syntax)
            case Apply():
                return self._apply(syntax)
        raise AssertionError(syntax)

    def _name(self, name: str) -> str:
        leaf = self.names.leaf(name, in_condition=True)
        if isinstance(leaf, Field) and leaf.by:
            written = plain_name(name)[len(leaf.name) + 1 :]
            letters = re.findall("|".join(sorted(self.names.coordinates, key=len, reverse=True)), written)
            return self._field(leaf.name, letters)
        if plain_name(name).startswith("normal"):
            part = plain_name(name).partition("_")[2]
            return f"n_{{{latex_name(part)}}}" if part else "n"
        return r"\mathrm{e}" if name == "e" else latex_name(name)

    def _field(self, name: str, by: list[str]) -> str:
        subscript = "".join(map(latex_name, by))
        plain = latex_name(name)
        if "_" in plain:  # a subscript of its own
            return rf"\partial_{{{subscript}}} {plain}"
        return f"{plain}_{{{subscript}}}"

    def _raised(self, base: Syntax, exponent: Syntax) -> str:
        inner = exponent.inner if isinstance(exponent, Bracketed) else exponent
        if isinstance(base, Apply) and plain_name(base.name) in _FUNCTIONS - {"exp", "min", "max"}:
            power = self.write(inner)
            if re.fullmatch(r"[1-9]\d*", power):
                return rf"\{plain_name(base.name)}^{{{power}}}{self._arguments(base)}"
        text = self.write(base)
        plain = isinstance(base, Literal | Bracketed) or (isinstance(base, Name) and "partial" not in text)
        return f"{text if plain else _bracket(text)}^{{{self.write(inner)}}}"

    def _chain(self, chain: Chain) -> str:
        if chain.rank == "product":
            return self._product(chain)
        words = {"and": r"\land", "or": r"\lor", "+": "+", "-": "-"} | _SIGNS
        found = self.write(chain.operands[0])
        for operand, (sign, _) in zip(chain.operands[1:], chain.signs, strict=True):
            text = self.write(operand)
            found += f" {words[sign]} {_bracket(text) if text.startswith(('-', '+')) else text}"
        return found

    def _product(self, chain: Chain) -> str:
        """Factors as typed: a*b/c*d as the fraction a b by c, then d."""
        found: list[str] = []
        above, below = [chain.operands[0]], []
        for operand, (sign, _) in zip(chain.operands[1:], chain.signs, strict=True):
            if sign == "/":
                below.append(operand)
                continue
            if below:
                found.append(self._fraction(above, below))
                above, below = [], []
            above.append(operand)
        found.append(self._fraction(above, below))
        return r" \, ".join(found)

    def _fraction(self, above: list[Syntax], below: list[Syntax]) -> str:
        if not below:
            return self._factors(above)
        return rf"\frac{{{self._alone(above)}}}{{{self._alone(below)}}}"

    def _alone(self, factors: list[Syntax]) -> str:
        """Factors in a fraction, where one needs no brackets of its own."""
        if len(factors) == 1 and isinstance(factors[0], Bracketed):
            return self.write(factors[0].inner)
        return self._factors(factors)

    def _factors(self, factors: list[Syntax]) -> str:
        found = ""
        for factor in factors:
            text = self.write(factor)
            if found and text.startswith(("-", "+")):
                text = _bracket(text)
            between = r" \cdot " if found and text[0].isdigit() else r" \, " if found else ""
            found += f"{between}{text}"
        return found

    def _apply(self, syntax: Apply) -> str:
        name = plain_name(syntax.name)
        parts = syntax.arguments
        if name == "diff":
            return self._diff(parts)
        if name in _OPERATORS:
            only = parts[0]
            text = self.write(only)
            return f"{_OPERATORS[name]}{text if isinstance(only, Name | Bracketed | Listed) else _bracket(text)}"
        if name in ("dot", "cross"):
            between = r" \cdot " if name == "dot" else r" \times "
            return between.join(
                text if not isinstance(part, Chain | Sign) else _bracket(text)
                for part, text in zip(parts, map(self.write, parts), strict=True)
            )
        if name in ("where", "piecewise"):
            return self._cases(parts)
        if name == "int":
            over = [self.write(each) for each in parts[1:]] or list(map(latex_name, self.names.space))
            steps = " ".join(rf"\mathrm{{d}}{x}" for x in over)
            return rf"\int {self.write(parts[0])} \, {steps}"
        if name == "sqrt":
            return rf"\sqrt{{{self.write(parts[0])}}}"
        if name == "abs":
            return rf"\left|{self.write(parts[0])}\right|"
        return f"{_function(name)}{self._arguments(syntax)}"

    def _arguments(self, syntax: Apply) -> str:
        return _bracket(", ".join(map(self.write, syntax.arguments)))

    def _diff(self, parts: tuple[Syntax, ...]) -> str:
        by: list[str] = []
        for part in parts[1:]:
            if isinstance(part, Literal):
                by.extend(by[-1:] * (int(part.text) - 1))
            else:
                by.append(plain_name(part.name))
        leaf = self.names.leaf(parts[0].name) if isinstance(parts[0], Name) else None
        if isinstance(leaf, Field):
            return self._field(leaf.name, [*leaf.by, *by])
        return rf"\partial_{{{''.join(map(latex_name, by))}}} {_bracket(self.write(parts[0]))}"

    def _cases(self, parts: tuple[Syntax, ...]) -> str:
        pairs = zip(parts[:-1:2], parts[1::2], strict=True)
        rows = [rf"{self.write(value)} & {self.write(condition)}" for condition, value in pairs]
        rows.append(rf"{self.write(parts[-1])} & \text{{else}}")
        return rf"\begin{{cases}} {ROW.join(rows)} \end{{cases}}"


def _bracket(text: str) -> str:
    return rf"\left({text}\right)"


def _function(name: str) -> str:
    if name in _FUNCTIONS:
        return rf"\{name}"
    return _NAMED.get(name, rf"\operatorname{{{name}}}")


def _number(text: str) -> str:
    mantissa, marked, exponent = text.lower().partition("e")
    if not marked:
        return text
    power = rf"10^{{{int(exponent)}}}"
    return power if mantissa in ("1", "1.") else rf"{mantissa} \cdot {power}"
