"""A typed problem in one window of its time, started from where the window before it ended."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.equations.algebra import negative, number, power, product, total
from core.equations.calculus import ZERO, derivatives, substituted
from core.equations.conditions import Kind
from core.equations.faults import EquationError, Fault
from core.equations.places import Where
from core.equations.system import System
from core.equations.tree import Coordinate, Expression, bounded
from core.problems.base import FieldsAt
from core.problems.typed.ansatz import Derivatives
from core.problems.typed.compiled import INTERIOR, Compiled
from core.problems.typed.conditions import Ends, Met
from core.problems.typed.domain_state import DomainState, domain_state, own_functions
from core.problems.typed.end_state import MOST, Axis, EndState, end_state
from core.problems.typed.interpolant import MOST_WORK, bubble, interpolant

if TYPE_CHECKING:
    from core.jets import Jet


def why_not_cut(system: System, met: Met) -> str:
    """Why a system can't be cut into windows of time, in one sentence without its full stop; empty where it can."""
    names = system.names
    time = names.time
    if time is None:
        return "it has no time"
    if time in met.periodic or time in met.mirrors:
        return f"it is the same at several {time}"
    if any(rows.quadrature is not None for rows in met.rows):
        return "it has a condition with an integral"
    if len(names.space) not in MOST:
        return f"it has {len(names.space)} coordinates of space, and windows go with 1 to {max(MOST)}"
    if max(initial_orders(system).values(), default=0) > 2:
        return "it is of an order above two in time"
    lacking = [name for name, over in names.fields.items() if tuple(over) != tuple(names.coordinates)]
    if lacking:
        return f"the field {lacking[0]} doesn't depend on all coordinates"
    if system.unknowns or system.coefficients or system.has_data:
        return "it is fitted to data or has an unknown number, which all of its time decides"
    for condition in system.conditions:
        place = condition.place
        if place is None:
            continue
        at_a_moment = time in dict(place.point) or (place.kind is Where.SIDE and place.coordinate == time)
        initial = condition.kind in (Kind.INITIAL_VALUE, Kind.INITIAL_RATE)
        if at_a_moment and not initial:
            return f"the condition {condition.text!r} holds at a moment that is not its beginning"
    return ""


State = EndState | DomainState
"""What a window leaves at its end: in a box, or in a domain."""


def window_of(whole: Compiled, begin: float, end: float, start: State | None) -> Compiled:
    """The problem between two moments: as it begins itself, or from the state at which another window ended.

    Raises:
        EquationError: it can't be cut.
    """
    if why := why_not_cut(whole.system, whole.met):
        raise EquationError([Fault(f"time can't be cut into windows: {why}")])
    return _First(whole, begin, end) if start is None else _Later(whole, begin, end, start)


class _First(Compiled):
    """All as in the whole problem, but for where time ends."""

    def __init__(self, whole: Compiled, begin: float, end: float):
        self.__dict__.update(copy.copy(whole).__dict__)
        self.whole = whole
        time = whole.system.names.time
        self.frame = replace(whole.frame, domain={**whole.frame.domain, time: (begin, end)})


class _Later(_First):
    """u = E(x) + τE′(x) + what the sides change by since it began, + B·N: exact at its beginning and at the sides."""

    def __init__(self, whole: Compiled, begin: float, end: float, start: State):
        super().__init__(whole, begin, end)
        self.state = start
        time = whole.system.names.time
        self._begin, self._length, self._clock = begin, end - begin, self.coordinates.index(time)
        self.sets = {name: rows for name, rows in whole.sets.items() if name == INTERIOR or not (
            rows.place.kind is Where.SIDE and rows.place.coordinate == time)}  # fmt: skip
        self._orders = initial_orders(whole.system)
        self._space_ends = {
            name: {x: ends for x, ends in sides.items() if x != time} for name, sides in whole.met.ends.items()
        }
        self._jets = {}
        for name, sides in self._space_ends.items():
            change = _change(sides, whole, begin, self._length, self._orders.get(name, 0))
            if change != ZERO:
                self._jets[name] = Derivatives(change, self.coordinates)

    def ansatz(self, raw: Sequence[Jet], x: Sequence[Jet]) -> dict[str, Jet]:
        """See `Compiled.ansatz`."""
        by_name = dict(zip(self.coordinates, x, strict=True))
        s = (x[self._clock] - self._begin) * (1 / self._length)
        found = {}
        for name, output in zip(self.system.names.fields, raw, strict=True):
            orders = self._orders.get(name, 0)
            distance = bubble(self._space_ends.get(name, {}), by_name, self.frame)
            for _ in range(orders):
                distance = s if distance is None else distance * s
            output = self._odd(name, by_name, output)
            field = output if distance is None else distance * output
            if name in self._jets:
                field = field + self._jets[name](x)
            if orders:
                field = field + self._carried(name, 0, x)
            if orders > 1:
                fading = s * (1 - s) * (1 - s) * self._length
                field = field + fading * self._carried(name, 1, x)
            found[name] = field
        return found

    def _carried(self, name: str, order: int, x: Sequence[Jet]) -> Jet:
        """The jet of what the window before left of a field; kept with points that are used again and again."""
        kept, key = x[0].known, ("end state", self, name, order)
        if kept is not None and key in kept:
            return kept[key]
        jet = self._series(self.state, name, order, x) if isinstance(self.state, EndState) else self.state.jet(
            own_functions(self.local, x), lambda part: self._series(part, name, order, x))  # fmt: skip
        if kept is not None:
            jet.known = {}
            kept[key] = jet
        return jet

    def _series(self, state: EndState, name: str, order: int, x: Sequence[Jet]) -> Jet:
        from core.jets import Jet

        space = [i for i in range(len(self.coordinates)) if i != self._clock]
        positions = [x[i].value for i in space]

        def derivative(by: tuple[int, ...]):
            if self._clock in by:
                return positions[0].new_zeros(positions[0].shape)
            return state.derivative(name, order, positions, [space.index(i) for i in by])

        return Jet.of(x[0].layout, derivative)


def state_of(data: dict[str, Any]) -> State:
    """From what `plain` of a state gave."""
    return (DomainState if "parts" in data else EndState).of_plain(data)


def end_of(whole: Compiled, moment: float, fields: FieldsAt, rates: FieldsAt) -> tuple[State, float]:
    """See `Problem.left_at`."""
    orders = initial_orders(whole.system)

    def values(space: np.ndarray) -> dict[str, list[np.ndarray]]:
        points = _at_moment(whole, space, moment)
        asked = (fields, rates)[: max(orders.values(), default=0)]
        known = [each(points) for each in asked]
        return {name: [each[name] for each in known[:count]] for name, count in orders.items()}

    region = whole.frame.region
    if region is not None:
        return domain_state(region, whole.local, values)
    axes = [Axis(*map(float, whole.frame.domain[x]), x in whole.met.periodic) for x in whole.system.names.space]
    return end_state(axes, values)


def initial_orders(system: System) -> dict[str, int]:
    """Field → how many derivatives in time, the value counted, are given where time begins."""
    found: dict[str, int] = {}
    for condition in system.conditions:
        if condition.kind in (Kind.INITIAL_VALUE, Kind.INITIAL_RATE):
            order = 0 if condition.kind is Kind.INITIAL_VALUE else len(condition.by)
            found[condition.field] = max(found.get(condition.field, 0), order + 1)
    return found


def _change(sides: Mapping[str, Ends], whole: Compiled, begin: float, length: float, orders: int) -> Expression:
    """What the interpolant of the sides changes by since a window began, without what its state says of it already."""
    made = interpolant(sides, whole.frame)
    time = whole.system.names.time
    at_begin = {Coordinate(time): number(begin)}
    with bounded(MOST_WORK):
        found = total(made, negative(substituted(made, at_begin)))
        if orders > 1:
            since = total(Coordinate(time), number(-begin))
            left = total(number(1), product(number(-1 / length), since))
            rate = substituted(derivatives(made, [time]), at_begin)
            found = total(found, negative(product(since, power(left, number(2)), rate)))
    return found


def _at_moment(whole: Compiled, space: np.ndarray, moment: float) -> np.ndarray:
    """Points (n, d) of the whole problem from points of space (n, d − 1) at one moment."""
    clock = whole.coordinates.index(whole.system.names.time)
    return np.insert(space, clock, moment, axis=1)
