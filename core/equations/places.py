"""Where a condition holds: `t = 0`, `boundary`, `hole 1`, `(0.5, 0.5)`, `periodic in x`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from core.equations.algebra import number
from core.equations.calculus import substituted
from core.equations.evaluation import evaluate
from core.equations.faults import EquationError, Fault, nearest_name
from core.equations.functions import plain_name
from core.equations.meaning import Reader
from core.equations.names import Names
from core.equations.reading import read_expression
from core.equations.syntax import Name, statement_of
from core.equations.tree import Coordinate, Expression, Parameter, TreeError, postorder

if TYPE_CHECKING:
    from core.domains.regions import Region


class Where(StrEnum):
    """The kinds of places."""

    SIDE = "side"
    """One coordinate at a number: an end of its interval, or between them."""
    BOUNDARY = "boundary"
    """All of the boundary in space."""
    NAMED = "named"
    """A part of the domain's boundary that has a name."""
    POINT = "point"
    """All coordinates at numbers, or those of space, for all time."""
    PERIODIC = "periodic"
    """What leaves at one end of a coordinate enters at the other."""
    EVERYWHERE = "everywhere"


@dataclass(frozen=True)
class Place:
    """Where a condition holds."""

    kind: Where
    text: str
    coordinate: str = ""
    """Of a side, and what it is periodic in."""
    value: float = 0.0
    """Of a side's coordinate."""
    end: str = ""
    """`low` or `high`: which end of the coordinate's interval a side is; empty between them."""
    name: str = ""
    point: tuple[tuple[str, float], ...] = ()

    @property
    def fixed(self) -> dict[str, float]:
        """The coordinates that are one number there."""
        return dict(self.point) | ({self.coordinate: self.value} if self.kind is Where.SIDE else {})


AT_END = 1e-9
"""Part of an interval by which a number may be off that means its end."""
ON_BOUNDARIES = frozenset({Where.BOUNDARY, Where.NAMED})


@dataclass(frozen=True)
class Frame:
    """What places are in: names, intervals, numbers, and the domain, whose boundaries have names."""

    names: Names
    domain: Mapping[str, tuple[float, float]]
    parameters: Mapping[str, float] = field(default_factory=dict)
    region: Region | None = None
    """What the coordinates of space lie in; None: the box of their intervals."""

    @property
    def is_box(self) -> bool:
        """Whether the ends of the coordinates of space are boundaries."""
        return self.region is None

    @property
    def boundaries(self) -> tuple[str, ...]:
        """The boundaries that have names."""
        return () if self.region is None else self.region.names

    def shared(self, places: Iterable[Place]) -> tuple[str, ...]:
        """The boundaries of a region that are in each of several places on boundaries."""
        names = [self.named(place) for place in places]
        return tuple(name for name in names[0] if all(name in each for each in names))

    @property
    def typed_boundaries(self) -> dict[str, str]:
        """Their names as typed places have them, without doubled blanks → as the domain has them."""
        return {" ".join(name.split()): name for name in self.boundaries}

    @property
    def time_start(self) -> float | None:
        """Where time begins, if there is time."""
        return None if self.names.time is None else self.domain[self.names.time][0]

    def named(self, place: Place) -> tuple[str, ...]:
        """The boundaries that a place on the boundary of a region means."""
        return (place.name,) if place.name else self.boundaries

    def sides(self) -> list[Place]:
        """The ends of all coordinates of space, of a box."""
        return [self.side(x, end) for x in self.names.space for end in ("low", "high")] if self.is_box else []

    def side(self, coordinate: str, end: str) -> Place:
        """An end of a coordinate's interval."""
        value = self.domain[coordinate][end == "high"]
        return Place(Where.SIDE, f"{coordinate} = {shortest(value)}", coordinate, value, end)


def shortest(value: float) -> str:
    """A number with as few digits as read as the same number."""
    text = f"{value:g}"
    return text if float(text) == value else repr(float(value))


def as_float(value: float) -> float:
    """A number as a float, infinite where it is beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def read_number(text: str | float, names: Names, parameters: Mapping[str, float], label: str) -> float:
    """A number, or a text such as `2*pi` or `0.01/pi`, which may name parameters.

    Raises:
        EquationError: it is no finite number.
    """
    if not isinstance(text, str):
        value = as_float(text)
        if not math.isfinite(value):
            raise EquationError([Fault(f"it is {value}", label=label, expected="a finite number")])
        return value
    node = read_expression(text, names, label)
    return _number_of(node, parameters, Fault("this is no number", text, 0, len(text), label, "a number such as 2*pi"))


def _number_of(node: Expression, parameters: Mapping[str, float], fault: Fault) -> float:
    leaves = {each for each in postorder(node) if isinstance(each, Parameter)}
    known = {each: parameters[each.name] for each in leaves if each.name in parameters}
    try:
        value = as_float(evaluate(node, known))
    except (KeyError, ZeroDivisionError):
        raise EquationError([fault]) from None
    if not math.isfinite(value):
        raise EquationError([fault])
    return value


def read_places(text: str, frame: Frame, label: str) -> list[Place]:
    """A condition's place; several with `;` or `and` between them.

    Raises:
        EquationError: with all faults.
    """
    text = " ".join(text.split())
    if text in frame.typed_boundaries:
        return [_place(text, frame, label)]  # whatever it is called
    periodic = re.fullmatch(r"periodic(?: in)? (.+)", text)
    if periodic:
        return [_periodic(name, frame, text, label) for name in re.split(r"\s*[,;]\s*|\s+and\s+|\s+", periodic[1])]
    found: list[Place] = []
    faults: list[Fault] = []
    for part in parts_of(text):
        try:
            found.append(_place(part, frame, label))
        except EquationError as error:
            faults.extend(error.faults)
    if faults:
        raise EquationError(faults)
    return found


def parts_of(text: str) -> list[str]:
    """The places that were typed as one: with `;`, `,`, `and` or `or` between them."""
    return re.split(r"\s*;\s*|\s+(?:and|or)\s+|\s*,\s*(?![^(]*\))", text)


def _place(text: str, frame: Frame, label: str) -> Place:
    if text in frame.typed_boundaries:
        return Place(Where.NAMED, text, name=frame.typed_boundaries[text])
    if text == "boundary":
        if not frame.names.space:
            raise EquationError([Fault("there is no coordinate of space, so no boundary", text, 0, len(text), label)])
        return Place(Where.BOUNDARY, text)
    if text in ("", "everywhere"):
        return Place(Where.EVERYWHERE, "everywhere")
    if text.startswith("("):
        return _point(text, frame, label)
    if "=" in text:
        return _side(text, frame, label)
    first = frame.names.coordinates[0] if frame.is_box else frame.names.time
    options = [*([f"{first} = …"] if first else []), "boundary", *frame.boundaries, "(…, …)",
               *(["periodic in …"] if first else [])]  # fmt: skip
    nearest = nearest_name(text, ["boundary", *frame.boundaries])
    expected = "" if nearest else f"one of {', '.join(options)}"
    raise EquationError([Fault(f"no place is called {text!r}", text, 0, len(text), label, expected, nearest)])


def _side(text: str, frame: Frame, label: str) -> Place:
    reader = Reader(text, frame.names, label, in_condition=False)
    statement = reader.syntax(statement_of)
    name = plain_name(statement.left.name) if isinstance(statement.left, Name) else ""
    if name not in frame.domain:
        nearest = nearest_name(name, frame.domain)
        reader.refuse(statement.left, "a place is a coordinate and a number", "" if nearest else
                      f"one of {', '.join(frame.domain)}", nearest)  # fmt: skip
    right = statement.right
    if right is None:
        reader.refuse(statement.left, "a place is a coordinate, one = and a number", f"such as {name or 'x'} = 0")
    reader.finish()
    node = reader.read(right)
    if isinstance(node, tuple):
        reader.refuse(right, "a list", "a number")
    reader.finish()
    value = _number_of(node, frame.parameters, Fault("this is no number", text, right.start, right.end, label))
    if frame.region is not None and name != frame.names.time:
        sides = {end: f"{name} = {shortest(at)}" for end, at in zip(("low", "high"), frame.domain[name], strict=True)}
        end = _end(value, frame.domain[name])
        if sides.get(end) in frame.boundaries:  # of a box as a domain
            return Place(Where.NAMED, text, name=sides[end])
        said = f"{name} has no ends in a domain: its boundary has names"
        expected = f"one of boundary, {', '.join(frame.boundaries)}"
        raise EquationError([Fault(said, text, 0, len(text), label, expected)])
    low, high = frame.domain[name]
    margin = AT_END * (high - low)
    if not low - margin <= value <= high + margin:
        outside = f"{name} = {value:g} is outside: {name} runs from {low:g} to {high:g}"
        raise EquationError([Fault(outside, text, right.start, right.end, label)])
    end = _end(value, (low, high))
    value = {"low": low, "high": high}.get(end, value)
    return Place(Where.SIDE, text, name, value, end)


def _end(value: float, ends: tuple[float, float]) -> str:
    """Which end of an interval a number is, low or high; empty for neither."""
    low, high = ends
    margin = AT_END * (high - low)
    return "low" if abs(value - low) <= margin else "high" if abs(value - high) <= margin else ""


def _point(text: str, frame: Frame, label: str) -> Place:
    closed = text.endswith(")")
    listed = f"[{text[1:-1] if closed else text[1:]}{']' if closed else ''}"
    reader = Reader(listed, frame.names, label, in_condition=False)
    from_text = reader.syntax(lambda typed: statement_of(typed).left)
    value = reader.read(from_text)
    reader.finish()
    count = len(value) if isinstance(value, tuple) else 1
    names = {len(frame.names.space): frame.names.space, len(frame.domain): frame.names.coordinates}.get(count)
    if names is None or not isinstance(value, tuple) or any(isinstance(each, tuple) for each in value):
        expected = f"a number for each of {', '.join(frame.names.space)}"
        raise EquationError([Fault(f"a point of {count} numbers", text, 0, len(text), label, expected)])
    whole = Fault("this is no point", text, 0, len(text), label, "numbers")
    numbers = [_number_of(each, frame.parameters, whole) for each in value]
    for name, at in zip(names, numbers, strict=True):
        low, high = frame.domain[name]
        if not low <= at <= high:
            outside = f"{name} = {at:g} is outside: {name} runs from {low:g} to {high:g}"
            raise EquationError([Fault(outside, text, 0, len(text), label)])
    place = Place(Where.POINT, text, point=tuple(zip(names, numbers, strict=True)))
    if frame.region is not None:
        inside = frame.region.holds(np.array([[dict(place.point)[x] for x in frame.names.space]]))
        if not inside.all():
            raise EquationError(
                [Fault(f"{text} is outside of the domain", text, 0, len(text), label, "a point inside")]
            )
    return place


def _periodic(name: str, frame: Frame, text: str, label: str) -> Place:
    name = plain_name(name)
    if name not in frame.domain:
        start = max(text.find(name), 0)
        expected = f"one of {', '.join(frame.domain)}"
        raise EquationError([Fault(f"{name!r} is no coordinate", text, start, start + len(name), label, expected)])
    if frame.region is not None and name != frame.names.time:
        said = f"nothing is periodic in {name}: the domain has a boundary"
        raise EquationError(
            [Fault(said, text, 0, len(text), label, "a box, which is no domain beside the coordinates")]
        )
    return Place(Where.PERIODIC, f"periodic in {name}", name)


def at_place(node: Expression, place: Place) -> Expression:
    """An expression with the numbers that a place gives to coordinates; as it is where it has no value there."""
    try:
        return substituted(node, {Coordinate(name): number(value) for name, value in place.fixed.items()})
    except TreeError:
        return node
