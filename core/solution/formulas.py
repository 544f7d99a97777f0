"""Formulas of a run's fields, as a visitor types them: read like typed equations, with exact derivatives.

What may be named: everything that is sampled (fields, residuals, exact values, errors), the coordinates, the problem's
numbers and its unknown. Derivatives are those of the fields, to the fourth order, and come from jets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from core.equations.evaluation import Program
from core.equations.faults import EquationError, Fault
from core.equations.functions import CALLED, CONSTANTS, plain_name
from core.equations.names import Names, is_name
from core.equations.reading import read_expression
from core.equations.tree import Coordinate, Expression, Field, Parameter, Unknown
from core.errors import LabError
from core.problems import Problem

MOST_FORMULAS = 8


@dataclass(frozen=True)
class Vocabulary:
    """What formulas of one problem may name."""

    names: Names
    fields: dict[str, str]
    """As it is typed → as the problem calls it: the fields, whose derivatives are known."""
    values: dict[str, str]
    """The same of everything that is sampled."""
    places: dict[str, int]
    """Coordinate as typed → its column."""
    numbers: dict[str, float]

    def read(self, formulas: Iterable[str]) -> tuple[Expression, ...]:
        """Formulas as expressions. Raises EquationError with each one's faults at their characters."""
        texts = tuple(formulas)
        if len(texts) > MOST_FORMULAS:
            raise LabError(f"There are {len(texts)} formulas; {MOST_FORMULAS} are sampled at a time at most.")
        found = tuple(read_expression(text, self.names, "formula") for text in texts)
        for text, node in zip(texts, found, strict=True):
            for leaf in Program([node]).leaves:
                if isinstance(leaf, Field) and leaf.order and leaf.name not in self.fields:
                    told = f"derivatives of {leaf.name} are not known"
                    known = ", ".join(self.fields)
                    raise EquationError([Fault(told, text, 0, len(text), "formula", f"those of {known}")])
        return found

    def check_known(self, nodes: Iterable[Expression], values: Collection[str]) -> None:
        """Raise LabError where expressions name a value that is not among those that are sampled."""
        for leaf in Program(nodes).leaves:
            if isinstance(leaf, Field) and not leaf.order and self.values[leaf.name] not in values:
                raise LabError(f"{leaf.name} is not known for what is shown; known are {', '.join(values)}.")


def vocabulary(problem: Problem) -> Vocabulary:
    """What may be named in formulas of a problem's solution; a name that nobody could type is left out."""
    names = problem.value_names
    sampled = (*problem.fields, *names.residuals.values(), *names.exact.values(), *names.errors.values())
    numbers = _numbers(problem)
    coordinates = _typed(problem.coordinates)
    fields = _typed(problem.fields, coordinates)
    values = fields | _typed(sampled, [*coordinates, *fields])
    over = {name: _over(problem, each, tuple(coordinates)) for name, each in fields.items()}
    unknown = _typed([problem.unknown, "lambda"], [*coordinates, *values, *numbers]) if problem.has_lambda else {}
    return Vocabulary(
        Names(
            tuple(coordinates),
            {name: over.get(name, tuple(coordinates)) for name in values},
            tuple(name for name in numbers if name not in values and name not in coordinates),
            tuple(unknown),
            None if problem.time is None else plain_name(problem.time),
        ),
        fields,
        values,
        {name: problem.coordinates.index(each) for name, each in coordinates.items()},
        numbers,
    )


def _typed(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """As typed → name, for those that can be typed and are not another's."""
    refused = {*taken, *CALLED, *CONSTANTS}
    found = {typed: name for name in reversed(tuple(names)) if is_name(typed := plain_name(name))}
    return {typed: name for typed, name in reversed(found.items()) if typed not in refused}


def _over(problem: Problem, field: str, coordinates: tuple[str, ...]) -> tuple[str, ...]:
    """The coordinates that a field depends on: all of them, unless a typed one was given fewer."""
    system = getattr(problem, "system", None)
    return coordinates if system is None else system.names.fields.get(field, coordinates)


def _numbers(problem: Problem) -> dict[str, float]:
    system = getattr(problem, "system", None)
    if system is not None:
        return dict(system.frame.parameters)
    found = {name: problem.along(name) for name in type(problem).paths()}
    return {plain_name(name): float(value) for name, value in found.items() if value is not None}


def derivatives_in(nodes: Iterable[Expression]) -> tuple[Field, ...]:
    """The derivatives that expressions need."""
    return tuple(leaf for leaf in Program(nodes).leaves if isinstance(leaf, Field) and leaf.order)


def evaluated(
    nodes: tuple[Expression, ...],
    words: Vocabulary,
    points: np.ndarray,
    values: Mapping[str, np.ndarray],
    slopes: Mapping[Field, np.ndarray],
    lambda_: float | None,
) -> list[np.ndarray]:
    """Formulas at points (N, d), each (N,) in float64; NaN or infinite where one has no value.

    Args:
        nodes: as `Vocabulary.read` gives them.
        words: what their names mean.
        points: (N, d), in the order of the problem's coordinates.
        values: name → (N,) of what was sampled there.
        slopes: the derivatives that they need, (N,) each.
        lambda_: the unknown.

    Raises:
        LabError: a formula names a value that is not known here, as an exact one beyond the domain.
    """
    words.check_known(nodes, values)
    program = Program(nodes)
    given: dict[Expression, object] = dict(slopes)
    for leaf in program.leaves:
        if isinstance(leaf, Coordinate):
            given[leaf] = points[:, words.places[leaf.name]]
        elif isinstance(leaf, Parameter):
            given[leaf] = words.numbers[leaf.name]
        elif isinstance(leaf, Unknown):
            given[leaf] = float("nan") if lambda_ is None else lambda_
        elif isinstance(leaf, Field) and not leaf.order:
            given[leaf] = values[words.values[leaf.name]]
    with np.errstate(all="ignore"):
        found = program(given)
    return [np.broadcast_to(np.asarray(value, dtype=np.float64), (len(points),)).copy() for value in found]
