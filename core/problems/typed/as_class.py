"""A typed problem as the source of a Python class, for who grows out of the form: its equations written on jets."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from pprint import pformat
from typing import TYPE_CHECKING

from core.equations.algebra import is_divisor, turned_over
from core.equations.domain_text import domain_text
from core.equations.structure import fields_in
from core.equations.tree import (
    Call,
    Compare,
    Constant,
    Coordinate,
    Expression,
    Field,
    Logic,
    Number,
    Parameter,
    Power,
    Product,
    Sum,
    Unknown,
    Where,
    postorder,
)
from core.equations.writing import field_name, text_of
from core.problems.base import INTERIOR
from core.problems.typed.combined import combined
from core.problems.typed.rows import RowProgram

if TYPE_CHECKING:
    from core.problems.equation import Equation

OURS = ("self", "points", "fields", "places", "lam", "torch", "found", "number", "super")
"""Names in the source that nothing of the problem's can have."""
LOGIC, COMPARE, SUM, SIGN, PRODUCT, POWER, ATOM = range(7)
"""How firmly a piece of source holds together."""
_TORCH = {"min": "minimum", "max": "maximum"}
_SOURCE = '''"""{title}, as a class of its own.

    LAB_PROBLEMS={file} python -m core problems

Domain, conditions and exact solution stay as they were typed, in `example`. The equations are Python here, to be
changed: terms that can't be typed, coefficients from a table, any function of torch. Fields and coordinates are jets:
`value`, `first(i)`, and the operators of higher order in `forms`; docs/adding-a-problem.md has the rest.
"""

from typing import Any, ClassVar, Literal

import torch

from core.problems.equation import Equation


class {name}(Equation):
    """{title}."""

    kind: Literal[{kind!r}] = {kind!r}
    title: ClassVar[str] = {title!r}
    example: ClassVar[dict[str, Any]] = {example}

    def residuals(self, points, fields, places, lam):
        """Rows (n,) of the equations, each over its natural size; those of conditions as they were typed."""
{body}
'''


def class_source(problem: Equation, called: str) -> tuple[str, str]:
    """The name of a file, and the source of a class that is this problem; `LAB_PROBLEMS` takes it as it is.

    Args:
        problem: as typed.
        called: what people call it.
    """
    words = re.findall(r"[a-z0-9]+", called.lower()) or ["typed"]
    kind = "_".join(words if words[0].isalpha() else ["typed", *words])[:60].strip("_")
    kind = kind if not keyword.iskeyword(kind) else f"{kind}_problem"
    title = " ".join(called.split()).replace("\\", "").replace('"', "'")[:100] or "Typed equation"
    title = title if title.isprintable() else kind
    example = problem.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    example.pop("kind", None)
    if problem.shape is not None:
        example["domain"] = domain_text(problem.shape)
    shown = pformat(example, width=110, sort_dicts=False).replace("\n", "\n    ")
    name = "".join(word.capitalize() for word in kind.split("_"))
    body = "\n".join(f"        {line}".rstrip() for line in _body(problem))
    return f"{kind}.py", _SOURCE.format(title=title, file=f"{kind}.py", name=name, kind=kind, example=shown, body=body)


def _body(problem: Equation) -> list[str]:
    compiled = problem.compiled
    program: RowProgram = compiled.sets[INTERIOR].program
    names = compiled.sets[INTERIOR].names
    count = len(problem.system.residuals)
    written = _with_names(problem, program, count)
    lines = [f'if points != "{INTERIOR}":', "    return super().residuals(points, fields, places, lam)"]
    if len(names) > count:
        lines = ["found = super().residuals(points, fields, places, lam)", f'if points != "{INTERIOR}":',
                 "    return found  # those of conditions"]  # fmt: skip
    spelled = _spellings(problem, program.operators)
    used = postorder(*written)
    for leaf in used:
        if isinstance(leaf, Parameter):
            lines.append(f"{spelled[leaf]} = self.system.frame.parameters[{leaf.name!r}]")
        elif isinstance(leaf, Coordinate):
            lines.append(f"{spelled[leaf]} = places[{compiled.coordinates.index(leaf.name)}].value")
    for leaf in fields_in(*written):
        lines.append(f"{spelled[leaf]} = {_read(leaf, program.operators, compiled, problem)}")
    lines.append("number = lambda value: torch.full_like(places[0].value, value)  # noqa: E731")
    texts = [_text(node, spelled) for node in written]
    if not any("number(" in text for text in texts):
        lines.pop()
    if compiled.local.has_wedges:
        lines.append("weight = self.compiled.local.weight(places)  # less near corners")
    lines.append("return found | {" if len(names) > count else "return {")
    weight = "weight * " if compiled.local.has_wedges else ""
    for label, text, size in zip(names, texts, program.sizes, strict=False):
        lines.append(f"    {label!r}: {weight}({text}) / {size!r},")
    return [*lines, "}"]


def _with_names(problem: Equation, program: RowProgram, count: int) -> tuple[Expression, ...]:
    """The equations with their parameters' names, where these leave the same operators; else with numbers."""
    named = combined(problem.system.residuals)
    numbers = program.residuals[:count]
    same = set(named.meant) == {leaf for leaf in fields_in(*numbers) if leaf.order >= 2}
    return named.residuals if same else numbers


def _spellings(problem: Equation, operators: Mapping[Field, str]) -> dict[Expression, str]:
    """What each leaf is called in the source."""
    system = problem.system
    leaves: list[tuple[Expression, str]] = [(Coordinate(name), name) for name in system.names.coordinates]
    leaves += [(Parameter(name), name) for name in system.frame.parameters]
    several = len(system.unknowns) > 1
    leaves += [(Unknown(name), f"lam[:, {k}]" if several else "lam") for k, name in enumerate(system.unknowns)]
    every = fields_in(*problem.system.residuals, *problem.compiled.sets[INTERIOR].program.residuals)
    forms = problem.compiled.forms
    alone = {leaf for leaf, name in operators.items() if len(forms[name]) == 1 and forms[name][0][-1] == 1}
    leaves += [(leaf, f"{leaf.name}_{operators[leaf]}" if leaf in operators and leaf not in alone else field_name(leaf))
               for leaf in every]  # fmt: skip
    found: dict[Expression, str] = {}
    taken = set(OURS) - {"lam"}
    for leaf, name in leaves:
        while name in taken or keyword.iskeyword(name) or (name == "lam" and not isinstance(leaf, Unknown)):
            name += "_"
        taken.add(name)
        found[leaf] = name
    return found


def _read(leaf: Field, operators: Mapping[Field, str], compiled, problem: Equation) -> str:
    jet = f"fields[{leaf.name!r}]"
    if leaf.order == 0:
        return f"{jet}.value"
    if leaf.order == 1:
        return f"{jet}.first({compiled.coordinates.index(leaf.by[0])})"
    form = compiled.forms[operators[leaf]]
    terms = " + ".join((f"{c:g}*" if c != 1 else "") + f"{leaf.name}_{''.join(compiled.coordinates[i] for i in by)}"
                       for *by, c in form)  # fmt: skip
    return f"{jet}.form({operators[leaf]!r})  # {terms}"


def _text(root: Expression, spelled: Mapping[Expression, str]) -> str:
    """An expression as Python on tensors."""
    varies: dict[Expression, bool] = {}
    written: dict[Expression, tuple[str, int]] = {}

    def part(node: Expression, least: int) -> str:
        if node not in written:
            add(node)
        text, firmness = written[node]
        return text if firmness >= least else f"({text})"

    def argument(node: Expression) -> str:
        return part(node, LOGIC) if varies[node] else f"number({part(node, LOGIC)})"

    def add(root: Expression) -> None:
        for node in postorder(root):
            if node not in written:
                varies[node] = isinstance(node, Field | Coordinate | Unknown) or any(
                    varies[each] for each in node.operands
                )
                written[node] = one(node)

    def one(node: Expression) -> tuple[str, int]:
        match node:
            case Number(value):
                text = repr(float(value)) if not isinstance(value, int) else str(value)
                return text, SIGN if value < 0 else ATOM
            case Constant(name):
                return f"torch.{name}", ATOM
            case Sum(terms):
                return " + ".join(part(each, SIGN) for each in terms).replace("+ -", "- "), SUM
            case Product(factors):
                first = factors[0].value if isinstance(factors[0], Number) else 1
                above = [part(each, PRODUCT) for each in factors[first != 1 :] if not is_divisor(each)]
                if abs(first) != 1:
                    above.insert(0, one(Number(abs(first)))[0])
                below = [part(turned_over(each), POWER) for each in factors if is_divisor(each)]
                text = " / ".join(["*".join(above) or "1.0", *below])
                return (f"-{text}", SIGN) if first < 0 else (text, PRODUCT)
            case Power(base, exponent):
                if is_divisor(node):
                    return f"1.0 / {part(turned_over(node), POWER)}", PRODUCT
                return f"{part(base, ATOM)}**{part(exponent, ATOM)}", POWER
            case Call("atan2" | "min" | "max" as function, arguments):
                inside = ", ".join(map(argument, arguments))
                return f"torch.{_TORCH.get(function, function)}({inside})", ATOM
            case Call(function, arguments):
                return f"torch.{function}({', '.join(map(argument, arguments))})", ATOM
            case Compare(operator, left, right):
                return f"{argument(left)} {operator} {part(right, SUM)}", COMPARE
            case Logic("not", conditions):
                return f"~({part(conditions[0], LOGIC)})", ATOM
            case Logic(operator, conditions):
                sign = " & " if operator == "and" else " | "
                return sign.join(f"({part(each, LOGIC)})" for each in conditions), LOGIC
            case Where(condition, inside, outside):
                texts = (part(condition, LOGIC), argument(inside), argument(outside))
                return f"torch.where({', '.join(texts)})", ATOM
        return spelled[node] if node in spelled else text_of(node), ATOM

    add(root)
    return written[root][0]
