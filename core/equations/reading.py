"""From typed texts to expressions: what equations and conditions are read with."""

from __future__ import annotations

from dataclasses import dataclass

from core.equations import vectors
from core.equations.algebra import negative, total
from core.equations.faults import EquationError, Fault
from core.equations.meaning import MOST_WORK, Reader
from core.equations.names import Names
from core.equations.structure import has_field
from core.equations.syntax import Statement, expression_of, statement_of
from core.equations.tree import Expression, Number, TreeError, bounded


@dataclass(frozen=True)
class Equation:
    """An equation that was read. A vector equation has as many components as the vector."""

    statement: Statement
    left: tuple[Expression, ...]
    right: tuple[Expression, ...]

    @property
    def text(self) -> str:
        """As typed."""
        return self.statement.text

    @property
    def residuals(self) -> tuple[Expression, ...]:
        """Left less right, for each component."""
        return tuple(total(a, negative(b)) for a, b in zip(self.left, self.right, strict=True))


def read_equation(text: str, names: Names, label: str = "", in_condition: bool = False) -> Equation:
    """An equation's text as its two sides.

    Raises:
        EquationError: with all faults of the text.
    """
    reader = Reader(text, names, label, in_condition)
    statement = reader.syntax(statement_of)
    left = reader.read(statement.left)
    right = Number(0) if statement.right is None else reader.read(statement.right)
    reader.finish()
    sides = vectors.same_shape(left, right)
    if sides is None:
        reader.refuse(
            statement.right or statement.left, f"{vectors.shape(left)} = {vectors.shape(right)}", "two sides alike"
        )
        reader.finish()
    equation = Equation(statement, *sides)
    try:
        with bounded(MOST_WORK):
            residuals = equation.residuals
    except TreeError as error:
        raise EquationError([Fault(str(error), text, 0, len(text), label)]) from None
    if not in_condition and not all(has_field(each) for each in residuals):
        raise EquationError(
            [Fault("no field is left in this equation", text, 0, len(text), label, f"one of {', '.join(names.fields)}")]
        )
    return equation


def read_expression(text: str, names: Names, label: str = "", in_condition: bool = False, only: str = "") -> Expression:
    """A scalar expression's text as its tree.

    Args:
        text: as typed.
        names: what may be named.
        label: which text it is, for faults.
        in_condition: whether `dn`, `int` and `normal` may stand in it.
        only: what it is, if it may hold no field: `an exact solution`.

    Raises:
        EquationError: with all faults of the text.
    """
    reader = Reader(text, names, label, in_condition)
    syntax = reader.syntax(expression_of)
    found = reader.read(syntax)
    reader.finish()
    if isinstance(found, tuple):
        reader.refuse(syntax, f"{vectors.shape(found)}", "a scalar")
    elif only and has_field(found):
        reader.refuse(syntax, f"a field in {only}", "coordinates and parameters")
    reader.finish()
    return found
