"""A whole system in LaTeX: equations, and each condition with its place."""

from __future__ import annotations

import re

from core.equations.faults import EquationError
from core.equations.functions import plain_name
from core.equations.latex import FOLD, latex_name, latex_of, latex_of_equation, latex_text
from core.equations.names import Names
from core.equations.typed_system import SystemText


def latex_of_system(typed: SystemText, fold: int | None = FOLD) -> str:
    """The equations and conditions of a system, one a line, aligned at their `=`.

    Raises:
        EquationError: names clash, or a text means nothing. What is missing is no fault here.
    """
    names = Names.of(typed.coordinates, typed.fields, typed.parameters, typed.unknowns, typed.time)
    if faults := names.faults():
        raise EquationError(faults)
    lines = [latex_of_equation(text, names, fold).replace(" = ", " &= ", 1) for text in typed.equations]
    for where, text in typed.conditions:
        place = latex_of_place(where, names)
        for part in (part.strip() for part in text.split(";")):
            lines.append(rf"{_condition(part, where, names, fold)} && {place}")
    return rf"\begin{{aligned}} {_ROW.join(lines)} \end{{aligned}}"


_ROW = r" \\ "


def _condition(text: str, where: str, names: Names, fold: int | None) -> str:
    symmetry = re.fullmatch(r"(.+?)\s+((?:is |are )?(?:even|odd))(?:\s+in\s+(\S+))?", text)
    if where.strip().startswith("periodic") or symmetry:
        typed = symmetry[1] if symmetry else text or ",".join(names.fields)
        fields = ", ".join(latex_name(name.strip()) for name in typed.split(","))
        said = rf" \text{{ {symmetry[2]}}}" if symmetry else ""
        inside = rf"\text{{ in }} {latex_name(symmetry[3])}" if symmetry and symmetry[3] else ""
        return f"&{fields}{said}{inside}"
    return latex_of_equation(text, names, fold).replace(" = ", " &= ", 1)


def latex_of_place(where: str, names: Names) -> str:
    """A condition's place: `x = 0` as mathematics, the whole boundary as ∂Ω, names as words."""
    where = " ".join(where.split())
    if where.startswith("periodic"):
        return latex_text(where)
    return r",\ ".join(_place(part, names) for part in re.split(r"\s*;\s*|\s+and\s+", where) if part)


def _place(part: str, names: Names) -> str:
    name, equals, value = part.partition("=")
    if part == "boundary":
        return r"\partial\Omega"
    if equals and plain_name(name.strip()) in names.coordinates:
        return f"{latex_name(name.strip())} = {latex_of(value, names)}"
    if part.startswith("("):
        return latex_of(f"[{part[1:-1]}]", names)
    return latex_text(part)
