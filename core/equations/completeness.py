"""Whether a system has equations and conditions enough: what is missing, and where."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from core.equations.algebra import negative
from core.equations.calculus import partial
from core.equations.conditions import NORMAL, Condition, Kind
from core.equations.faults import Fault
from core.equations.places import Place, Where, at_place
from core.equations.structure import fields_in, order
from core.equations.system import System
from core.equations.tree import Field, Number, postorder
from core.equations.writing import field_name


def missing(system: System) -> list[Fault]:
    """Equations and conditions that are missing, and what can't be decided; what data may make up for, as warnings."""
    return [
        *_equations(system),
        *_initial(system),
        *_sides(system),
        *_named(system),
        *_constants(system),
        *_unheld(system),
    ]


def solved_fields(system: System) -> list[str]:
    """The fields that equations and conditions are for; not those found from data."""
    return [name for name in system.names.fields if name not in system.coefficients]


def fields_of(condition: Condition) -> set[str]:
    """The fields that a condition is about."""
    return {condition.field} if condition.field else {each.name for each in fields_in(condition.residual)}


def _equations(system: System) -> Iterable[Fault]:
    names, residuals = solved_fields(system), system.residuals
    if len(residuals) != len(names):
        count = (
            f"{len(residuals)} equation{'s' * (len(residuals) != 1)} for {len(names)} field{'s' * (len(names) != 1)}"
        )
        few = len(residuals) < len(names)
        yield Fault(f"{count} ({', '.join(names)})", label="the equations",
                    expected="as many as fields, a vector's counted by components",
                    warning=not few or system.has_data)  # fmt: skip
    present = {each.name for each in fields_in(*residuals)}
    for name in system.names.fields:
        if residuals and name not in present:
            yield Fault(f"no equation has the field {name}", label=f"field {name}", expected=f"an equation with {name}")


def _initial(system: System) -> Iterable[Fault]:
    time = system.names.time
    if time is None:
        return
    start = f"{time} = {system.frame.time_start:g}"
    for name in solved_fields(system):
        highest = order(*system.residuals, field=name, coordinate=time)
        own = [each for each in system.conditions if name in fields_of(each)]
        if highest < 1 or any(each.kind is Kind.PERIODIC and each.coordinate == time for each in own):
            continue
        at_times = [each for each in own if each.place.kind is Where.SIDE and each.place.coordinate == time]
        given = {len(each.by) for each in at_times if each.kind in (Kind.INITIAL_VALUE, Kind.INITIAL_RATE)}
        others = sum(each.kind not in (Kind.INITIAL_VALUE, Kind.INITIAL_RATE) for each in at_times)
        field = system.names.field(name)
        rates = [field_name(Field(name, field.over, (time,) * k)) for k in range(highest + 1)]
        for k in [k for k in range(highest) if k not in given][others:]:
            needs = " and ".join(rates[:highest])
            yield Fault(f"{rates[highest]} needs {needs} at {start}; {rates[k]} is missing", label=f"field {name}",
                        expected=f"a condition at {start} such as {rates[k]} = 0", warning=system.has_data)  # fmt: skip


def _sides(system: System) -> Iterable[Fault]:
    if not system.frame.is_box:
        return
    for x in system.names.space:
        orders = {name: order(*system.residuals, field=name, coordinate=x) for name in solved_fields(system)}
        given = {(name, end): _given(system, name, x, end, orders[name]) for name in orders for end in ("low", "high")}
        for end in ("low", "high"):
            yield from _side(system, system.frame.side(x, end), orders, given)
        for name, highest in orders.items():
            both = len(given[name, "low"]) + len(given[name, "high"])
            time = system.names.time
            moves = time is not None and highest == 1 and order(*system.residuals, field=name, coordinate=time) > 0
            if (highest == 3 and both < 3) or (moves and both < 1):
                said = (f"{name} is differentiated {_counted(highest, 'time')} by {x}, which mostly takes "
                        f"{_counted(highest, 'condition')} at the ends of {x}; {both} typed")  # fmt: skip
                yield Fault(said, label=f"field {name}", warning=True)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _says(condition: Condition, across: str = "") -> Hashable:
    """What a condition gives, the same for all that give the same: it counts once however often it is said.

    Args:
        condition: with its place.
        across: the coordinate that the normal is along, at a side of a box.
    """
    if condition.field and condition.right is not None and condition.kind is not Kind.ROBIN:
        return condition.field, tuple(across if across and each == NORMAL else each for each in condition.by)
    return frozenset({condition.residual, negative(condition.residual)})


def _given(system: System, name: str, x: str, end: str, highest: int) -> set[Hashable]:
    """What conditions give of a field at an end of a coordinate."""
    found: set[Hashable] = set()
    for each in system.conditions:
        if name not in fields_of(each):
            continue
        on_side = each.place.kind is Where.SIDE and each.place.coordinate == x and each.place.end == end
        if each.kind is Kind.PERIODIC:
            found |= {(name, Kind.PERIODIC, k) for k in range(highest)} if each.coordinate == x else set()
        elif each.kind in (Kind.EVEN, Kind.ODD):
            found |= _mirrored(system, each, name, x, end, highest)
        elif on_side or each.place.kind is Where.BOUNDARY:
            found.add(_says(each, x))
    return found


def _mirrored(system: System, symmetry: Condition, name: str, x: str, end: str, highest: int) -> set[Hashable]:
    if symmetry.coordinate != x:
        return set()
    low, high = system.frame.domain[x]
    if symmetry.centre in (low, high):
        here = symmetry.centre == (low if end == "low" else high)
        first = 1 if symmetry.kind is Kind.EVEN else 0
        return {(name, (x,) * (first + 2 * k)) for k in range((highest + 1) // 2)} if here else set()
    other = "high" if end == "low" else "low"
    return {
        _says(each, x) for each in system.conditions
        if name in fields_of(each) and each.place.kind is Where.SIDE and each.place.coordinate == x
        and each.place.end == other and each.kind not in (Kind.EVEN, Kind.ODD)
    }  # fmt: skip


def _side(system: System, side: Place, orders: dict[str, int], given: Mapping[tuple[str, str], set]) -> Iterable[Fault]:
    needed = {name: highest // 2 for name, highest in orders.items() if highest >= 2 and highest % 2 == 0}
    needed = {name: count for name, count in needed.items() if _acts(system, name, orders[name], side)}
    yield from _lacking(system, side.text, needed, {name: given[name, side.end] for name in orders})


def _lacking(system: System, where: str, needed: dict[str, int], given: dict[str, set]) -> Iterable[Fault]:
    """What fields need at a place beside what is given of each there.

    As many as it takes in all are enough, if not for each: a stream function has those of its vorticity.
    """
    in_all = len(set().union(*given.values()))
    if in_all >= sum(needed.values()):
        return
    found = False
    for name, count in needed.items():
        if len(given[name]) < count:
            found = True
            some = "a condition" if count == 1 else _counted(count, "condition")
            has = f", has {len(given[name])}" if given[name] else ""
            yield Fault(f"{name} needs {some} at {where}{has}", label=f"field {name}",
                        expected=f"{name} = …, dn({name}) = …" + " or periodic" * system.frame.is_box,
                        warning=system.has_data)  # fmt: skip
    if not found:
        names, count = list(needed), _counted(sum(needed.values()), "condition")
        said = f"{', '.join(names[:-1])} and {names[-1]} need {count} together at {where}, have {in_all}"
        yield Fault(said, label=f"field {names[-1]}", expected="one more of them", warning=system.has_data)


def _acts(system: System, name: str, highest: int, side: Place) -> bool:
    """Whether the highest derivative across a side is there at all: x²·u_xx needs nothing at x = 0."""
    field = system.names.field(name)
    for residual in system.residuals:
        for leaf in (each for each in postorder(residual) if isinstance(each, Field) and each.name == name):
            if leaf.by.count(side.coordinate) == highest:
                factor = at_place(partial(residual, Field(name, field.over, leaf.by)), side)
                if factor != Number(0):
                    return True
    return False


def _named(system: System) -> Iterable[Fault]:
    """Each boundary with a name, and all of the boundary where the domain is no box."""
    names, space = solved_fields(system), system.names.space
    highest = {
        name: max((order(*system.residuals, field=name, coordinate=x) for x in space), default=0) for name in names
    }
    needed = {name: found // 2 for name, found in highest.items() if found >= 2 and found % 2 == 0}
    for boundary in system.frame.boundaries:
        given = {
            name: {
                _says(each) for each in system.conditions
                if name in fields_of(each) and (each.place.name == boundary or each.place.kind is Where.BOUNDARY)
            }
            for name in names
        }  # fmt: skip
        yield from _lacking(system, boundary, needed, given)


def _constants(system: System) -> Iterable[Fault]:
    """Fields of which only derivatives appear."""
    if system.has_data:
        return
    plain = {each.name for each in fields_in(*system.residuals, *(each.residual for each in system.conditions))
             if not each.by}  # fmt: skip
    plain |= {each.field for each in system.conditions if each.kind is Kind.ODD}
    differentiated = {each.name for each in fields_in(*system.residuals)}
    for name in solved_fields(system):
        if name in differentiated - plain:
            yield Fault(f"only derivatives of {name} appear, so it is found up to a constant", label=f"field {name}",
                        expected=f"a value at a point, such as {name} = 0", warning=True)  # fmt: skip


def _unheld(system: System) -> Iterable[Fault]:
    """Unknown numbers and fields found from data, where there are no data and nothing more than the equations."""
    if system.has_dataset or any(each.kind in (Kind.POINT_VALUE, Kind.INTEGRAL) for each in system.conditions):
        return
    for name in (*system.unknowns, *system.coefficients):
        yield Fault(f"{name} is to be found, and no dataset is named", label=f"field {name}" if name in
                    system.coefficients else f"unknown {name}", expected="data, or a further condition such as a "
                    "value at a point or an integral", warning=True)  # fmt: skip
