"""A system as typed, plain texts and numbers, and its reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.domains.regions import Region, region
from core.domains.shapes import Box
from core.equations.conditions import read_conditions
from core.equations.faults import EquationError, Fault, of_the_domain
from core.equations.functions import plain_name
from core.equations.names import Names
from core.equations.places import Frame, read_number
from core.equations.reading import read_equation, read_expression
from core.equations.structure import coordinates_in
from core.equations.system import System
from core.equations.tree import Expression, TreeError, bounded

MOST_WORK = 200_000
"""Nodes built to write all texts of a system out: some seconds."""
MOST_EQUATIONS = 20
MOST_NUMBERS = 50
"""Of parameters, and of unknowns."""
MOST_CONDITIONS = 100
PLANE = 2


@dataclass(frozen=True)
class SystemText:
    """A system as typed: plain texts and numbers only, so that it can be kept, hashed and sent."""

    coordinates: Mapping[str, tuple[float | str, float | str] | None]
    """Name → lower and upper end, numbers or texts such as `2*pi`; None where they are the domain's."""
    fields: tuple[str, ...]
    """`u`, or `a(x, y)` for one that depends on some coordinates only."""
    equations: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...] = ()
    """Where, and what."""
    time: str | None = None
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    unknowns: Mapping[str, float | str] = field(default_factory=dict)
    exact: Mapping[str, str] = field(default_factory=dict)
    """Field → expression; unknown → number."""
    starts: Mapping[str, str] = field(default_factory=dict)
    """Field → expression that its search starts from."""
    domain: Any = None
    """What the coordinates of space lie in, plain data of `core.domains`; None: the box of their ends."""
    coefficients: tuple[str, ...] = ()
    """Fields that are found from data."""
    has_data: bool = False
    corners: bool = False
    """The box of two coordinates of space is a domain, whose corners have functions of their own."""


def read_system(typed: SystemText) -> System:
    """Names, equations, conditions and exact solution of a system.

    Raises:
        EquationError: with the faults of all texts. If names or limits are at fault, those alone, since every text
            would be.
    """
    try:
        with bounded(MOST_WORK):
            return _read(typed)
    except TreeError as error:
        raise EquationError([Fault(f"the system as a whole: {error}")]) from None


def _read(typed: SystemText) -> System:
    faults: list[Fault] = []
    frame = _frame(typed, faults)
    if faults:
        raise EquationError(faults)
    if len(typed.equations) > MOST_EQUATIONS:
        faults.append(Fault(f"there are {len(typed.equations):,} equations; the most is {MOST_EQUATIONS}"))
    equations = [_collected(faults, read_equation, text, frame.names, f"equation {i}")
                 for i, text in enumerate(typed.equations[:MOST_EQUATIONS], 1)]  # fmt: skip
    if len(typed.conditions) > MOST_CONDITIONS:
        faults.append(Fault(f"there are {len(typed.conditions):,} conditions; the most is {MOST_CONDITIONS}"))
    conditions = [_collected(faults, read_conditions, place, text, frame, f"condition {i}")
                  for i, (place, text) in enumerate(typed.conditions[:MOST_CONDITIONS], 1)]  # fmt: skip
    unknowns = {plain_name(name): _number(value, frame, f"unknown {name}", faults)
                for name, value in typed.unknowns.items()}  # fmt: skip
    exact, exact_unknowns = _exact(typed, frame, faults)
    starts = {plain_name(name): _of_field(name, text, "start", frame, faults) for name, text in typed.starts.items()}
    coefficients = tuple(plain_name(name) for name in typed.coefficients)
    for name in coefficients:
        if name not in frame.names.fields:
            expected = f"one of {', '.join(frame.names.fields)}"
            faults.append(Fault(f"{name!r} is found from data, but is no field", name, 0, len(name), expected=expected))
    if faults:
        raise EquationError(faults)
    given = tuple(each for group in conditions for each in group)
    may_lack = typed.has_data or bool(coefficients)
    return System(frame, tuple(equations), given, exact, unknowns, exact_unknowns, coefficients, may_lack,
                  typed.has_data, starts)  # fmt: skip


def _collected(faults: list[Fault], read: Callable, *arguments: Any) -> Any:
    """What a reader makes of a text; its faults are put to the others."""
    try:
        return read(*arguments)
    except EquationError as error:
        faults.extend(error.faults)
    except TreeError as error:  # from between its parts, once the work allowed for the system is done
        faults.append(
            Fault(str(error), label=next((each for each in reversed(arguments) if isinstance(each, str)), ""))
        )
    return None


def _frame(typed: SystemText, faults: list[Fault]) -> Frame | None:
    for what, count in (("parameters", len(typed.parameters)), ("unknowns", len(typed.unknowns))):
        if count > MOST_NUMBERS:
            faults.append(Fault(f"there are {count:,} {what}; the most is {MOST_NUMBERS}"))
    if faults:
        return None
    names = Names.of(typed.coordinates, typed.fields, typed.parameters, typed.unknowns, typed.time)
    faults.extend(names.faults())
    if len(set(map(plain_name, typed.coordinates))) < len(typed.coordinates):
        faults.append(Fault("a coordinate is named twice"))
    found = None if typed.domain is None or faults else _region(typed, names, faults)
    if faults:
        return None
    parameters = {plain_name(name): _collected(faults, read_number, value, Names(), {}, f"parameter {name}")
                  for name, value in typed.parameters.items()}  # fmt: skip
    domain: dict[str, tuple[float, float]] = {}
    numbers = Names(parameters=names.parameters)
    for name, ends in typed.coordinates.items():
        if plain_name(name) in names.space and found is not None:
            domain[plain_name(name)] = _of_box(found, names.space.index(plain_name(name)))
            if ends is not None:
                _compare(name, ends, domain[plain_name(name)], numbers, parameters, faults)
            continue
        if ends is None:
            faults.append(Fault("its ends are missing", label=f"coordinate {name}", expected="two numbers"))
            continue
        low, high = (_collected(faults, read_number, end, numbers, parameters, f"coordinate {name}") for end in ends)
        if None not in (low, high) and not low < high:
            faults.append(Fault(f"{name} runs from {low:g} to {high:g}", label=f"coordinate {name}",
                                expected="a lower end below the upper one"))  # fmt: skip
        elif None not in (low, high) and not _resolved(low, high):
            faults.append(Fault(f"{name} runs from {low!r} to {high!r}, which float64 can't part finely",
                                label=f"coordinate {name}", expected="a coordinate shifted to begin at 0, and lengths "
                                "between 1e-100 and 1e100"))  # fmt: skip
        domain[plain_name(name)] = (low, high)
    if typed.corners and found is None and not faults and len(names.space) == PLANE:
        found = _plane_box(names, domain)
    return Frame(names, domain, parameters, found)


def _plane_box(names: Names, domain: Mapping[str, tuple[float, float]]) -> Region:
    """The box of two coordinates as a domain, its sides called as places are typed: `x = 0`."""
    box = Frame(names, domain)
    low, high = zip(*(domain[x] for x in names.space), strict=True)
    return region(Box(low=low, high=high, sides=tuple(side.text for side in box.sides())))


def _region(typed: SystemText, names: Names, faults: list[Fault]) -> Region | None:
    """What the coordinates of space lie in."""
    try:
        with of_the_domain():
            found = region(typed.domain)
            found.look()
    except EquationError as error:
        faults.extend(error.faults)
        return None
    if found.dimension != len(names.space):
        has = f"{found.dimension} dimension{'s' * (found.dimension != 1)}"
        said = f"the domain has {has}, and the coordinates of space are {', '.join(names.space) or 'none'}"
        faults.append(Fault(said, label="domain", expected="as many of one as of the other; time is beside them"))
        return None
    return found


def _of_box(found: Region, index: int) -> tuple[float, float]:
    low, high = found.box()[index]
    return float(low), float(high)


def _compare(name: str, ends: tuple, box: tuple[float, float], names: Names, parameters: dict, faults: list[Fault]):
    """Ends that are typed although the domain has them."""
    given = [_collected(faults, read_number, end, names, parameters, f"coordinate {name}") for end in ends]
    if None not in given and max(abs(a - b) for a, b in zip(given, box, strict=True)) > 1e-9 * (box[1] - box[0]):
        said = f"{name} runs from {given[0]:g} to {given[1]:g}, and in the domain from {box[0]:g} to {box[1]:g}"
        faults.append(Fault(said, label=f"coordinate {name}", expected="no ends: they are the domain's"))


def _resolved(low: float, high: float) -> bool:
    """Whether there are numbers enough between two ends to tell derivatives from rounding."""
    length = high - low
    return 1e-100 < length < 1e100 and length > 1e-6 * max(abs(low), abs(high))


def _number(value: float | str, frame: Frame, label: str, faults: list[Fault]) -> float:
    return _collected(faults, read_number, value, frame.names, frame.parameters, label)


def _exact(typed: SystemText, frame: Frame, faults: list[Fault]) -> tuple[dict[str, Expression], dict[str, float]]:
    exact: dict[str, Expression] = {}
    numbers: dict[str, float] = {}
    for name, text in typed.exact.items():
        plain, label = plain_name(name), f"exact {name}"
        if plain in frame.names.unknowns:
            numbers[plain] = _number(text, frame, label, faults)
        else:
            exact[plain] = _of_field(name, text, "exact", frame, faults)
    return exact, numbers


def _of_field(name: str, text: str | float, what: str, frame: Frame, faults: list[Fault]) -> Expression | None:
    """A known expression that a field is, or starts from."""
    plain, label = plain_name(name), f"{what} {name}"
    if plain not in frame.names.fields:
        faults.append(Fault(f"{name!r} is no field", name, 0, len(name), label,
                            f"one of {', '.join(frame.names.fields)}"))  # fmt: skip
        return None
    only = "an exact solution" if what == "exact" else "a start"
    return _collected(faults, _known_field, str(text), frame.names, label, frame.names.fields[plain], only)


def _known_field(text: str, names: Names, label: str, over: Iterable[str], only: str) -> Expression:
    found = read_expression(text, names, label, only=only)
    foreign = sorted(coordinates_in(found) - set(over))
    if foreign:
        start = max(text.find(foreign[0]), 0)
        raise EquationError([Fault(f"it depends on {foreign[0]}, which its field does not", text, start,
                                   start + len(foreign[0]), label)])  # fmt: skip
    return found
