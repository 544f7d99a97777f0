"""How each condition of a system on a box is met: by the ansatz, by periodic inputs, or by rows of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from core.equations.algebra import number, product
from core.equations.calculus import ZERO, substituted
from core.equations.completeness import fields_of
from core.equations.conditions import Condition, Kind, of_residual
from core.equations.faults import EquationError, Fault
from core.equations.integrals import Quadrature
from core.equations.places import Place, Where
from core.equations.sampling import is_known
from core.equations.symmetry import Mirror, at_end, mirrors, reflected
from core.equations.system import System
from core.equations.tree import Expression, Normal, Parameter

Orders = tuple[Expression, ...]
"""What value and first, second … derivative along a coordinate are at one of its ends."""
HIGHEST = 4
"""Orders of derivatives at one end that an ansatz meets, the value counted."""


@dataclass(frozen=True)
class Ends:
    """What a field is at the ends of one coordinate."""

    low: Orders = ()
    high: Orders = ()


@dataclass(frozen=True)
class Rows:
    """Conditions at one place, asked for at points of it."""

    name: str
    place: Place
    conditions: tuple[Condition, ...]
    quadrature: Quadrature | None = None
    """Of an integral condition: its sums over points."""


@dataclass
class Met:
    """Which conditions are met how."""

    ends: dict[str, dict[str, Ends]] = field(default_factory=dict)
    """Field → coordinate → what the ansatz meets at its ends."""
    periodic: tuple[str, ...] = ()
    mirrors: dict[str, Mirror] = field(default_factory=dict)
    """Coordinate → what its fields are about its middle."""
    rows: tuple[Rows, ...] = ()


def numbers_for_parameters(system: System, node: Expression) -> Expression:
    """An expression with the parameters' values in it."""
    return substituted(node, {Parameter(name): number(value) for name, value in system.frame.parameters.items()})


def how_met(system: System, by_rows: Iterable[str] = ()) -> Met:
    """How the conditions of a system on a box are met.

    Args:
        system: whose.
        by_rows: fields of which all conditions get rows.

    Raises:
        EquationError: a condition of a kind that no run can be asked for.
    """
    by_rows = set(by_rows)
    met = Met(periodic=_periodic(system), mirrors=mirrors(system))
    single = [each for condition in system.conditions if condition.kind not in (Kind.PERIODIC, Kind.INTEGRAL)
              for each in _at_sides(condition, system)]  # fmt: skip
    given: dict[tuple[str, str, str], dict[int, Condition]] = {}
    left: list[Condition] = []
    for condition in single:
        place = condition.place
        order = _order_along(condition)
        slot = given.setdefault((condition.field, place.coordinate, place.end), {})
        if order is None or condition.field in by_rows or order in slot or place.coordinate in met.periodic:
            left.append(condition)
        else:
            slot[order] = condition
    for x, mirror in met.mirrors.items():
        _mirror(given, x, mirror)
    for (name, coordinate, end), found in given.items():
        first = [found[k] for k in range(HIGHEST) if all(below in found for below in range(k + 1))]
        left += [each for each in found.values() if each not in first]
        if first:
            sides = met.ends.setdefault(name, {})
            values = tuple(numbers_for_parameters(system, each.right) for each in first)
            sides[coordinate] = replace(sides.get(coordinate, Ends()), **{end: values})
    met.rows = (*_rows(left), *_integrals(system))
    return met


def _periodic(system: System) -> tuple[str, ...]:
    """The coordinates in which all fields are periodic."""
    asked: dict[str, set[str]] = {}
    for condition in system.conditions:
        if condition.kind is Kind.PERIODIC:
            asked.setdefault(condition.coordinate, set()).add(condition.field)
    for coordinate, fields in asked.items():
        lacking = [name for name, over in system.names.fields.items() if coordinate in over and name not in fields]
        if lacking:
            label = next(each.label for each in system.conditions if each.coordinate == coordinate)
            raise EquationError([Fault(f"{', '.join(sorted(fields))} periodic in {coordinate}, and {lacking[0]} not",
                                       label=label, expected="all fields, or none")])  # fmt: skip
    return tuple(x for x in system.names.coordinates if x in asked)


def _at_sides(condition: Condition, system: System) -> list[Condition]:
    """A condition on the whole boundary as one on each side, a symmetry as what holds at its centre."""
    place = condition.place
    if condition.kind in (Kind.EVEN, Kind.ODD):
        found = at_end(condition, system)
        return [] if found is None else [found]
    if place.kind is not Where.BOUNDARY or not system.frame.is_box:
        return [condition]
    found = []
    over = {x for name in fields_of(condition) for x in system.names.fields[name]}
    for side in system.frame.sides():
        if side.coordinate in over:
            sign = 1 if side.end == "high" else -1
            normal = {Normal(x): number(sign if x == side.coordinate else 0) for x in system.names.space}
            residual = substituted(condition.residual, normal)
            if residual != ZERO:
                found.append(of_residual(residual, side, condition.text, system.names, condition.label))
    return found


def _mirror(given: dict[tuple[str, str, str], dict[int, Condition]], x: str, mirror: Mirror) -> None:
    """What is given at one end of a mirrored coordinate is given at the other."""
    for (name, coordinate, end), found in list(given.items()):
        if coordinate != x or not end:
            continue
        other = given.setdefault((name, x, "high" if end == "low" else "low"), {})
        for order, condition in found.items():
            sign = mirror.sign(name, (x,) * order, x)
            value = product(number(sign), reflected(condition.right, x, mirror.centre))
            other.setdefault(order, replace(condition, right=value))


def _order_along(condition: Condition) -> int | None:
    """Which derivative along its side's coordinate is given there by a known expression; None for anything else."""
    place, by = condition.place, condition.by
    plain = condition.kind in (Kind.VALUE, Kind.INITIAL_VALUE, Kind.INITIAL_RATE, Kind.FLUX, Kind.DERIVATIVE)
    if not plain or place.kind is not Where.SIDE or not place.end or condition.right is None:
        return None
    if set(by) - {place.coordinate} or not is_known(condition.right):
        return None
    return len(by)


def _rows(conditions: list[Condition]) -> tuple[Rows, ...]:
    places: dict[Place, list[Condition]] = {}
    for condition in conditions:
        places.setdefault(condition.place, []).append(condition)
    return tuple(Rows(f"at_{k}", place, tuple(held)) for k, (place, held) in enumerate(places.items(), 1))


def _integrals(system: System) -> tuple[Rows, ...]:
    found = [each for each in system.conditions if each.kind is Kind.INTEGRAL]
    return tuple(Rows(f"integral_{k}", each.place, (each,), Quadrature(each, system.frame))
                 for k, each in enumerate(found, 1))  # fmt: skip


def sentences(system: System, met: Met) -> list[str]:
    """How the conditions are met, in words, a sentence for each field and place."""
    found = []
    for name, sides in met.ends.items():
        parts = []
        for coordinate, ends in sides.items():
            low, high = system.frame.domain[coordinate]
            for values, at in ((ends.low, low), (ends.high, high)):
                if values:
                    parts.append(f"{_what(name, coordinate, len(values))} at {coordinate} = {at:g}")
        found.append(f"{'; '.join(parts)}: exact, built into the ansatz.")
    for x, mirror in met.mirrors.items():
        names = [name for name, over in system.names.fields.items() if x in over]
        kinds = ", ".join(f"{name} {'odd' if name in mirror.odd else 'even'}" for name in names)
        found.append(f"{kinds} in {x} about {mirror.centre:g}: exact, the network reads what is the same at both.")
    if met.periodic:
        found.append(f"Periodic in {', '.join(met.periodic)}: exact, the network reads cosine and sine of it.")
    for rows in met.rows:
        texts = "; ".join(dict.fromkeys(each.text for each in rows.conditions))
        if rows.quadrature is not None:
            found.append(f"{_integral(rows, texts)}.")
            continue
        found.append(f"{texts} at {rows.place.text}: asked for by rows of their own, beside the equations'.")
    return found


def _what(name: str, coordinate: str, orders: int) -> str:
    return ", ".join([name, *(f"{name}_{coordinate * k}" for k in range(1, orders))])


def _integral(rows: Rows, text: str) -> str:
    """An integral condition in words: where it is asked for, and by sums of how many values."""
    at = "" if rows.place.kind is Where.EVERYWHERE else f" at {rows.place.text}"
    free, targets = rows.quadrature.free, len(rows.quadrature.targets)
    each = f" at {targets} values of {', '.join(free)}" if free else ""
    nodes = (len(rows.quadrature.points) - targets) // targets
    return f"{text}{at}: asked for{each} as a sum over {nodes:,} Gauss points, beside the equations"
