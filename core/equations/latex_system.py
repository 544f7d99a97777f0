"""A whole system in LaTeX: equations, and each condition with its place."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.equations.conditions import texts_in
from core.equations.faults import EquationError, Fault
from core.equations.functions import plain_name
from core.equations.latex import FOLD, latex_name, latex_of, latex_of_equation, latex_text
from core.equations.names import Names
from core.equations.places import parts_of
from core.equations.tree import TreeError, bounded
from core.equations.typed_system import MOST_WORK, SystemText
from core.plain_text import printable

LONGEST_UNREAD = 60
"""Characters of a text that means nothing which stand in the place of its formula."""


def latex_of_system(typed: SystemText, fold: int | None = FOLD, partly: bool = False) -> str:
    """The equations and conditions of a system, one a line, aligned at their `=`.

    Args:
        typed: the texts.
        fold: as of `latex_of_equation`.
        partly: a line that means nothing yet is shown as it was typed, in grey.

    Raises:
        EquationError: names clash, or a text means nothing. What is missing is no fault here.
    """
    names = Names.of(typed.coordinates, typed.fields, typed.parameters, typed.unknowns, typed.time)
    if faults := names.faults():
        raise EquationError(faults)
    lines: list[str] = []
    for text in typed.equations:
        lines += _set(lambda: [_aligned(text, names, fold)], text, partly)  # noqa: B023  # called at once
    for where, text in typed.conditions:
        lines += _set(lambda: _conditions(where, text, names, fold), f"{where}: {text}", partly)  # noqa: B023
    return rf"\begin{{aligned}} {_ROW.join(lines)} \end{{aligned}}"


def _set(write: Callable[[], list[str]], text: str, partly: bool) -> list[str]:
    try:
        with bounded(MOST_WORK):
            return write()
    except (EquationError, TreeError) as error:
        if partly:
            shown = printable(" ".join(text.split()))
            shown = shown if len(shown) <= LONGEST_UNREAD else f"{shown[: LONGEST_UNREAD - 1]}…"
            return [rf"&\textcolor{{grey}}{{{latex_text(shown)}}}"]
        if isinstance(error, TreeError):
            raise EquationError([Fault(str(error), label=text)]) from None
        raise


def _aligned(text: str, names: Names, fold: int | None) -> str:
    return latex_of_equation(text, names, fold).replace(" = ", " &= ", 1)


def _conditions(where: str, text: str, names: Names, fold: int | None) -> list[str]:
    place = latex_of_place(where, names)
    parts = (" ".join(part.split()) for part in texts_in(text))
    return [rf"{_condition(part, where, names, fold)} && {place}" for part in parts]


_ROW = r" \\ "


def _condition(text: str, where: str, names: Names, fold: int | None) -> str:
    symmetry = re.fullmatch(r"(.+?)\s+((?:is |are )?(?:even|odd))(?:\s+in\s+(\S+))?", text)
    if where.strip().startswith("periodic") or symmetry:
        typed = symmetry[1] if symmetry else text or ",".join(names.fields)
        fields = ", ".join(latex_name(name.strip()) for name in typed.split(","))
        said = rf" \text{{ {symmetry[2]}}}" if symmetry else ""
        inside = rf"\text{{ in }} {latex_name(symmetry[3])}" if symmetry and symmetry[3] else ""
        return f"&{fields}{said}{inside}"
    return _aligned(text, names, fold)


def latex_of_place(where: str, names: Names) -> str:
    """A condition's place: `x = 0` as mathematics, the whole boundary as ∂Ω, names as words."""
    where = " ".join(where.split())
    if where.startswith("periodic"):
        return latex_text(where)
    return r",\ ".join(_place(part, names) for part in parts_of(where) if part)


def _place(part: str, names: Names) -> str:
    name, equals, value = part.partition("=")
    if part == "boundary":
        return r"\partial\Omega"
    if equals and plain_name(name.strip()) in names.coordinates:
        return f"{latex_name(name.strip())} = {latex_of(value, names)}"
    if part.startswith("("):
        return latex_of(f"[{part[1:-1]}]", names)
    return latex_text(part)
