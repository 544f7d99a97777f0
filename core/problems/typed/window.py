"""A typed problem in one window of its time, started from where the window before it ended."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.equations.algebra import negative, number, power, product, total
from core.equations.calculus import ZERO, derivatives, substituted
from core.equations.conditions import Kind
from core.equations.faults import EquationError, Fault
from core.equations.places import Where
from core.equations.structure import order
from core.equations.system import System
from core.equations.tree import Coordinate, Expression, bounded
from core.problems.base import FieldsAt, Follows
from core.problems.typed.ansatz import Derivatives
from core.problems.typed.compiled import INTERIOR, Compiled
from core.problems.typed.conditions import Ends, Met
from core.problems.typed.domain_state import DomainState, domain_state, own_functions
from core.problems.typed.end_state import MOST, Axis, EndState, end_state
from core.problems.typed.handed import Handed, differences
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
    lacking = [name for name, over in names.fields.items()
               if tuple(over) != tuple(names.coordinates) and name not in system.coefficients]  # fmt: skip
    if lacking:
        return f"the field {lacking[0]} doesn't depend on all coordinates"
    for condition in system.conditions:
        place = condition.place
        if place is None:
            continue
        at_a_moment = time in dict(place.point) or (place.kind is Where.SIDE and place.coordinate == time)
        initial = condition.kind in (Kind.INITIAL_VALUE, Kind.INITIAL_RATE)
        if at_a_moment and not initial:
            return f"the condition {condition.text!r} holds at a moment that is not its beginning"
    return ""


def window_of(whole: Compiled, begin: float, end: float, start: Handed | None) -> Compiled:
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
    """u = E(x) + τE′(x) + what the sides change by since it began, + B·N: exact at its beginning and at the sides.

    Where the equation has unknown numbers, E follows them to first order. A field that is found from data has its
    E as well, which is where the search for it begins and no condition.
    """

    def __init__(self, whole: Compiled, begin: float, end: float, start: Handed):
        super().__init__(whole, begin, end)
        self.start_state = start
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
            change = _change(sides, whole, begin, self._length, carried_orders(whole.system).get(name, 0))
            if change != ZERO:
                self._jets[name] = Derivatives(change, self.coordinates)
        for name, node in whole.start.items():  # neither what was left nor a side says where it starts
            if name not in whole.met.ends and name not in whole.system.coefficients:
                self._jets[name] = Derivatives(node, self.coordinates)

    def ansatz(self, raw: Sequence[Jet], x: Sequence[Jet], lam=None) -> dict[str, Jet]:
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
            if orders or name in self.system.coefficients:
                field = field + self._left(name, 0, x, lam)
            if orders > 1:
                fading = s * (1 - s) * (1 - s) * self._length
                field = field + fading * self._left(name, 1, x, lam)
            found[name] = field
        return found

    def _left(self, name: str, order: int, x: Sequence[Jet], lam) -> Jet:
        """What the window before left of a field, at the unknown numbers of now."""
        state = self.start_state
        found = self._carried(state.fields, name, order, x)
        if state.numbers and lam is not None and name not in self.system.coefficients:
            for since, slope in zip(differences(lam, state.numbers), state.slopes, strict=True):
                found = found + self._carried(slope, name, order, x) * since
        return found

    def _carried(self, state: EndState | DomainState, name: str, order: int, x: Sequence[Jet]) -> Jet:
        """The jet of a field or its rate in a state; kept with points that are used again and again."""
        kept, key = x[0].known, ("end state", self, id(state), name, order)
        if kept is not None and key in kept:
            return kept[key]
        jet = self._series(state, name, order, x) if isinstance(state, EndState) else state.jet(
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


def end_of(
    whole: Compiled,
    moment: float,
    fields: FieldsAt,
    rates: FieldsAt,
    numbers: Sequence[float] = (),
    follows: Sequence[Follows] = (),
) -> tuple[Handed, float]:
    """See `Problem.left_at`."""
    found, off = _state(whole, moment, fields, rates)
    slopes = tuple(_state(whole, moment, *each)[0] for each in follows)
    return Handed(found, tuple(numbers), slopes), off


def _state(whole: Compiled, moment: float, fields: FieldsAt, rates: FieldsAt) -> tuple[EndState | DomainState, float]:
    orders = carried_orders(whole.system)
    if not orders:  # each window finds how it begins by itself
        return EndState([], {}), 0.0

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


def carried_orders(system: System) -> dict[str, int]:
    """Field → how many derivatives in time, the value counted, a window hands on to the next one."""
    return initial_orders(system) | {name: max(1, initial_orders(system).get(name, 0)) for name in system.coefficients}


def found_in_each(system: System) -> tuple[str, ...]:
    """The fields that every window finds from its own data.

    They are those found from data, and those that change in time and of which no condition says how they begin.
    """
    given, time = initial_orders(system), system.names.time
    moving = [name for name in system.names.fields if order(*system.residuals, field=name, coordinate=time)]
    return tuple(name for name in system.names.fields
                 if name in system.coefficients or (name in moving and name not in given))  # fmt: skip


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
    if not orders:  # nothing is handed on of it
        return made
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
