"""Fields that repeat or are mirrored along a coordinate: where that holds, and whether data and equations agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.equations.algebra import negative, number, total
from core.equations.calculus import substituted
from core.equations.conditions import SYMMETRIES, Condition, Kind, of_residual
from core.equations.evaluation import Program
from core.equations.faults import EquationError, Fault
from core.equations.places import Frame, Place, Where, shortest
from core.equations.sampling import inner_points, is_known, values_of, where
from core.equations.structure import fields_in
from core.equations.system import System
from core.equations.tree import Coordinate, Expression, Field, Normal, Parameter, TreeError, Unknown, postorder

AGREE = 1e-9
"""Of the values' size: nearer than this, two values are the same."""
_MIRRORED = (Kind.EVEN, Kind.ODD)


@dataclass(frozen=True)
class Mirror:
    """That all fields of a coordinate are even or odd about the middle of its interval."""

    centre: float
    odd: frozenset[str]
    """Those that are odd."""

    def sign(self, field: str, by: Iterable[str], coordinate: str) -> int:
        """Of a derivative's value at the mirror image over that here."""
        return (-1 if field in self.odd else 1) * (-1) ** list(by).count(coordinate)


def mirrors(system: System) -> dict[str, Mirror]:
    """Coordinate → what its fields are, where they are mirrored about its middle; a centre at an end is a condition.

    Raises:
        EquationError: another centre, some fields without a symmetry, or one that is even and odd.
    """
    asked: dict[str, dict[str, Condition]] = {}
    for each in system.conditions:
        if each.kind not in _MIRRORED or _is_end(each, system.frame):
            continue
        low, high = system.frame.domain[each.coordinate]
        if abs(each.centre - (low + high) / 2) > 1e-9 * (high - low):
            raise _refused(each, f"{each.coordinate} = {shortest(each.centre)} is neither the middle of "
                           f"{each.coordinate} from {low:g} to {high:g} nor an end of it",
                           f"a centre at {shortest((low + high) / 2)}, or a domain that begins there")  # fmt: skip
        earlier = asked.setdefault(each.coordinate, {}).setdefault(each.field, each)
        if earlier.kind is not each.kind:
            raise _refused(each, f"{each.field} even and odd about the same {each.coordinate}", "one of them")
    for x, found in asked.items():
        lacking = [name for name, over in system.names.fields.items() if x in over and name not in found]
        if lacking:
            first = next(iter(found.values()))
            raise _refused(first, f"{', '.join(found)} {first.kind} in {x} about its middle, and nothing said of "
                           f"{lacking[0]}", f"{lacking[0]} even or odd too, or half of the domain")  # fmt: skip
    return {x: Mirror(next(iter(found.values())).centre,
                      frozenset(name for name, each in found.items() if each.kind is Kind.ODD))
            for x, found in asked.items()}  # fmt: skip


def at_end(condition: Condition, system: System) -> Condition | None:
    """What a symmetry about an end of its coordinate says there: u_x = 0, or u = 0; None about the middle."""
    if not _is_end(condition, system.frame):
        return None
    name, x, centre = condition.field, condition.coordinate, condition.centre
    end = "low" if centre == system.frame.domain[x][0] else "high"
    place = Place(Where.SIDE, f"{x} = {shortest(centre)}", x, centre, end)
    leaf = Field(name, system.names.fields[name], (x,) if condition.kind is Kind.EVEN else ())
    return of_residual(leaf, place, condition.text, system.names, condition.label)


def _is_end(condition: Condition, frame: Frame) -> bool:
    return condition.centre in frame.domain[condition.coordinate]


def reflected(value: Expression, coordinate: str, centre: float) -> Expression:
    """A known expression at the mirror image."""
    x = Coordinate(coordinate)
    return substituted(value, {x: total(number(2 * centre), negative(x))})


@np.errstate(all="ignore")  # values there are none of are looked for
def symmetry_faults(system: System) -> list[Fault]:
    """Conditions that contradict what is said to repeat or be mirrored; equations that do are warnings."""
    if not any(each.kind in SYMMETRIES for each in system.conditions):
        return []
    try:
        found = mirrors(system)
    except EquationError as error:
        return error.faults
    periodic = {each.coordinate for each in system.conditions if each.kind is Kind.PERIODIC}
    faults: list[Fault] = []
    for x in (*found, *sorted(periodic)):
        mirror = found.get(x) if x not in periodic else None
        what = "periodic" if mirror is None else "even or odd"
        for each in system.conditions:
            faults += _data(system, each, x, mirror)
        for residual, label in zip(system.residuals, system.residual_labels, strict=True):
            if _differs(system, residual, x, mirror):
                said = f"it is not the same at {'both ends' if mirror is None else 'the mirror image'} of {x}"
                faults.append(Fault(f"{said}, so its solution is hardly {what} in {x}", label=label, warning=True))
    return faults


def _data(system: System, condition: Condition, x: str, mirror: Mirror | None) -> list[Fault]:
    """Whether values that a condition gives along a coordinate are those at its other end, or at the mirror image."""
    value, place = condition.right, condition.place
    along = place.kind in (Where.SIDE, Where.POINT) and x not in {place.coordinate, *dict(place.point)}
    if value is None or not condition.field or not is_known(value) or not along:
        return []
    if x not in system.names.fields[condition.field]:
        return []
    low, high = system.frame.domain[x]
    here = inner_points(system.frame)
    for name, at in (dict(place.point) | ({place.coordinate: place.value} if place.coordinate else {})).items():
        here[name] = np.full_like(here[name], at)
    if mirror is None:
        here[x] = np.full_like(here[x], low)
    there = here | {x: np.full_like(here[x], high) if mirror is None else 2 * mirror.centre - here[x]}
    (a,), (b,) = values_of([value], here, system.frame), values_of([value], there, system.frame)
    sign = 1 if mirror is None else mirror.sign(condition.field, condition.by, x)
    off = np.abs(a - sign * b)
    (inside,) = values_of([value], inner_points(system.frame), system.frame)
    size = np.nanmax(np.abs([a, b, inside]))
    if not np.isfinite(off).any() or np.nanmax(off) <= AGREE * max(size, AGREE):
        return []
    at = int(np.nanargmax(off))
    kind = "periodic" if mirror is None else "odd" if condition.field in mirror.odd else "even"
    name = condition.field + (f"_{''.join(condition.by)}" if condition.by else "")
    said = (f"{name} is {a[at]:.3g} at {where(here, at)} and {b[at]:.3g} at {where(there, at)}, and "
            f"{condition.field} is {kind} in {x}")  # fmt: skip
    return [Fault(said, condition.text, 0, len(condition.text), condition.label, f"values that are {kind} in {x}")]


def _differs(system: System, residual: Expression, x: str, mirror: Mirror | None) -> bool:
    """Whether an equation is another one at the other end, or the mirror image, for the same values of its fields."""
    rng = np.random.default_rng(0)
    here = inner_points(system.frame)
    low, high = system.frame.domain[x]
    if mirror is None:
        here[x] = np.full_like(here[x], low)
    there = here | {x: np.full_like(here[x], high) if mirror is None else 2 * mirror.centre - here[x]}
    known: dict[Expression, object] = {Parameter(name): value for name, value in system.frame.parameters.items()}
    known |= {each: 1.0 + rng.random() for each in postorder(residual) if isinstance(each, Unknown | Normal)}
    leaves = {each: 0.5 + rng.random(len(here[x])) for each in fields_in(residual)}
    signs = {each: 1 if mirror is None else mirror.sign(each.name, each.by, x) for each in leaves}
    try:
        program = Program([residual])
        (a,) = program(known | leaves | {Coordinate(name): values for name, values in here.items()})
        mirrored = {each: signs[each] * values for each, values in leaves.items()}
        (b,) = program(known | mirrored | {Coordinate(name): values for name, values in there.items()})
    except (KeyError, TreeError):
        return False
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    size = np.nanmax(np.abs(a)) if np.isfinite(a).any() else 0.0
    return bool(min(np.nanmax(np.abs(a - b)), np.nanmax(np.abs(a + b))) > AGREE * size > 0)


def _refused(condition: Condition, message: str, expected: str) -> EquationError:
    text = condition.text
    return EquationError([Fault(message, text, 0, len(text), condition.label, expected)])
